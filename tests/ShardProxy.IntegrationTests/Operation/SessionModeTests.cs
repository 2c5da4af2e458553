using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Operation;

/// <summary>Session pooling: a client keeps its servers, and finds itself in the home server's views.</summary>
public sealed class SessionModeTests : IAsyncLifetime
{
    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(2, options: new PostgresOptions(MaxConnections: 40));
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions(
            Tables: new Dictionary<string, string> { ["users"] = "{ key: id }" }, PoolMode: "session", PoolSize: 5));
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("CREATE TABLE users (id int8 PRIMARY KEY)");
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task A_client_knows_its_own_process()
    {
        for (var round = 0; round < 8; round++)
        {
            await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
            (await client.ScalarAsync("SELECT pg_backend_pid()")).ShouldBe(client.ProcessId.ToString());
            (await client.ScalarAsync($"SELECT count(*) FROM pg_stat_activity WHERE pid = {client.ProcessId}")).ShouldBe("1");
            for (var id = 0; id < 6; id++)
                await client.MustAsync($"SELECT * FROM users WHERE id = {id}");
            (await client.ScalarAsync("SELECT pg_backend_pid()")).ShouldBe(client.ProcessId.ToString());
        }
    }

    [Fact]
    public async Task What_a_client_leaves_is_cleared_for_the_next()
    {
        for (var round = 0; round < 12; round++)
        {
            await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
            (await client.ScalarAsync("SHOW work_mem")).ShouldBe("4MB");
            (await client.ScalarAsync("SELECT count(*) FROM pg_class WHERE relname = 'left_over' AND relnamespace = pg_my_temp_schema()")).ShouldBe("0");
            await client.MustAsync("SET work_mem = '9MB'");
            await client.MustAsync("CREATE TEMP TABLE left_over (id int4)");
            await client.MustAsync("PREPARE left_over AS SELECT 1");
            await client.MustAsync("SELECT pg_advisory_lock(7)");
        }
    }

    [Fact]
    public async Task Cancel_works_with_the_servers_own_process_id()
    {
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.SendAsync(new FrontendScript().Query("SELECT pg_sleep(60)"));
        await Until.TrueAsync(
            async () => await _cluster.Home.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == 1, "the statement runs");
        await client.CancelAsync();
        (await client.ReceiveUntilReadyAsync()).Single(static message => message.Type == 'E').SqlState.ShouldBe("57014");
    }
}
