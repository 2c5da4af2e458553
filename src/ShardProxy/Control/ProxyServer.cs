using System.Net;
using Microsoft.Extensions.Logging;
using ShardProxy.Catalog;
using ShardProxy.Configuration;
using ShardProxy.Control.Admin;
using ShardProxy.Control.Authentication;
using ShardProxy.Control.Deadlocks;
using ShardProxy.Control.Gathering;
using ShardProxy.Control.Recovery;
using ShardProxy.Control.Routing;
using ShardProxy.Directory;
using ShardProxy.Listening;
using ShardProxy.Listening.Admin;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Authentication;
using ShardProxy.Sessions;
using ShardProxy.Sessions.Login;
using ShardProxy.Transport;
using ShardProxy.Transport.Tls;

namespace ShardProxy.Control;

/// <summary>The running proxy: loops, databases with their control side, and the listener, started and stopped in that order.</summary>
public sealed class ProxyServer : IProxyServer
{
    private readonly ILoggerFactory _loggers;
    private readonly EventLoopGroup _loops;
    private readonly SessionRegistry _sessions = new();
    private readonly ClientGate _gate;
    private readonly ScramMockVerifiers _mocks = new(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
    private readonly Dictionary<string, Database> _databases = new(StringComparer.Ordinal);
    private readonly List<DatabaseRouting> _routings = [];
    private readonly List<CommitControl> _commits = [];
    private readonly List<DeadlockWatch> _deadlocks = [];
    private readonly Dictionary<string, GatherServerWatch> _gatherServers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, VerifierLookup> _verifiers = new(StringComparer.Ordinal);
    private readonly SlowStatements _slow;
    private readonly DirectoryStores _stores = new(TimeProvider.System);
    private TlsServerCredentials? _tls;
    private ClientNegotiation? _negotiation;
    private ProxyListener? _listener;
    private readonly string _version;
    private readonly DateTimeOffset _started = DateTimeOffset.UtcNow;
    private volatile ProxyConfig _config;
    private volatile Dictionary<string, ClientAuthenticator> _authenticators = [];

    public ProxyServer(ProxyConfig config, ILoggerFactory loggers, string version)
    {
        _version = version;
        _config = config;
        _loggers = loggers;
        _loops = new EventLoopGroup(config.Transport, loggers.CreateLogger<EventLoopGroup>());
        _gate = new ClientGate(config.Limits.MaxClients);
        _slow = new SlowStatements(loggers.CreateLogger<SlowStatements>()) { Threshold = config.Log.SlowQuery };
    }

    public Action? RequestReload { get; set; }

    /// <summary>For tests, which count what the loops' threads allocate.</summary>
    internal EventLoopGroup Loops => _loops;

    public EndPoint EndPoint => _listener?.EndPoint ?? throw new InvalidOperationException("The proxy has not been started.");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _tls = new TlsServerCredentials(_config.Listen.Tls);
        await _loops.StartAsync();
        foreach (var database in _config.Databases)
            await StartDatabaseAsync(database, cancellationToken);
        Authenticate(_config);
        var host = new SessionHost(_databases, AuthenticatorOf, _sessions, _loggers.CreateLogger<SessionHost>())
        {
            Admin = new AdminHost(new AdminConsole(View, () => RequestReload, _loggers.CreateLogger<AdminConsole>()), _version),
        };
        _negotiation = new ClientNegotiation(_tls, _gate, host, _loggers.CreateLogger<ClientNegotiation>())
        {
            LoginTimeout = _config.Limits.LoginTimeout,
            MaxMessageBytes = _config.Limits.MaxMessageBytes,
        };
        var address = ListenAddress.TryParse(_config.Listen.Address)
            ?? throw new ArgumentException($"\"{_config.Listen.Address}\" is no address to listen on.");
        _listener = await ProxyListener.BindAsync(_loops, address, _negotiation.Start, _loggers.CreateLogger<ProxyListener>());
        await _listener.StartAsync();
    }

