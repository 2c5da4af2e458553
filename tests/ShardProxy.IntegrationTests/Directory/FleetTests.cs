using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Directory;

/// <summary>Several proxies that share a directory in Redis, and Redis in trouble.</summary>
public sealed class FleetTests : IAsyncLifetime
{
    private Cluster _cluster = null!;
    private RedisServer _redis = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(2);
        _redis = await RedisServer.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task A_table_distributed_through_one_proxy_is_distributed_for_all_when_it_returns()
    {
        var proxies = await StartAsync(3);
        var clients = new List<WireClient>();
        foreach (var proxy in proxies)
            clients.Add(await WireClient.ConnectAsync(proxy.Endpoint));

        for (var number = 0; number < 5; number++)
        {
            var table = $"t{number}";
            var declarer = clients[number % 3];
            await declarer.MustAsync($"CREATE TABLE {table} (k int PRIMARY KEY, v text)");
            // Every proxy knows it as a table of the home shard.
            foreach (var client in clients)
                (await client.ScalarAsync($"SELECT count(*) FROM {table}")).ShouldBe("0");

            await declarer.MustAsync($"SELECT create_distributed_table('{table}', 'k')");

            for (var key = 0; key < 12; key++)
                await clients[key % 3].MustAsync($"INSERT INTO {table} VALUES ({key}, 'v{key}')");
            for (var key = 0; key < 12; key++)
                (await clients[(key + 1) % 3].ScalarAsync($"SELECT v FROM {table} WHERE k = {key}")).ShouldBe($"v{key}");
            var counts = await Task.WhenAll(_cluster.Shards.Select(shard => shard.ScalarAsync<long>($"SELECT count(*) FROM {table}")));
            counts.Sum().ShouldBe(12);
            counts.ShouldAllBe(static count => count > 0);
        }
    }

    [Fact]
    public async Task Queries_go_on_without_Redis_and_what_it_lost_is_put_back()
    {
        var proxies = await StartAsync(2);
        await using var client = await WireClient.ConnectAsync(proxies[0].Endpoint);
        await using var other = await WireClient.ConnectAsync(proxies[1].Endpoint);
        await DistributeAsync(client, "t");
        await client.MustAsync("CREATE TABLE later (k int PRIMARY KEY)");
        await _redis.KillAsync();

        await client.MustAsync("INSERT INTO t VALUES (1, 'a')");
        (await other.ScalarAsync("SELECT v FROM t WHERE k = 1")).ShouldBe("a");
        (await ErrorAsync(client, "SELECT create_distributed_table('later', 'k')")).ShouldContain("directory");
        await client.MustAsync("INSERT INTO later VALUES (1)");
        await client.MustAsync("TRUNCATE later");

        // It comes back empty, and both proxies put back the one version.
        await _redis.RestartAsync();
        await Until.TrueAsync(
            async () => !(await ErrorAsync(client, "SELECT create_distributed_table('later', 'k')")).Contains("directory", StringComparison.Ordinal),
            "changes are taken again");
        (await other.ScalarAsync("SELECT v FROM t WHERE k = 1")).ShouldBe("a");
        await other.MustAsync("INSERT INTO later VALUES (1)");

        await _redis.EmptyAsync();
        await Until.TrueAsync(async () => (await _redis.TryCommandAsync("EXISTS {shardproxy}:database:shop"))!.StartsWith(":1", StringComparison.Ordinal), "it is put back");
        await client.MustAsync("INSERT INTO t VALUES (2, 'b')");
    }

    [Fact]
    public async Task A_proxy_starts_from_its_local_copy_and_catches_up()
    {
        var proxies = await StartAsync(2);
        await using var client = await WireClient.ConnectAsync(proxies[0].Endpoint);
        await DistributeAsync(client, "t");
        await client.MustAsync("INSERT INTO t VALUES (1, 'a')");
        await client.MustAsync("CREATE TABLE home (k int)");
        await Until.TrueAsync(() => File.Exists(proxies[1].ConfigFile + ".copy") && File.ReadAllText(proxies[1].ConfigFile + ".copy").Contains("\"t\"", StringComparison.Ordinal), "the other has a copy");
        await proxies[1].StopAsync();
        await _redis.KillAsync();

        var again = await _cluster.RestartProxyAsync(proxies[1]);

        await Until.TrueAsync(() => again.Log.Contains("local copy", StringComparison.Ordinal), "it says that it starts from its copy");
        await using var late = await WireClient.ConnectAsync(again.Endpoint);
        (await late.ScalarAsync("SELECT v FROM t WHERE k = 1")).ShouldBe("a");
        await late.MustAsync("INSERT INTO t VALUES (2, 'b')");
        // It holds no lease: others may distribute the table without waiting for it.
        (await ErrorAsync(late, "INSERT INTO home VALUES (1)")).ShouldContain("57P03");
        (await late.ScalarAsync("SELECT count(*) FROM home")).ShouldBe("0");
        // Nor may it take the shards that it knows for all.
        (await ErrorAsync(late, "CREATE TYPE mood AS ENUM ('good')")).ShouldContain("57P03");

        await _redis.RestartAsync();
        await Until.TrueAsync(async () => (await ErrorAsync(late, "INSERT INTO home VALUES (1)")).Length == 0, "the lease is renewed");
    }

