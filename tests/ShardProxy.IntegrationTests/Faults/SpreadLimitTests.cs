using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Faults;

/// <summary>What the shards read for the first rows of an order, by their own counts.</summary>
public sealed class SpreadLimitTests(SpreadCluster cluster) : IClassFixture<SpreadCluster>
{
    private const int Rows = 3000;

    /// <summary>All of the rows that are asked for may be one shard's, so each gives as many; none needs to read more of its index than that.</summary>
    [Theory]
    [InlineData("SELECT id, pad FROM {0} ORDER BY id LIMIT 10", 10, 10)]
    [InlineData("SELECT id, pad FROM {0} ORDER BY id DESC LIMIT 10 OFFSET 5", 15, 10)]
    [InlineData("SELECT id, pad FROM {0} WHERE id > 1000 ORDER BY id FETCH FIRST 10 ROWS ONLY", 10, 10)]
    [InlineData("SELECT id, pad FROM {0} ORDER BY id LIMIT 0", 0, 0)]
    public async Task No_more_than_it_must(string statement, long each, int rows)
    {
        // A table of its own: nothing else has been read of it.
        var table = $"first_{Guid.NewGuid():N}";
        await using var client = await WireClient.ConnectAsync(cluster.Endpoint);
        await client.MustAsync($"CREATE TABLE {table} (id int8 PRIMARY KEY, pad text NOT NULL)");
        await client.MustAsync($"SELECT create_distributed_table('{table}', 'id')");
        await client.MustAsync($"INSERT INTO {table} SELECT g, 'x' FROM generate_series(1, {Rows}) g");
        await client.MustAsync($"ANALYZE {table}");
        await client.MustAsync("SET enable_seqscan = off");
        await client.MustAsync("SET enable_bitmapscan = off");

        // A server process hands in its counts behind the transaction in which it was asked to.
        await client.MustAsync("BEGIN");
        foreach (var shard in cluster.Cluster.Shards)
            await client.MustAsync($"/* shardproxy: shard={shard.Name} */ SELECT pg_stat_force_next_flush()");
        (await client.MustAsync(string.Format(statement, table))).Count(static message => message.Type == 'D').ShouldBe(rows);
        await client.MustAsync("COMMIT");

        var counts = new List<long>();
        await Until.TrueAsync(
            async () =>
            {
                counts = [];
                foreach (var shard in cluster.Cluster.Shards)
                    counts.Add(await shard.ScalarAsync<long>($"SELECT idx_tup_fetch FROM pg_stat_user_tables WHERE relname = '{table}'"));
                return counts.Sum() >= rows;
            },
            "the shards have counted");
        counts.ShouldAllBe(count => count <= each);
    }
}
