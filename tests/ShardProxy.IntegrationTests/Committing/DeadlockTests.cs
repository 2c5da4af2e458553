using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Committing;

/// <summary>Transactions that wait for each other on different shards, which no shard can see by itself.</summary>
public sealed class DeadlockTests : IAsyncLifetime
{
    private Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(2, options: new PostgresOptions(MaxConnections: 40));

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_younger_of_two_gives_way(int proxies)
    {
        await using var redis = proxies > 1 ? await RedisServer.StartAsync() : null;
        var options = new ProxyOptions(Tables: new Dictionary<string, string> { ["things"] = "{ key: id }" }, Redis: redis?.Url, Lease: "5s");
        var first = await _cluster.StartProxyAsync(options);
        var second = proxies > 1 ? await _cluster.StartProxyAsync(options) : first;
        await using var older = await WireClient.ConnectAsync(first.Endpoint);
        await older.MustAsync("CREATE TABLE things (id int8 PRIMARY KEY, n int4 NOT NULL DEFAULT 0)");
        for (var id = 1; id <= 20; id++)
            await older.MustAsync($"INSERT INTO things (id) VALUES ({id})");
        var here = await _cluster.Shards[0].ScalarAsync<long>("SELECT min(id) FROM things");
        var there = await _cluster.Shards[1].ScalarAsync<long>("SELECT min(id) FROM things");
        await using var younger = await WireClient.ConnectAsync(second.Endpoint);

        await older.MustAsync("BEGIN");
        await older.MustAsync($"UPDATE things SET n = n + 1 WHERE id = {here}");
        await younger.MustAsync("BEGIN");
        await younger.MustAsync($"UPDATE things SET n = n + 10 WHERE id = {there}");
        var waiting = older.QueryAsync($"UPDATE things SET n = n + 1 WHERE id = {there}");
        var replies = await younger.RunAsync(new FrontendScript().Run("UPDATE things SET n = n + 10 WHERE id = $1", [$"{here}"]).Sync());

        replies.Single(static message => message.Type == 'E').SqlState.ShouldBe("40P01");
        replies[^1].Status.ShouldBe('E');
        await younger.MustAsync("ROLLBACK");
        (await waiting).ShouldContain(static message => message.Type == 'C');
        await older.MustAsync("COMMIT");
        (await younger.ScalarAsync($"SELECT n FROM things WHERE id = {here}")).ShouldBe("1");
        (await younger.ScalarAsync($"SELECT n FROM things WHERE id = {there}")).ShouldBe("1");
    }

    [Fact]
    public async Task Waiting_long_is_not_a_deadlock()
    {
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: new Dictionary<string, string> { ["things"] = "{ key: id }" }));
        await using var holder = await WireClient.ConnectAsync(proxy.Endpoint);
        await holder.MustAsync("CREATE TABLE things (id int8 PRIMARY KEY, n int4 NOT NULL DEFAULT 0)");
        for (var id = 1; id <= 20; id++)
            await holder.MustAsync($"INSERT INTO things (id) VALUES ({id})");
        var here = await _cluster.Shards[0].ScalarAsync<long>("SELECT min(id) FROM things");
        var there = await _cluster.Shards[1].ScalarAsync<long>("SELECT min(id) FROM things");
        await using var waiter = await WireClient.ConnectAsync(proxy.Endpoint);
        await holder.MustAsync("BEGIN");
        await holder.MustAsync($"UPDATE things SET n = n + 1 WHERE id = {here}");
        await holder.MustAsync($"UPDATE things SET n = n + 1 WHERE id = {there}");
        await waiter.MustAsync("BEGIN");
        await waiter.MustAsync($"SELECT n FROM things WHERE id = {there}");
        var waiting = waiter.QueryAsync($"UPDATE things SET n = n + 1 WHERE id = {here}");
        await Until.TrueAsync(
            async () => await _cluster.Home.ScalarAsync<bool>("SELECT to_regclass('information_schema.shardproxy_waits') IS NOT NULL")
                && await _cluster.Home.ScalarAsync<long>("SELECT count(*) FROM information_schema.shardproxy_waits") > 0,
            "the wait is looked at");
        waiting.IsCompleted.ShouldBeFalse();
        await holder.MustAsync("COMMIT");
        (await waiting).ShouldContain(static message => message.Type == 'C');
        await waiter.MustAsync("COMMIT");
        (await waiter.ScalarAsync($"SELECT n FROM things WHERE id = {here}")).ShouldBe("2");
    }
}
