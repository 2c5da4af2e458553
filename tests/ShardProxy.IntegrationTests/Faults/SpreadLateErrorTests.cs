using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Faults;

/// <summary>
/// One shard fails when rows have come already, of it or of others, that the client has not read: it gets them, then the error, once,
/// and every server connection comes back clean.
/// </summary>
public sealed class SpreadLateErrorTests(SpreadCluster cluster) : IClassFixture<SpreadCluster>
{
    // {0} is the id at which a shard fails.
    private const string Fails = "1 / (CASE WHEN id = {0} THEN 0 ELSE 1 END)";
    private const string Concatenated = $"SELECT id, pad, {Fails} FROM big";
    private const string Ordered = $"SELECT id, pad, {Fails} FROM big ORDER BY id";
    private const string Limited = $"SELECT id, {Fails} FROM big ORDER BY id LIMIT 150000";

    public static TheoryData<string, int, string> Failures()
    {
        var data = new TheoryData<string, int, string>();
        foreach (var statement in (string[])[Concatenated, Ordered, Limited])
        {
            foreach (var shard in (int[])[0, 2])
            {
                foreach (var way in (string[])["simple", "extended", "block"])
                    data.Add(statement, shard, way);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task Behind_rows_that_nobody_has_read(string statement, int shard, string way)
    {
        await using var client = await WireClient.ConnectAsync(cluster.Endpoint);
        if (way == "block")
            await client.MustAsync("BEGIN");
        var sql = await AtAsync(statement, shard, 120_000);
        await client.SendAsync(way == "extended" ? new FrontendScript().Run(sql).Sync() : new FrontendScript().Query(sql));
        await client.ReceiveAsync();
        await RestAsync();
        var replies = await client.ReceiveUntilReadyAsync();
        replies.Count(static message => message.Type == 'D').ShouldBeGreaterThan(0);
        replies.Single(static message => message.Type == 'E').SqlState.ShouldBe("22012");
        replies.ShouldNotContain(static message => message.Type == 'C');
        replies[^1].Status.ShouldBe(way == "block" ? 'E' : 'I');
        if (way == "block")
            await client.MustAsync("ROLLBACK");
        (await client.ScalarAsync("SELECT count(*) FROM big")).ShouldBe($"{SpreadCluster.Rows}");
        await cluster.MustBeCleanAsync();
    }

    [Theory]
    [InlineData(Concatenated)]
    [InlineData(Ordered)]
    public async Task And_the_client_leaves_without_reading(string statement)
    {
        var client = await WireClient.ConnectAsync(cluster.Endpoint);
        await client.SendAsync(new FrontendScript().Query(await AtAsync(statement, 1, 120_000)));
        await client.ReceiveAsync();
        await RestAsync();
        await client.DisposeAsync();
        await cluster.MustBeCleanAsync();
    }

    [Theory]
    [InlineData(Concatenated)]
    [InlineData(Ordered)]
    public async Task In_a_later_portion_of_a_portal(string statement)
    {
        await using var client = await WireClient.ConnectAsync(cluster.Endpoint);
        var sql = await AtAsync(statement, 1, 5_000);
        await client.MustAsync("BEGIN");
        var replies = await client.RunAsync(new FrontendScript().Parse(sql, "s").Bind(portal: "p", statement: "s").Execute(100, "p").Sync());
        replies.Count(static message => message.Type == 'D').ShouldBe(100);
        var failed = false;
        for (var portion = 0; portion < 2_100 && !failed; portion++)
        {
            replies = await client.RunAsync(new FrontendScript().Execute(100, "p").Sync());
            failed = replies.Exists(static message => message.Type == 'E');
        }
        replies.Single(static message => message.Type == 'E').SqlState.ShouldBe("22012");
        replies[^1].Status.ShouldBe('E');
        await client.MustAsync("ROLLBACK");
        await cluster.MustBeCleanAsync();
    }

    [Theory]
    [InlineData(Concatenated)]
    [InlineData(Ordered)]
    public async Task In_a_later_fetch_of_a_cursor(string statement)
    {
        await using var client = await WireClient.ConnectAsync(cluster.Endpoint);
        await client.MustAsync("BEGIN");
        await client.MustAsync($"DECLARE c CURSOR FOR {await AtAsync(statement, 1, 5_000)}");
        (await client.MustAsync("FETCH 100 FROM c")).Count(static message => message.Type == 'D').ShouldBe(100);
        var replies = await client.QueryAsync("FETCH ALL FROM c");
        replies.Single(static message => message.Type == 'E').SqlState.ShouldBe("22012");
        replies[^1].Status.ShouldBe('E');
        await client.MustAsync("ROLLBACK");
        await cluster.MustBeCleanAsync();
    }

    [Fact]
    public async Task A_cursor_that_is_left_open_by_a_client_that_goes()
    {
        var client = await WireClient.ConnectAsync(cluster.Endpoint);
        await client.MustAsync("BEGIN");
        await client.MustAsync("DECLARE c CURSOR FOR SELECT id, pad FROM big ORDER BY id; FETCH 10 FROM c");
        await client.DisposeAsync();
        await cluster.MustBeCleanAsync();
    }

    // The first id from there on that the shard has.
    private async Task<string> AtAsync(string statement, int shard, int from) =>
        string.Format(System.Globalization.CultureInfo.InvariantCulture, statement, await cluster.Cluster.Shards[shard].ScalarAsync<long>($"SELECT min(id) FROM big WHERE id > {from}"));

    // The sockets are full, or hold all there is: each shard waits for somebody to read, or is done.
    private async Task RestAsync()
    {
        foreach (var shard in cluster.Cluster.Shards)
        {
            await Until.TrueAsync(
                async () => await shard.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND state = 'active' AND wait_event IS DISTINCT FROM 'ClientWrite'") == 0,
                $"{shard.Name} has nothing to do");
        }
    }
}
