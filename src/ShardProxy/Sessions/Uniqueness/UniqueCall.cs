using System.Text;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Uniqueness;

/// <summary>
/// Calls of the shards' functions for global indexes, in the session's transaction. All arguments are parameters: a text is
/// seen in pg_stat_activity, and one of them is secret.
/// </summary>
internal static class UniqueCall
{
    /// <summary>Calls a function on some of the shards at once.</summary>
    /// <param name="sqlOf">By the shard's support.</param>
    public static async ValueTask RunAsync(
        Session session, IReadOnlyList<int> shards, Func<UniqueSupport, string> sqlOf, Func<UniqueSupport, string?[]> argumentsOf, EntryLog? entries = null) =>
        await TakeAsync(session, shards, sqlOf, argumentsOf, entries);

    /// <summary>Calls a function on one shard, for the values that it returns.</summary>
    public static ValueTask<List<byte[]>> ReadAsync(Session session, int shard, Func<UniqueSupport, string> sqlOf, Func<UniqueSupport, string?[]> argumentsOf) =>
        TakeAsync(session, [shard], sqlOf, argumentsOf, entries: null);

    private static async ValueTask<List<byte[]>> TakeAsync(
        Session session, IReadOnlyList<int> shards, Func<UniqueSupport, string> sqlOf, Func<UniqueSupport, string?[]> argumentsOf, EntryLog? entries)
    {
        // What is called here goes by no key.
        session.ChosenUnder = session.Database.Routing.Directory.MoveNumber;
        var statements = new Dictionary<int, ShardStatement>(shards.Count);
        foreach (var shard in shards)
        {
            var support = await session.Database.Control.UniqueSupportAsync(shard);
            statements.Add(shard, Statement(sqlOf(support), argumentsOf(support)));
        }
        var run = await SpreadRun.StartAsync(session, shards, shard => statements[shard], entries);
        var rows = new FirstColumn(run.Shards);
        await run.RunToEndAsync(rows);
        return rows.Values;
    }

    /// <summary>A text array, of elements without special characters (base64, digits).</summary>
    public static string Array(IReadOnlyList<string> elements) => $"{{{string.Join(',', elements)}}}";

    /// <summary>A text array of any elements.</summary>
    public static string QuotedArray(IEnumerable<string> elements) =>
        $"{{{string.Join(',', elements.Select(static element => $"\"{element.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\""))}}}";

    private static ShardStatement Statement(string sql, string?[] arguments)
    {
        var values = System.Array.ConvertAll(arguments, static argument => argument is null ? null : Encoding.UTF8.GetBytes(argument));
        var body = new ByteBuffer();
        BindMessage.Write(body, [], [], [], values, []);
        return new ShardStatement(Encoding.UTF8.GetBytes(sql)) { Bind = body.Unread[Frame.HeaderLength..].ToArray() };
    }
}
