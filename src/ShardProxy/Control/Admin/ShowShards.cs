using ShardProxy.Listening.Admin;

namespace ShardProxy.Control.Admin;

/// <summary>A row for each shard: where it is, what it owns, how many connections lead to it.</summary>
internal sealed class ShowShards : AdminTable
{
    public override string Name => "SHARDS";

    public override IReadOnlyList<AdminColumn> Columns { get; } =
    [
        Text("database"), Text("shard"), Boolean("home"), Text("host"), Integer("port"), Text("dbname"), Boolean("catalog_read"),
        Integer("buckets"), Integer("connections"), Text("failure"), Text("differences"),
    ];

    public override ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view)
    {
        var rows = new List<object?[]>();
        foreach (var (database, routing) in view.Databases)
        {
            var state = routing.Current;
            var buckets = new long[state.Shards.Count];
            for (var bucket = 0; bucket < state.Directory.BucketCount; bucket++)
                buckets[state.Directory.ShardOfBucket(bucket)]++;
            for (var index = 0; index < state.Shards.Count; index++)
            {
                var shard = state.Shards[index];
                var pools = database.Pools.Where(pool => pool.Shard == index).ToArray();
                rows.Add(
                [
                    database.Config.Name, shard.Name, index == 0, shard.Primary.Host, (long)shard.Primary.Port, shard.Primary.Database,
                    state.Unavailable is null && state.Catalog.IsShardKnown(index), buckets[index], pools.Sum(static pool => (long)pool.Count),
                    pools.Select(static pool => pool.LastOpeningError?.Message).FirstOrDefault(static message => message is not null),
                    state.Catalog.ShardDifferences.ElementAtOrDefault(index) is { Count: > 0 } differences ? string.Join("; ", differences) : null,
                ]);
            }
        }
        return new(rows);
    }
}
