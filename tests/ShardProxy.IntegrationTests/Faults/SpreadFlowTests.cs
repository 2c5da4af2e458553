using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Faults;

/// <summary>A client that reads slowly slows the shards down; what the proxy holds meanwhile is bounded, however large the result.</summary>
public sealed class SpreadFlowTests(SpreadCluster cluster) : IClassFixture<SpreadCluster>
{
    /// <summary>Buffers of one session and three server connections, and what the runtime takes for them.</summary>
    private const long Held = 32 << 20;

    /// <summary>5 million rows, some 250 MB.</summary>
    [Theory]
    [InlineData("SELECT b.id, b.v, n, 'some text that makes the row longer' FROM big b CROSS JOIN generate_series(1, 25) n")]
    [InlineData("SELECT b.id, b.v, n, 'some text that makes the row longer' FROM big b CROSS JOIN generate_series(1, 25) n ORDER BY b.id, n")]
    public async Task A_slow_client_slows_the_shards(string statement)
    {
        await using (var warm = await WireClient.ConnectAsync(cluster.Endpoint))
        {
            (await warm.MustAsync($"EXPLAIN (SHARDS) {statement}")).First(static message => message.Type == 'D').TextValues[0].ShouldStartWith("several shards");
            await warm.MustAsync($"{statement} LIMIT 20000");
        }
        var before = cluster.Proxy.ResidentBytes();
        await using (var client = await WireClient.ConnectAsync(cluster.Endpoint))
        {
            await client.SendAsync(new FrontendScript().Query(statement));
            for (var round = 0; round < 5; round++)
            {
                for (var rows = 0; rows < 20_000;)
                    rows += (await client.ReceiveAsync()).Type == 'D' ? 1 : 0;
                // Nobody reads any more, and at last every shard waits for room to write.
                foreach (var shard in cluster.Cluster.Shards)
                {
                    await Until.TrueAsync(
                        async () => await shard.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND wait_event = 'ClientWrite'") == 1,
                        $"{shard.Name} waits for its client");
                }
                (cluster.Proxy.ResidentBytes() - before).ShouldBeLessThan(Held);
            }
        }
        await cluster.MustBeCleanAsync();
    }
}
