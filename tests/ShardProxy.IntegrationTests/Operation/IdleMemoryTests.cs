using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ShardProxy.CommandLine;
using ShardProxy.Configuration;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.Pooling;
using ShardProxy.Sessions;
using ShardProxy.Transport;
using Xunit.Abstractions;

namespace ShardProxy.IntegrationTests.Operation;

/// <summary>What a client that is logged in and waits holds of the proxy's memory, object by object.</summary>
[Collection(AloneCollection.Name)]
public sealed class IdleMemoryTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Clients = 12;

    // 2,248 when this was written, on two shards. The runtime's heap, the descriptor's and the registries' entries come on top.
    private const int MaxBytes = 2600;

    private Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(2, options: new PostgresOptions(MaxConnections: 60));

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task An_idle_client_holds_few_kilobytes()
    {
        var port = FreePort.Next();
        var folder = TestFolder.New("idle");
        var file = Path.Combine(folder, "shardproxy.yaml");
        await File.WriteAllTextAsync(file, new ProxyOptions().ToYaml(port, _cluster.Shards, Path.Combine(folder, "directory.db")));
        var config = await ConfigurationLoader.LoadAsync(file, CancellationToken.None);
        await using var server = Composition.CreateServer(config, NullLoggerFactory.Instance);
        await server.StartAsync(CancellationToken.None);
        var endpoint = new Endpoint("127.0.0.1", port, PostgresServer.Database, PostgresServer.AppUser, PostgresServer.Password);
        var clients = new List<NpgsqlConnection>();
        for (var i = 0; i < Clients; i++)
        {
            var client = new NpgsqlConnection(endpoint.ConnectionString + ";Pooling=false");
            await client.OpenAsync();
            await using var command = new NpgsqlCommand("SELECT 1", client);
            await command.ExecuteScalarAsync();
            clients.Add(client);
        }
        var all = new ObjectGraph(server, static _ => false);
        var sessions = all.Objects.OfType<Session>().ToList();
        sessions.Count.ShouldBe(Clients);
        var bytes = Report(sessions[5], sessions[6]);
        foreach (var client in clients)
            await client.DisposeAsync();
        bytes.ShouldBeLessThan(MaxBytes);
    }

    private int Report(Session session, Session other)
    {
        var mine = new ObjectGraph(session, IsShared);
        var theirs = new ObjectGraph(other, IsShared);
        var own = mine.Objects.Where(candidate => !theirs.Contains(candidate)).ToList();
        var groups = own.GroupBy(static candidate => candidate.GetType())
            .Select(static group => (Type: group.Key, Count: group.Count(), Bytes: group.Sum(ObjectGraph.SizeOf)))
            .OrderByDescending(static group => group.Bytes)
            .ToList();
        foreach (var (type, count, size) in groups)
            output.WriteLine($"{size,6} {count,4} {type}");
        var total = groups.Sum(static group => group.Bytes);
        output.WriteLine($"{total,6} {own.Count,4} in all");
        return total;
    }

    private static bool IsShared(object candidate) =>
        candidate is EventLoop or Database or ServerPool or Delegate { Target: null } or System.Reflection.Module or Thread
        || candidate.GetType().Name is "ProxyListener" or "SessionRegistry" or "SessionHost" or "ClientGate";
}
