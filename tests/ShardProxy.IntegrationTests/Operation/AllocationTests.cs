using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.CommandLine;
using ShardProxy.Configuration;
using ShardProxy.Control;
using ShardProxy.IntegrationTests.Clients;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.Transport;
using Xunit.Abstractions;

namespace ShardProxy.IntegrationTests.Operation;

/// <summary>Runs alone, since what it measures counts for the whole process.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}

/// <summary>
/// A statement for one shard allocates nothing on its way: the proxy runs inside of the test process, pgbench outside, and
/// what the loops' threads allocate in two runs of different length must not differ by as much as a byte a query. The rest of
/// the process allocates by the clock (timers, compiling, what other tests have left behind), so of it only that no statement
/// is handed to it, which costs a work item each.
/// </summary>
[Collection(AloneCollection.Name)]
public sealed class AllocationTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Clients = 8;
    private const int Warmup = 3000;
    private const int Short = 500;
    private const int Long = 4500;

    /// <summary>The least object with one field.</summary>
    private const double WorkItemBytes = 24;

    private Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(2, options: new PostgresOptions(MaxConnections: 60));

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task The_hot_path_allocates_nothing()
    {
        var port = FreePort.Next();
        var folder = TestFolder.New("allocation");
        var file = Path.Combine(folder, "shardproxy.yaml");
        // Fewer connections than clients, so that waiting for one is measured too.
        var options = new ProxyOptions(PoolSize: 2, Tables: new Dictionary<string, string>
        {
            ["pgbench_accounts"] = "{ key: aid }",
            ["pgbench_tellers"] = "{ key: tid }",
            ["pgbench_branches"] = "{ key: bid }",
            ["pgbench_history"] = "{ key: aid, colocate_with: pgbench_accounts }",
        });
        await File.WriteAllTextAsync(file, options.ToYaml(port, _cluster.Shards, Path.Combine(folder, "directory.db")));
        var config = await ConfigurationLoader.LoadAsync(file, CancellationToken.None);
        await using var server = (ProxyServer)Composition.CreateServer(config, NullLoggerFactory.Instance);
        await server.StartAsync(CancellationToken.None);
        var endpoint = new Endpoint("127.0.0.1", port, PostgresServer.Database, PostgresServer.AppUser, PostgresServer.Password);
        await BenchAsync(endpoint, "-i", "-q");
        var script = Path.Combine(folder, "select.sql");
        await File.WriteAllTextAsync(script, "\\set aid random(1, 100000)\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n");
        foreach (var mode in (string[])["simple", "extended", "prepared"])
        {
            await MeasureAsync(server, endpoint, script, mode, Warmup);
            // The least of three, as the runtime itself allocates now and then (compiling, timers).
            var (onLoops, inAll) = (double.MaxValue, double.MaxValue);
            for (var round = 0; round < 3; round++)
            {
                var few = await MeasureAsync(server, endpoint, script, mode, Short);
                var many = await MeasureAsync(server, endpoint, script, mode, Long);
                onLoops = Math.Min(onLoops, PerQuery(many.OnLoops - few.OnLoops));
                inAll = Math.Min(inAll, PerQuery(many.InAll - few.InAll));
            }
            output.WriteLine($"{mode}: {onLoops:F3} bytes a query on the loops, {inAll:F3} in the process");
            onLoops.ShouldBeLessThan(1.0, mode);
            inAll.ShouldBeLessThan(WorkItemBytes, mode);
        }
    }

    private static double PerQuery(long bytes) => bytes / (double)((Long - Short) * Clients);

    private static async Task<(long OnLoops, long InAll)> MeasureAsync(ProxyServer server, Endpoint endpoint, string script, string mode, int transactions)
    {
        var (onLoops, inAll) = (await OnLoopsAsync(server), GC.GetTotalAllocatedBytes(precise: true));
        await BenchAsync(endpoint, "-f", script, "-n", "-M", mode, "-c", $"{Clients}", "-j", "1", "-t", $"{transactions}");
        return (await OnLoopsAsync(server) - onLoops, GC.GetTotalAllocatedBytes(precise: true) - inAll);
    }

    private static async Task<long> OnLoopsAsync(ProxyServer server)
    {
        var sum = 0L;
        for (var index = 0; index < server.Loops.Count; index++)
        {
            await server.Loops[index].RunAsync(() =>
            {
                sum += GC.GetAllocatedBytesForCurrentThread();
                return Task.CompletedTask;
            });
        }
        return sum;
    }

    private static Task BenchAsync(Endpoint endpoint, params string[] arguments) =>
        ClientProgram.RunAsync(endpoint, "/usr/lib/postgresql/15/bin/pgbench", arguments);
}
