using ShardProxy.IntegrationTests.Clients;
using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Transport;

/// <summary>Whatever <c>auto</c> takes on this machine, the proxy serves real clients on each engine.</summary>
public sealed class EngineTests : IAsyncLifetime
{
    private const string Programs = "/usr/lib/postgresql/15/bin/";

    private Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(2, options: new PostgresOptions(MaxConnections: 100));

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Theory]
    [InlineData("io_uring", "auto")]
    [InlineData("io_uring", "restless")]
    [InlineData("epoll", "auto")]
    [InlineData("epoll", "restless")]
    [InlineData("sockets", "auto")]
    public async Task Serves_clients(string engine, string placement)
    {
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(PoolSize: 10, Engine: engine, Placement: placement, Loops: 2, Tables: new Dictionary<string, string>
        {
            ["pgbench_accounts"] = "{ key: aid }",
            ["pgbench_tellers"] = "{ key: tid }",
            ["pgbench_branches"] = "{ key: bid }",
            ["pgbench_history"] = "{ key: aid, colocate_with: pgbench_accounts }",
        }));
        await RunAsync(proxy, "pgbench", "-i", "-q");
        foreach (var mode in (string[])["simple", "extended", "prepared"])
        {
            (await RunAsync(proxy, "pgbench", "-n", "-S", "-M", mode, "-c", "40", "-j", "2", "-t", "100")).ShouldContain("processed: 4000/4000");
            (await RunAsync(proxy, "pgbench", "-n", "-N", "-M", mode, "-c", "40", "-j", "2", "-t", "20")).ShouldContain("processed: 800/800");
        }
        (await RunAsync(proxy, "pgbench", "-n", "-S", "-C", "-c", "10", "-j", "2", "-t", "20")).ShouldContain("processed: 200/200");
        // More than any buffer on the way holds, in both directions.
        var copied = Path.Combine(TestFolder.New("engine"), "accounts");
        (await QueryAsync(proxy, $"\\copy pgbench_accounts TO '{copied}'")).ShouldBe("COPY 100000");
        await QueryAsync(proxy, "TRUNCATE pgbench_accounts");
        (await QueryAsync(proxy, $"\\copy pgbench_accounts FROM '{copied}'")).ShouldBe("COPY 100000");
        (await QueryAsync(proxy, "SELECT count(*), count(DISTINCT aid) FROM pgbench_accounts")).ShouldBe("100000|100000");
        (await QueryAsync(proxy, "SELECT sum(length(repeat('x', 1000))) FROM generate_series(1, 20000)")).ShouldBe("20000000");
        (await QueryAsync(proxy, "SELECT repeat('x', 1000) FROM generate_series(1, 20000)")).Length.ShouldBe((20000 * 1001) - 1);
    }

    private static async Task<string> QueryAsync(ProxyProcess proxy, string command) =>
        (await RunAsync(proxy, "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", command)).Trim();

    private static Task<string> RunAsync(ProxyProcess proxy, string program, params string[] arguments) =>
        ClientProgram.RunAsync(proxy.Endpoint, Programs + program, arguments);
}
