using System.Diagnostics;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Operation;

/// <summary>Every wait and every queue has a bound, and reaching it is an error with its own SQLSTATE.</summary>
public sealed class LimitTests : IAsyncLifetime
{
    private Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(2, options: new PostgresOptions(MaxConnections: 40));

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task A_statement_that_runs_too_long_is_cancelled()
    {
        var proxy = await StartAsync("query_timeout", "500ms");
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        var replies = await client.QueryAsync("SELECT pg_sleep(60)");
        replies.Single(static message => message.Type == 'E').SqlState.ShouldBe("57014");
        (await client.ScalarAsync("SELECT 1")).ShouldBe("1");
    }

    [Fact]
    public async Task An_idle_transaction_ends()
    {
        var proxy = await StartAsync("idle_in_transaction_timeout", "500ms");
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await client.MustAsync("CREATE TABLE idle_test (id int4)");
        await client.MustAsync("BEGIN");
        await client.MustAsync("LOCK TABLE idle_test");
        var replies = await client.ReceiveUntilClosedAsync();
        replies.Single(static message => message.Type == 'E').SqlState.ShouldBe("25P03");
        await using var next = await WireClient.ConnectAsync(proxy.Endpoint);
        await next.MustAsync("DROP TABLE idle_test");
    }

    [Fact]
    public async Task Waiting_for_a_server_connection_has_an_end()
    {
        var proxy = await StartAsync("lease_timeout", "2s", poolSize: 1);
        await using var holder = await WireClient.ConnectAsync(proxy.Endpoint);
        await holder.MustAsync("BEGIN");
        await holder.MustAsync("SELECT 1");
        await using var waiter = await WireClient.ConnectAsync(proxy.Endpoint);
        var replies = await waiter.QueryAsync("SELECT 1");
        replies.Single(static message => message.Type == 'E').SqlState.ShouldBe("53300");
        await holder.MustAsync("COMMIT");
        (await waiter.ScalarAsync("SELECT 1")).ShouldBe("1");
    }

    [Fact]
    public async Task A_login_that_does_not_go_on_is_ended()
    {
        var proxy = await StartAsync("login_timeout", "500ms");
        await using var silent = await WireClient.OpenSocketAsync(proxy.Endpoint);
        var clock = Stopwatch.StartNew();
        await silent.ReceiveUntilClosedAsync();
        clock.Elapsed.ShouldBeLessThan(Until.Patience);
        await using var slow = await WireClient.OpenSocketAsync(proxy.Endpoint);
        await slow.SendAsync(WireClient.StartupPacket(
            WireClient.Version30, new Dictionary<string, string> { ["user"] = proxy.Endpoint.User, ["database"] = proxy.Endpoint.Database }));
        (await slow.ReceiveUntilClosedAsync()).ShouldContain(static message => message.Type == 'R');
    }

    [Fact]
    public async Task A_message_beyond_the_limit_is_refused()
    {
        var proxy = await StartAsync("max_message_bytes", "128KB");
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await client.MustAsync($"SELECT length('{new string('x', 100_000)}')");
        await client.SendAsync(new FrontendScript().Message('Q', new byte[200_000]).Bytes[..1000]);
        var error = (await client.ReceiveUntilClosedAsync()).Single(static message => message.Type == 'E');
        error.SqlState.ShouldBeOneOf("08P01", "54000");
    }

    private Task<ProxyProcess> StartAsync(string limit, string value, int poolSize = 20) =>
        _cluster.StartProxyAsync(new ProxyOptions(PoolSize: poolSize, Limits: new Dictionary<string, string> { [limit] = value }));
}
