using ShardProxy.Listening.Admin;

namespace ShardProxy.Control.Admin;

/// <summary>A row for each pool: the server connections of one user to one shard.</summary>
internal sealed class ShowPools : AdminTable
{
    public override string Name => "POOLS";

    public override IReadOnlyList<AdminColumn> Columns { get; } =
    [
        Text("database"), Text("user"), Text("shard"), Text("mode"), Integer("size"), Integer("connections"), Integer("idle"), Integer("in_use"),
        Integer("waiting"), Boolean("paused"), Text("failure"),
    ];

    public override ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view)
    {
        var rows = new List<object?[]>();
        foreach (var (database, _) in view.Databases)
        {
            foreach (var (user, pool) in database.PoolsByUser)
            {
                long count = pool.Count;
                long idle = pool.IdleCount;
                rows.Add(
                [
                    database.Config.Name, user, pool.ShardName, database.IsSessionPooled ? "session" : "transaction", (long)pool.Size, count, idle,
                    Math.Max(0, count - idle), (long)pool.WaitingCount, pool.IsPaused, pool.LastOpeningError?.Message,
                ]);
            }
        }
        return new(rows);
    }
}
