using Microsoft.Extensions.Logging;
using ShardProxy.Configuration;
using ShardProxy.Control.Shards;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions;
using ShardProxy.Transport;

namespace ShardProxy.Control.Gathering;

/// <summary>
/// Looks after one database's gather server: at the start, before each connection that sessions get, when one could not be had,
/// and now and then. While it is away or unlike the shards, gathered statements run at home.
/// </summary>
internal sealed partial class GatherServerWatch : IServerOpener, IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <summary>While it cannot be used.</summary>
    private static readonly TimeSpan ShortInterval = TimeSpan.FromSeconds(2);

    /// <summary>What was seen counts for connections that are opened in one go.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private readonly Database _database;
    private readonly ControlShard _server;
    private readonly ControlShard _home;
    private readonly ServerOpener _opener;
    private readonly ILogger _logger;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _looking = new(1);
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private Task _background = Task.CompletedTask;
    private long _lastLook;
    private string? _told;

    public GatherServerWatch(Database database, ConnectionTarget target, int loops, TimeProvider clock, ILogger logger)
    {
        _database = database;
        _clock = clock;
        _logger = logger;
        var config = new ShardConfig(GatherServer.Name, target);
        _server = new ControlShard(config, database.Limits) { Title = "the server" };
        _home = new ControlShard(database.Shards[Database.HomeShard], database.Limits);
        // Whatever stamp it had would be a shard's.
        _opener = new ServerOpener(config, database.Limits, ServerCredentials.FromPassword(target.User, target.Password), () => new Catalog.Stamp(database.Routing.Directory.Cluster, database.Config.Name, "")) { Title = "the gather server" };
        var pool = new ServerPool(this, Database.Beside, GatherServer.Name, database.Config.Pool.Size, loops, database.ShardCount) { Title = "the gather server", HasOwnSettings = true };
        Server = new GatherServer(target, pool, NoteFailure);
    }

    public GatherServer Server { get; }

    /// <summary>Completes when the server was looked at once, whatever was found.</summary>
    public async Task StartAsync(CancellationToken cancel)
    {
        await LookAsync(cancel);
        _background = Task.Run(RunAsync, CancellationToken.None);
    }

    public async Task<ServerConnection> OpenAsync(ServerPool pool, EventLoop loop)
    {
        // Another server may stand there since the last look, or the same with another collation.
        await Task.Run(() => LookAsync(_stop.Token));
        if (Server.State.Problem is { } problem)
            throw new ServerOpenException(new ServerError(SqlStates.CannotConnect, $"the gather server ({Server.Target}) cannot be used: {problem}"));
        return await _opener.OpenAsync(pool, loop);
    }

    public Task CancelAsync(ServerConnection server) => _opener.CancelAsync(server);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _background.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _server.DisposeAsync();
        await _home.DisposeAsync();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            using var pause = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            var delay = Task.Delay(Server.State.Problem is null ? Interval : ShortInterval, _clock, pause.Token);
            await Task.WhenAny(delay, _wake.WaitAsync(pause.Token));
            await pause.CancelAsync();
            if (!_stop.IsCancellationRequested)
                await LookAsync(_stop.Token);
        }
    }

    // Never two at once; who comes while one is looked at takes what that has found.
    private async Task LookAsync(CancellationToken cancel)
    {
        try
        {
            await _looking.WaitAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            return;
        }
        try
        {
            if (_lastLook != 0 && Server.State.Problem is null && _clock.GetElapsedTime(_lastLook) < Fresh)
                return;
            Server.State = await ServerLook.AtAsync(_server, _home, cancel);
        }
        catch (SqlException exception)
        {
            Server.State = GatherServerState.Not(exception.Message);
        }
        catch (OperationCanceledException)
        {
            return;
        }
        catch (Exception exception)
        {
            Broke(exception);
            Server.State = GatherServerState.Not(exception.Message);
        }
        finally
        {
            _lastLook = _clock.GetTimestamp();
            _looking.Release();
        }
        Tell(Server.State.Problem);
    }

    /// <summary>A connection could not be had: until the server was looked at again nobody else is to wait for one.</summary>
    private void NoteFailure(ServerError error)
    {
        Server.State = GatherServerState.Not(error.Message);
        Tell(error.Message);
        try
        {
            _wake.Release();
        }
        catch (Exception exception) when (exception is SemaphoreFullException or ObjectDisposedException)
        {
            // It is about to be looked at anyway.
        }
    }

    private void Tell(string? problem)
    {
        if (Interlocked.Exchange(ref _told, problem ?? "") is var before && before == (problem ?? ""))
            return;
        if (problem is null)
            Usable(_database.Config.Name, Server.Target.ToString());
        else
            Unusable(_database.Config.Name, Server.Target.ToString(), problem);
    }

    [LoggerMessage(EventId = 7601, Level = LogLevel.Information, Message = "database {Database}: gathered statements run on {Server}, where they mean the same there")]
    private partial void Usable(string database, string server);

    [LoggerMessage(EventId = 7602, Level = LogLevel.Warning, Message = "database {Database}: gathered statements run on the home shard, because the gather server {Server} cannot be used: {Problem}")]
    private partial void Unusable(string database, string server, string problem);

    [LoggerMessage(EventId = 7603, Level = LogLevel.Error, Message = "looking at the gather server broke")]
    private partial void Broke(Exception exception);
}
