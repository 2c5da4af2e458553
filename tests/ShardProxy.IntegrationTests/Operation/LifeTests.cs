using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Operation;

/// <summary>Start, reload, drain and end of the process, and what the shards' stamps prevent.</summary>
public sealed class LifeTests : IAsyncLifetime
{
    private Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(2, options: new PostgresOptions(MaxConnections: 40));

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task SIGTERM_lets_transactions_finish_and_takes_no_new_clients()
    {
        var proxy = await _cluster.StartProxyAsync();
        await using var busy = await WireClient.ConnectAsync(proxy.Endpoint);
        await using var idle = await WireClient.ConnectAsync(proxy.Endpoint);
        await busy.MustAsync("BEGIN");
        await busy.MustAsync("CREATE TABLE drained (id int4)");
        var stopped = proxy.StopAsync();
        (await idle.ReceiveUntilClosedAsync()).Where(static message => message.Type == 'E').ShouldAllBe(static error => error.SqlState == "57P01");
        await Until.TrueAsync(
            async () =>
            {
                try
                {
                    await using var late = await WireClient.ConnectAsync(proxy.Endpoint);
                    return false;
                }
                catch (Exception exception) when (exception is WireException or IOException or System.Net.Sockets.SocketException)
                {
                    return true;
                }
            },
            "new clients are turned away");
        await busy.MustAsync("INSERT INTO drained VALUES (1)");
        (await busy.QueryAsync("COMMIT")).ShouldContain(static message => message.Type == 'C');
        (await stopped).ShouldBe(0);
        (await _cluster.Home.ScalarAsync<long>("SELECT count(*) FROM drained")).ShouldBe(1);
    }

    [Fact]
    public async Task A_second_SIGTERM_stops_at_once()
    {
        var proxy = await _cluster.StartProxyAsync();
        await using var busy = await WireClient.ConnectAsync(proxy.Endpoint);
        await busy.MustAsync("BEGIN");
        await busy.MustAsync("SELECT 1");
        proxy.Signal(ChildProcess.SignalTerm);
        await Until.TrueAsync(() => proxy.Log.Contains("rain", StringComparison.Ordinal), "the proxy drains");
        proxy.HasExited.ShouldBeFalse();
        proxy.Signal(ChildProcess.SignalTerm);
        await Until.TrueAsync(() => proxy.HasExited, "the proxy has stopped");
    }

    [Fact]
    public async Task Servers_in_the_wrong_order_are_refused_by_name()
    {
        var proxy = await _cluster.StartProxyAsync();
        await using (var client = await WireClient.ConnectAsync(proxy.Endpoint))
            await client.MustAsync("SELECT 1");
        (await proxy.StopAsync()).ShouldBe(0);
        var text = await File.ReadAllTextAsync(proxy.ConfigFile);
        var swapped = proxy.ConfigFile.Replace(".yaml", "-swapped.yaml");
        var (first, second) = ($"port={_cluster.Shards[0].Port} ", $"port={_cluster.Shards[1].Port} ");
        await File.WriteAllTextAsync(swapped, text.Replace(first, "port=other ").Replace(second, first).Replace("port=other ", second));
        var said = await RefusalAsync(swapped, proxy.Endpoint);
        said.ShouldContain("s0");
        said.ShouldContain("s1");
    }

    [Fact]
    public async Task A_server_of_another_cluster_is_refused()
    {
        var proxy = await _cluster.StartProxyAsync();
        await using (var client = await WireClient.ConnectAsync(proxy.Endpoint))
            await client.MustAsync("SELECT 1");
        await using var other = await Cluster.StartAsync(2, options: new PostgresOptions(MaxConnections: 40));
        var otherProxy = await other.StartProxyAsync();
        await using (var client = await WireClient.ConnectAsync(otherProxy.Endpoint))
            await client.MustAsync("SELECT 1");
        (await proxy.StopAsync()).ShouldBe(0);
        var text = await File.ReadAllTextAsync(proxy.ConfigFile);
        var mixed = proxy.ConfigFile.Replace(".yaml", "-mixed.yaml");
        await File.WriteAllTextAsync(mixed, text.Replace($"port={_cluster.Shards[1].Port} ", $"port={other.Shards[1].Port} "));
        (await RefusalAsync(mixed, proxy.Endpoint)).ShouldContain("s1");
    }

    [Fact]
    public async Task SIGHUP_takes_over_what_can_change()
    {
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(Limits: new Dictionary<string, string> { ["max_clients"] = "100" }));
        await using var first = await WireClient.ConnectAsync(proxy.Endpoint);
        await File.WriteAllTextAsync(proxy.ConfigFile, (await File.ReadAllTextAsync(proxy.ConfigFile)).Replace("max_clients: 100", "max_clients: 1"));
        proxy.Signal(ChildProcess.SignalHup);
        await Until.TrueAsync(
            async () =>
            {
                try
                {
                    await using var second = await WireClient.ConnectAsync(proxy.Endpoint);
                    return false;
                }
                catch (WireException exception)
                {
                    return exception.SqlState == "53300";
                }
            },
            "the new limit holds");
        (await first.ScalarAsync("SELECT 1")).ShouldBe("1");
    }

    /// <summary>Starts a proxy on the file: what it says when it ends, or when a client connects all the same.</summary>
    private static async Task<string> RefusalAsync(string file, Endpoint endpoint)
    {
        ProxyProcess proxy;
        try
        {
            proxy = await ProxyProcess.StartAsync(file, endpoint.Port);
        }
        catch (InvalidOperationException exception)
        {
            return exception.Message;
        }
        await using (proxy)
        {
            try
            {
                await using var client = await WireClient.ConnectAsync(endpoint);
                var reply = (await client.QueryAsync("CREATE SCHEMA must_not_be")).First(static message => message.Type is 'E' or 'C');
                reply.Type.ShouldBe('E', reply.ToString());
                return reply + proxy.Log;
            }
            catch (WireException exception)
            {
                return exception.Message + proxy.Log;
            }
        }
    }
}
