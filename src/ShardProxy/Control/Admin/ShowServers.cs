using ShardProxy.Listening.Admin;

namespace ShardProxy.Control.Admin;

/// <summary>A row for each server connection. What it is doing is read while it does it, so it may be a moment old.</summary>
internal sealed class ShowServers : AdminTable
{
    public override string Name => "SERVERS";

    public override IReadOnlyList<AdminColumn> Columns { get; } =
        [Text("database"), Text("user"), Text("shard"), Integer("process_id"), Text("state"), Text("transaction"), Boolean("pinned")];

    public override ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view)
    {
        var rows = new List<object?[]>();
        foreach (var (database, _) in view.Databases)
        {
            foreach (var (user, pool) in database.PoolsByUser)
            {
                foreach (var server in pool.Servers())
                {
                    rows.Add(
                    [
                        database.Config.Name, user, pool.ShardName, (long)server.ProcessId, server.State.ToString().ToLowerInvariant(),
                        ShowClients.TransactionWord((char)server.TransactionStatus), server.IsPinned,
                    ]);
                }
            }
        }
        return new(rows);
    }
}
