using ShardProxy.Listening.Admin;

namespace ShardProxy.Control.Admin;

/// <summary>Counts since the start, a row for each database.</summary>
internal sealed class ShowStats : AdminTable
{
    public override string Name => "STATS";

    public override IReadOnlyList<AdminColumn> Columns { get; } =
    [
        Text("database"), Timestamp("started"), Integer("clients"), Integer("server_connections"), Integer("waiting"), Integer("statement_cache_hits"),
        Integer("statement_cache_misses"), Integer("statement_cache_entries"), Integer("statement_cache_bytes"), Integer("routing_version"),
    ];

    public override ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view)
    {
        var rows = new List<object?[]>();
        foreach (var (database, routing) in view.Databases)
        {
            var cache = database.Statements;
            var pools = database.Pools.ToArray();
            rows.Add(
            [
                database.Config.Name, view.Started, view.Sessions.All.LongCount(session => session.Database == database),
                pools.Sum(static pool => (long)pool.Count), pools.Sum(static pool => (long)pool.WaitingCount), cache.Hits, cache.Misses, (long)cache.Count, cache.Bytes,
                routing.Current.Version,
            ]);
        }
        return new(rows);
    }
}
