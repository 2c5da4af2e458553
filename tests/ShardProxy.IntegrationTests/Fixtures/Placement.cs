namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>Where rows stand, asked of a shard itself and of PostgreSQL's own hash partitioning.</summary>
public static class Placement
{
    public static Task<long> RowsAsync(PostgresServer shard, string table) => shard.ScalarAsync<long>($"SELECT count(*) FROM {table}");

    /// <summary>
    /// Rows of a shard whose bucket the shard does not own, when buckets are spread in equal runs over the shards
    /// (bucket × shards ÷ buckets).
    /// </summary>
    public static async Task<long> MisplacedRowsAsync(
        PostgresServer shard, int shardIndex, int shardCount, string table, string key, string type, int buckets = 1024)
    {
        // satisfies_hash_partition wants a hash-partitioned parent to know the column's type and operator class.
        var parent = $"shardproxy_test_parent_{Guid.NewGuid():N}";
        await shard.ExecuteAsync($"CREATE TABLE public.{parent} (k {type}) PARTITION BY HASH (k)");
        try
        {
            return await shard.ScalarAsync<long>(
                $"SELECT count(*) FROM {table} t CROSS JOIN LATERAL (SELECT b FROM generate_series(0, {buckets - 1}) b " +
                $"WHERE satisfies_hash_partition('public.{parent}'::regclass, {buckets}, b, t.{key}::{type})) bucket " +
                $"WHERE bucket.b::int8 * {shardCount} / {buckets} <> {shardIndex}");
        }
        finally
        {
            await shard.ExecuteAsync($"DROP TABLE public.{parent}");
        }
    }
}
