using System.Text;
using ShardProxy.Directory;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>Stores rows that are known already, as parameters in PostgreSQL's text form, so that their types are the columns'.</summary>
internal sealed class StoredRows(Session session, QualifiedName table, IReadOnlyList<string> columns)
{
    /// <summary>Values go from shard to shard as text: throws 0A000 where the session's settings give texts that do not read back the same.</summary>
    public static void CheckText(Session session)
    {
        var isShort = int.TryParse(session.Settings.Find("extra_float_digits"), out var digits) && digits < 1;
        var dates = session.Servers.Held(Database.HomeShard)?.Parameters.GetValueOrDefault("DateStyle") ?? session.Settings.Find("datestyle") ?? "ISO";
        if (isShort || !dates.StartsWith("ISO", StringComparison.OrdinalIgnoreCase))
        {
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                "the statement's rows go from shard to shard as text, which the session's DateStyle or extra_float_digits makes inexact",
                "SET datestyle TO ISO and RESET extra_float_digits first.");
        }
    }

    /// <summary>Stores the same rows on each of the shards.</summary>
    /// <returns>Rows stored, on all of them together.</returns>
    public async ValueTask<long> StoreAsync(IReadOnlyList<int> shards, IReadOnlyList<byte[]?[]> rows)
    {
        var stored = 0L;
        var batch = Math.Max(1, ShardText.MaxParameters / columns.Count);
        for (var from = 0; from < rows.Count; from += batch)
        {
            var statement = Statement([.. rows.Skip(from).Take(batch)]);
            stored += await RunAsync(shards, _ => statement);
        }
        return stored;
    }

    private async ValueTask<long> RunAsync(IReadOnlyList<int> shards, Func<int, ShardStatement> statementOf)
    {
        var run = await SpreadRun.StartAsync(session, shards, statementOf);
        await run.RunToEndAsync(new Concatenation(run.Shards));
        return run.AffectedCount;
    }

    private ShardStatement Statement(IReadOnlyList<byte[]?[]> rows)
    {
        var sql = new StringBuilder("INSERT INTO ").Append(Name()).Append(" (").AppendJoin(", ", columns.Select(Quote)).Append(") OVERRIDING SYSTEM VALUE VALUES ");
        var values = new List<byte[]?>(rows.Count * columns.Count);
        foreach (var row in rows)
        {
            sql.Append(values.Count == 0 ? "(" : ", (");
            for (var column = 0; column < row.Length; column++)
            {
                values.Add(row[column]);
                sql.Append(column == 0 ? "$" : ", $").Append(values.Count);
            }
            sql.Append(')');
        }
        var body = new ByteBuffer();
        BindMessage.Write(body, [], [], [], [.. values], []);
        return new ShardStatement(Encoding.UTF8.GetBytes(sql.ToString())) { Bind = body.Unread[Frame.HeaderLength..].ToArray() };
    }

    private string Name() => $"{Quote(table.Schema)}.{Quote(table.Name)}";

    public static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