    [Fact]
    public async Task A_paused_Redis_costs_no_query_and_the_lease_is_told_when_it_ends()
    {
        var proxies = await StartAsync(1, lease: "5s");
        await using var client = await WireClient.ConnectAsync(proxies[0].Endpoint);
        await DistributeAsync(client, "t");
        await client.MustAsync("CREATE TABLE home (k int)");
        _redis.Pause();

        var key = 0;
        await Until.TrueAsync(
            async () =>
            {
                key++;
                await client.MustAsync($"INSERT INTO t VALUES ({key}, 'x')");
                (await client.ScalarAsync($"SELECT v FROM t WHERE k = {key}")).ShouldBe("x");
                return (await ErrorAsync(client, "INSERT INTO home VALUES (1)")).Contains("57P03", StringComparison.Ordinal);
            },
            "the lease has ended");
        _redis.Continue();

        await Until.TrueAsync(async () => (await ErrorAsync(client, "INSERT INTO home VALUES (1)")).Length == 0, "the lease is renewed");
        (await client.ScalarAsync("SELECT count(*) FROM t")).ShouldBe($"{key}");
    }

    [Fact]
    public async Task Definitions_through_one_proxy_hold_for_the_prepared_statements_of_another()
    {
        var proxies = await StartAsync(2);
        await using var one = await WireClient.ConnectAsync(proxies[0].Endpoint);
        await using var other = await WireClient.ConnectAsync(proxies[1].Endpoint);
        await DistributeAsync(one, "t");
        for (var key = 0; key < 10; key++)
            await one.MustAsync($"INSERT INTO t VALUES ({key}, 'v{key}')");
        // One for one shard, one for several whose rows are put together, one that is gathered; each prepared and cached before.
        string[] statements = ["SELECT * FROM t WHERE k = $1", "SELECT * FROM t WHERE k >= $1 ORDER BY k", "SELECT t.* FROM t JOIN t u ON u.v = t.v WHERE t.k >= $1 ORDER BY t.k"];
        await PreparedAsync(other, statements, columns: 2);
        await one.MustAsync("ALTER TABLE t ADD COLUMN more int4 NOT NULL DEFAULT 5");
        await PreparedAsync(other, statements, columns: 3);
        await one.MustAsync("UPDATE t SET more = 6 WHERE k = 3");
        (await other.ScalarAsync("SELECT sum(more) FROM t")).ShouldBe("51");
        await one.MustAsync("ALTER TABLE t DROP COLUMN more");
        await PreparedAsync(other, statements, columns: 2);
        await one.MustAsync("CREATE VIEW v AS SELECT k FROM t");
        (await other.ScalarAsync("SELECT count(*) FROM v")).ShouldBe("10");
        await one.MustAsync("DROP VIEW v");
        await one.MustAsync("CREATE TABLE v (k int4)");
        (await other.ScalarAsync("SELECT count(*) FROM v")).ShouldBe("0");
    }

    [Fact]
    public async Task A_sequence_that_one_proxy_sets_goes_on_there_in_the_other()
    {
        var proxies = await StartAsync(2);
        await using var one = await WireClient.ConnectAsync(proxies[0].Endpoint);
        await using var other = await WireClient.ConnectAsync(proxies[1].Endpoint);
        await one.MustAsync("CREATE TABLE ids (id bigserial PRIMARY KEY, v text)");
        await one.MustAsync("SELECT create_distributed_table('ids', 'id')");
        await other.MustAsync("INSERT INTO ids (v) VALUES ('a')");
        await one.MustAsync("SELECT setval('ids_id_seq', 70000)");
        long.Parse(await other.ScalarAsync("INSERT INTO ids (v) VALUES ('b') RETURNING id")).ShouldBeGreaterThan(70000);
        await other.MustAsync("TRUNCATE ids RESTART IDENTITY");
        long.Parse(await one.ScalarAsync("INSERT INTO ids (v) VALUES ('c') RETURNING id")).ShouldBeLessThan(70000);
        await one.MustAsync("ALTER SEQUENCE ids_id_seq RESTART WITH 90000");
        long.Parse(await other.ScalarAsync("INSERT INTO ids (v) VALUES ('d') RETURNING id")).ShouldBeGreaterThanOrEqualTo(90000);
    }

    // Each time the same texts, of which the proxy and its servers keep plans, prepared statements and descriptions.
    private static async Task PreparedAsync(WireClient client, string[] statements, int columns)
    {
        for (var index = 0; index < statements.Length; index++)
        {
            var replies = await client.RunAsync(new FrontendScript().Parse(statements[index]).Bind(["3"]).DescribePortal().Execute().Sync());
            replies.ShouldNotContain(static message => message.Type == 'E', $"{statements[index]}: {string.Join("; ", replies)}");
            replies.First(static message => message.Type == 'D').TextValues.Length.ShouldBe(columns, statements[index]);
        }
    }

    private static async Task DistributeAsync(WireClient client, string table)
    {
        await client.MustAsync($"CREATE TABLE {table} (k int PRIMARY KEY, v text)");
        await client.MustAsync($"SELECT create_distributed_table('{table}', 'k')");
    }

    /// <summary>The first error that a statement gives; empty when it gives none.</summary>
    private static async Task<string> ErrorAsync(WireClient client, string sql) =>
        (await client.QueryAsync(sql)).FirstOrDefault(static message => message.Type == 'E')?.ToString() ?? "";

    private async Task<ProxyProcess[]> StartAsync(int count, string lease = "60s")
    {
        var proxies = new List<ProxyProcess>();
        for (var number = 0; number < count; number++)
            proxies.Add(await _cluster.StartProxyAsync(new ProxyOptions(Redis: _redis.Url, Lease: lease)));
        return [.. proxies];
    }
}
