using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Operation;

/// <summary>Hints by comment and by setting say where a statement runs; on an undeclared database the proxy only pools.</summary>
public sealed class HintTests : IAsyncLifetime
{
    private Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(3, options: new PostgresOptions(MaxConnections: 40));

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Comments_and_settings_choose_the_shard()
    {
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: new Dictionary<string, string> { ["users"] = "{ key: id }" }));
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await client.MustAsync("CREATE TABLE users (id int8 PRIMARY KEY)");
        for (var id = 0; id < 30; id++)
            await client.MustAsync($"INSERT INTO users VALUES ({id})");
        const string Port = "SELECT current_setting('port')";
        for (var shard = 0; shard < 3; shard++)
        {
            (await client.ScalarAsync($"/* shardproxy: shard=s{shard} */ {Port}")).ShouldBe(_cluster.Shards[shard].Port.ToString());
            var here = await _cluster.Shards[shard].ScalarAsync<long>("SELECT count(*) FROM users");
            (await client.ScalarAsync($"/* shardproxy: shard=s{shard} */ SELECT count(*) FROM users")).ShouldBe(here.ToString());
            await client.MustAsync($"SET shardproxy.shard = 's{shard}'");
            (await client.ScalarAsync(Port)).ShouldBe(_cluster.Shards[shard].Port.ToString());
            (await client.ScalarAsync("SELECT count(*) FROM users")).ShouldBe(here.ToString());
            await client.MustAsync("RESET shardproxy.shard");
        }
        for (var id = 0; id < 30; id++)
        {
            (await client.ScalarAsync($"/* shardproxy: key={id} */ SELECT count(*) FROM users WHERE id + 0 = {id}")).ShouldBe("1");
            await client.MustAsync($"SET shardproxy.key = '{id}'");
            (await client.ScalarAsync($"SELECT count(*) FROM users WHERE id + 0 = {id}")).ShouldBe("1");
            await client.MustAsync("RESET shardproxy.key");
        }
        (await client.QueryAsync("/* shardproxy: shard=nowhere */ SELECT 1")).ShouldContain(static message => message.Type == 'E');
        (await client.ScalarAsync("SELECT * FROM users WHERE id + 0 = 1")).ShouldBe("1");
        (await client.ScalarAsync("SELECT 1")).ShouldBe("1");
    }

    [Fact]
    public async Task A_key_that_is_looked_up_needs_no_zone()
    {
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: new Dictionary<string, string>
        {
            ["firms"] = "{ key: id, strategy: lookup, zone: { column: region, values: { eu: [s0, s1], us: [s2] } } }",
        }));
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await client.MustAsync("CREATE TABLE firms (id int PRIMARY KEY, region text)");
        await client.MustAsync("INSERT INTO firms VALUES (1, 'eu'), (2, 'us'), (3, 'eu')");
        foreach (var (hint, count) in ((string, string)[])[("key=2", "1"), ("key=2 zone=us", "1"), ("key=1", "0")])
            (await client.ScalarAsync($"/* shardproxy: {hint} */ SELECT count(*) FROM firms WHERE id + 0 = 2")).ShouldBe(count, hint);
        foreach (var hint in (string[])["key=2 zone=eu", "key=2 zone=mars", "key=4711"])
            (await client.QueryAsync($"/* shardproxy: {hint} */ SELECT count(*) FROM firms WHERE id + 0 = 2")).First(static message => message.Type == 'E').SqlState.ShouldBe("22023", hint);
    }

    [Fact]
    public async Task Without_declared_tables_everything_works_on_the_home_shard()
    {
        var proxy = await _cluster.StartProxyAsync();
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await client.MustAsync("CREATE TABLE plain (id int4 PRIMARY KEY, v text)");
        await client.MustAsync("INSERT INTO plain SELECT n, 'v' || n FROM generate_series(1, 100) n");
        (await client.ScalarAsync("SELECT count(*) FROM plain")).ShouldBe("100");
        (await client.ScalarAsync("SELECT v FROM plain ORDER BY row_number() OVER (ORDER BY id DESC) LIMIT 1")).ShouldBe("v100");
        await client.MustAsync("CREATE FUNCTION twice(int4) RETURNS int4 LANGUAGE plpgsql AS $$ BEGIN RETURN 2 * $1; END $$");
        (await client.ScalarAsync("SELECT twice(21)")).ShouldBe("42");
        await client.MustAsync("CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO plain VALUES (101, 'called'); COMMIT; END $$");
        await client.MustAsync("CALL fill()");
        (await client.ScalarAsync("SELECT v FROM plain WHERE id = 101")).ShouldBe("called");
        await client.MustAsync("UPDATE plain SET id = id + 1000");
        await client.MustAsync("CREATE MATERIALIZED VIEW summed AS SELECT sum(id) FROM plain");
        await client.MustAsync("REFRESH MATERIALIZED VIEW summed");
        await client.MustAsync("EXPLAIN ANALYZE SELECT * FROM plain");
    }
}
