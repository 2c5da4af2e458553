using System.Text;
using ShardProxy.Directory;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>Stores rows that are known already, as parameters in PostgreSQL's text form, so that their types are the columns'.</summary>
internal sealed class StoredRows(Session session, QualifiedName table, IReadOnlyList<string> columns)
{
    /// <summary>Bind counts parameters in 16 bits.</summary>
    private const int MaxParameters = 65535;

    /// <summary>Stores the same rows on each of the shards.</summary>
    public async ValueTask StoreAsync(IReadOnlyList<int> shards, IReadOnlyList<byte[]?[]> rows)
    {
        var batch = Math.Max(1, MaxParameters / columns.Count);
        for (var from = 0; from < rows.Count; from += batch)
        {
            var statement = Statement([.. rows.Skip(from).Take(batch)]);
            await RunAsync(shards, _ => statement);
        }
    }

    private async ValueTask RunAsync(IReadOnlyList<int> shards, Func<int, ShardStatement> statementOf)
    {
        var run = await SpreadRun.StartAsync(session, shards, statementOf);
        try
        {
            await run.PumpAsync(new Concatenation(run.Shards), maxRows: 0);
        }
        catch (Exception exception) when (exception is SqlErrorException or ServerLostException)
        {
            await run.AbortAsync(exception);
            throw;
        }
        await run.FinishAsync();
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

    private static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
