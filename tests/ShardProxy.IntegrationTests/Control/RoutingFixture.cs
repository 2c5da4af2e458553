using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.Catalog;
using ShardProxy.Configuration;
using ShardProxy.Control.Routing;
using ShardProxy.Directory;
using ShardProxy.Directory.Embedded;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.Planning;

namespace ShardProxy.IntegrationTests.Control;

/// <summary>Three servers for the tests of a class; each test gets a database of its own on all of them, and a directory.</summary>
public sealed class ThreeServers : IAsyncLifetime
{
    public IReadOnlyList<PostgresServer> Servers { get; private set; } = [];

    public async Task InitializeAsync() =>
        Servers = await Task.WhenAll(Enumerable.Range(0, 3).Select(static index => PostgresServer.StartAsync($"s{index}")));

    public async Task DisposeAsync()
    {
        foreach (var server in Servers)
            await server.DisposeAsync();
    }
}

/// <summary>One database over three shards with its routing.</summary>
public sealed class RoutingFixture : IAsyncDisposable
{
    private static int _count;

    private readonly string _folder = TestFolder.New("directory");
    private readonly Dictionary<string, TableConfig> _tables = [];
    private IDirectoryStore? _store;
    private DatabaseRouting? _routing;

    private RoutingFixture(IReadOnlyList<PostgresServer> servers, string database)
    {
        Servers = servers;
        Database = database;
    }

    public static CancellationToken Cancel => CancellationToken.None;

    public IReadOnlyList<PostgresServer> Servers { get; }

    public string Database { get; }

    public string User { get; set; } = PostgresServer.AppUser;

    public PostgresServer Home => Servers[0];

    public DatabaseRouting Routing => _routing.ShouldNotBeNull();

    public IDirectoryStore Store => _store.ShouldNotBeNull();

    public RoutingState State => Routing.Current;

    public DatabaseConfig Config => new(
        "shop",
        64,
        new PoolConfig(PoolMode.Transaction, 20),
        [.. Servers.Select((server, index) => new ShardConfig($"s{index}", TargetOf(server)))],
        _tables,
        new DirectoryConfig("embedded", Path.Combine(_folder, "directory.db")));

    public static async Task<RoutingFixture> CreateAsync(IReadOnlyList<PostgresServer> servers)
    {
        var fixture = new RoutingFixture(servers, $"shop{Interlocked.Increment(ref _count)}");
        foreach (var server in servers)
            await server.ExecuteAsync($"CREATE DATABASE {fixture.Database}", "postgres");
        return fixture;
    }

    public RoutingFixture WithTable(string name, string? key = null, string? colocateWith = null, bool reference = false)
    {
        _tables[name] = new TableConfig(key, colocateWith, reference);
        return this;
    }

    public async Task<DatabaseRouting> StartAsync()
    {
        await StopAsync();
        _store = await EmbeddedDirectoryStore.OpenAsync(Config.Directory.Path!, TimeSpan.FromSeconds(1), TimeProvider.System, Cancel);
        return _routing = await DatabaseRouting.StartAsync(Config, LimitsConfig.Default, _store, NullLogger.Instance, TimeProvider.System, Cancel);
    }

    public async Task StopAsync()
    {
        if (_routing is not null)
            await _routing.DisposeAsync();
        if (_store is not null)
            await _store.DisposeAsync();
        _routing = null;
        _store = null;
    }

    public Task OnHomeAsync(string sql) => Home.ExecuteAsync(sql, Database);

    public Task OnShardAsync(int shard, string sql) => Servers[shard].ExecuteAsync(sql, Database);

    public async Task EverywhereAsync(string sql)
    {
        foreach (var server in Servers)
            await server.ExecuteAsync(sql, Database);
    }

    public Task<T> AskAsync<T>(int shard, string sql) => Servers[shard].ScalarAsync<T>(sql, Database);

    public Task DistributeAsync(string table, string key, string? colocateWith = null, string user = PostgresServer.AppUser) =>
        Routing.DeclareAsync(new DistributePlan(table, key, colocateWith, false), ["public"], user, Cancel);

    public Task ReferenceAsync(string table) =>
        Routing.DeclareAsync(new DistributePlan(table, null, null, true), ["public"], PostgresServer.AppUser, Cancel);

    public TableDistribution? Declared(string table, string schema = "public") => State.Directory.Find(new QualifiedName(schema, table));

    public TableProblem? Problem(string table) => State.Catalog.FindProblem(new QualifiedName("public", table));

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        foreach (var server in Servers)
            await server.ExecuteAsync($"DROP DATABASE IF EXISTS {Database} WITH (FORCE)", "postgres");
    }

    private ConnectionTarget TargetOf(PostgresServer server) =>
        new(PostgresServer.Host, server.Port, Database, User, PostgresServer.Password, ServerTlsMode.Disable, null);
}