    public async Task ApplyAsync(ProxyConfig config)
    {
        _config = config;
        _gate.Limit = config.Limits.MaxClients;
        _slow.Threshold = config.Log.SlowQuery;
        if (_negotiation is not null)
            _negotiation.LoginTimeout = config.Limits.LoginTimeout;
        _tls?.Reload(config.Listen.Tls);
        foreach (var database in config.Databases)
        {
            if (!_databases.TryGetValue(database.Name, out var running))
                continue;
            running.Apply(database, config.Limits);
            await UseGatherServerAsync(running, CancellationToken.None);
        }
        Authenticate(config);
        foreach (var database in config.Databases)
        {
            if (_routings.Find(routing => routing.Database == database.Name) is not { } routing)
                continue;
            // Tables of the file may name them.
            await routing.ApplyShardsAsync(database, CancellationToken.None);
            await routing.ApplyTablesAsync(database, CancellationToken.None);
        }
    }

    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        if (_listener is not null)
            await _listener.StopAcceptingAsync();
        await _sessions.DrainAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_listener is not null)
            await _listener.DisposeAsync();
        foreach (var database in _databases.Values)
            database.Close();
        foreach (var verifiers in _verifiers.Values)
            await verifiers.DisposeAsync();
        foreach (var server in _gatherServers.Values)
            await server.DisposeAsync();
        foreach (var deadlocks in _deadlocks)
            await deadlocks.DisposeAsync();
        foreach (var commits in _commits)
            await commits.DisposeAsync();
        foreach (var routing in _routings)
            await routing.DisposeAsync();
        await _stores.DisposeAsync();
        await _loops.DisposeAsync();
    }

    private async Task StartDatabaseAsync(DatabaseConfig config, CancellationToken cancellation)
    {
        var store = await _stores.OpenAsync(config, cancellation);
        var routing = await DatabaseRouting.StartAsync(
            config, _config.Limits, store, _loggers.CreateLogger<DatabaseRouting>(), TimeProvider.System, cancellation);
        routing.Barrier = PassAllLoopsAsync;
        routing.Sessions = () => _sessions.All.Where(session => session.Database.Config.Name == config.Name);
        _routings.Add(routing);
        if (_config.Authentication.PassThrough)
            _verifiers.Add(config.Name, new VerifierLookup(config.Shards[0], _config.Authentication, _config.Limits, TimeProvider.System));
        var commits = new CommitControl(config, _config.Limits, routing, TimeProvider.System, _loggers.CreateLogger<CommitControl>());
        _commits.Add(commits);
        commits.Start();
        var control = new DatabaseControl(routing, _verifiers.GetValueOrDefault(config.Name), commits);
        var database = new Database(config, _config.Limits, control, _loops.Count, OpenerFor) { Slow = _slow };
        _databases.Add(config.Name, database);
        await UseGatherServerAsync(database, cancellation);
        var deadlocks = new DeadlockWatch(database, commits.Shards, commits.Commits, () => _sessions.All, TimeProvider.System, _loggers.CreateLogger<DeadlockWatch>());
        _deadlocks.Add(deadlocks);
        deadlocks.Start();
    }

    private async Task UseGatherServerAsync(Database database, CancellationToken cancellation)
    {
        var target = database.Config.Gather.Server;
        var running = _gatherServers.GetValueOrDefault(database.Config.Name);
        if (target == running?.Server.Target)
            return;
        if (target is null)
        {
            _gatherServers.Remove(database.Config.Name);
            database.Use(null);
        }
        else
        {
            var watch = new GatherServerWatch(database, target, _loops.Count, TimeProvider.System, _loggers.CreateLogger<GatherServerWatch>());
            _gatherServers[database.Config.Name] = watch;
            await watch.StartAsync(cancellation);
            database.Use(watch.Server);
        }
        if (running is not null)
            await running.DisposeAsync();
    }

    private ProxyView View() => new(
        _config,
        [.. _routings.Select(routing => (_databases[routing.Database], routing))],
        [.. _routings.Zip(_commits, static (routing, commits) => (routing.Database, commits))],
        _sessions,
        _gate.Count,
        _started,
        _version);

    private static KnownShardOpener OpenerFor(Database database, int shard, ServerCredentials credentials)
    {
        var config = database.Shards[shard];
        var opener = new ServerOpener(
            config,
            database.Limits,
            SecretFor(config.Primary, credentials),
            () => new Stamp(database.Routing.Directory.Cluster, database.Config.Name, config.Name));
        return new KnownShardOpener(opener, database, shard);
    }

    // The shard's own connection string knows the password of the user that it names.
    private static ServerCredentials SecretFor(ConnectionTarget target, ServerCredentials credentials) =>
        target.User == credentials.User && target.Password is not null ? ServerCredentials.FromPassword(target.User, target.Password) : credentials;

    private void Authenticate(ProxyConfig config)
    {
        // A database that does not exist must not be told from one that does before the password is checked.
        var authenticators = new Dictionary<string, ClientAuthenticator>(StringComparer.Ordinal) { [""] = new(config.Users, null, _mocks) };
        foreach (var name in _databases.Keys)
        {
            var find = _verifiers.TryGetValue(name, out var verifiers) ? verifiers.FindAsync : (Func<string, CancellationToken, ValueTask<string?>>?)null;
            authenticators[name] = new ClientAuthenticator(config.Users, find, _mocks);
        }
        _authenticators = authenticators;
    }

    private ClientAuthenticator AuthenticatorOf(string database) =>
        _authenticators.TryGetValue(database, out var authenticator) ? authenticator : _authenticators[""];

    // A loop that has run what was posted to it reads the routing state anew for every statement after it.
    private Task PassAllLoopsAsync()
    {
        var passed = new Task[_loops.Count];
        for (var i = 0; i < passed.Length; i++)
            passed[i] = _loops[i].RunAsync(static () => Task.CompletedTask);
        return Task.WhenAll(passed);
    }
}
