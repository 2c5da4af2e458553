using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>
/// One database that holds all rows, and one proxy with three databases over 1, 2 and 5 shards. All stand on one
/// PostgreSQL server, as a database each: what a shard answers does not depend on its neighbours.
/// </summary>
public sealed class ShardCounts : IAsyncLifetime
{
    private static readonly int[] Counts = [1, 2, 5];

    private readonly string _folder = TestFolder.New("shard-counts");
    private PostgresServer _server = null!;
    private ProxyProcess _proxy = null!;

    public Endpoint Reference => new(PostgresServer.Host, _server.Port, PostgresServer.Database, PostgresServer.AppUser, PostgresServer.Password);

    /// <summary>A proxy's database for each number of shards.</summary>
    public IReadOnlyList<(int Shards, Endpoint Endpoint)> Subjects { get; private set; } = [];

    public string ProxyLog => _proxy.Log;

    public async Task InitializeAsync()
    {
        _server = await PostgresServer.StartAsync("counts", new PostgresOptions(MaxConnections: 200));
        var port = FreePort.Next();
        var yaml = new List<string>
        {
            $"listen: {{ address: 127.0.0.1:{port}, tls: {{ mode: disable }} }}",
            $"transport: {{ engine: {TestEngine.Name}, placement: {TestEngine.Placement} }}",
            $"users:\n  - {{ name: {PostgresServer.AppUser}, password: {Quoted(PostgresServer.Password)} }}",
            "databases:",
        };
        foreach (var count in Counts)
        {
            yaml.Add($"  over{count}:\n    directory: {{ store: embedded, path: {Quoted(Path.Combine(_folder, $"directory{count}.db"))} }}\n    gather: {{ key_lists_from: 0 }}\n    shards:");
            for (var shard = 0; shard < count; shard++)
            {
                var name = $"shard_{count}_{shard}";
                await _server.ExecuteAsync($"CREATE DATABASE {name}", "postgres");
                yaml.Add($"      - {{ name: s{shard}, primary: {Quoted(Target(name))} }}");
            }
        }
        var file = Path.Combine(_folder, "shardproxy.yaml");
        await File.WriteAllTextAsync(file, string.Join('\n', yaml) + "\n");
        _proxy = await ProxyProcess.StartAsync(file, port);
        Subjects = [.. Counts.Select(count => (count, Reference with { Port = port, Database = $"over{count}" }))];
        foreach (var endpoint in All)
            await RunAsync(endpoint, GeneratedSchema.Prelude);
    }

    public async Task DisposeAsync()
    {
        if (_proxy is not null)
            await _proxy.DisposeAsync();
        if (_server is not null)
            await _server.DisposeAsync();
    }

    internal async Task CreateAsync(GeneratedSchema schema)
    {
        foreach (var endpoint in All)
        {
            await RunAsync(endpoint, [.. schema.Definitions, .. endpoint == Reference ? [] : schema.Distributions, .. schema.Views]);
            await using var client = await WireClient.ConnectAsync(endpoint);
            foreach (var (table, rows) in schema.Rows)
            {
                var replies = await client.RunAsync(new FrontendScript().Query($"COPY {table} FROM STDIN").CopyData(rows).CopyDone());
                replies.ShouldNotContain(static message => message.Type == 'E', $"{table}: {string.Join('\n', replies)}");
            }
        }
    }

    internal async Task DropAsync(GeneratedSchema schema)
    {
        foreach (var endpoint in All)
            await RunAsync(endpoint, schema.Drops);
    }

    private IEnumerable<Endpoint> All => [Reference, .. Subjects.Select(static subject => subject.Endpoint)];

    private static async Task RunAsync(Endpoint endpoint, IEnumerable<string> statements)
    {
        await using var client = await WireClient.ConnectAsync(endpoint);
        foreach (var statement in statements)
            await client.MustAsync(statement);
    }

    private string Target(string database) => $"postgres://{PostgresServer.AppUser}:{Uri.EscapeDataString(PostgresServer.Password)}@{PostgresServer.Host}:{_server.Port}/{database}?sslmode=disable";

    private static string Quoted(string text) => "\"" + text.Replace(@"\", @"\\").Replace("\"", "\\\"") + "\"";
}
