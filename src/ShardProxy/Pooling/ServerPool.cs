using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Pooling;

/// <summary>
/// The server connections of one user to one shard's server, shared by all loops. Idle ones are kept per loop, because a
/// connection is used on its own loop without being registered again; a request takes one of its own loop first, then of
/// another, then a new one, then waits its turn.
/// </summary>
/// <remarks>
/// At most <see cref="Size"/> are lent to sessions that hold no other shard's connection, and one more for each that the
/// asking session holds. So sessions never wait for each other in a circle. For assume that all who hold connections of a
/// pool that is waited for wait themselves, and take the one that holds the most, j. Every other was lent its connection
/// of this pool while it held fewer than j, so at most size + j were lent then, and none has been lent since: less than
/// what j allows, or it would not wait.
/// </remarks>
public sealed class ServerPool
{
    private readonly Lock _lock = new();
    private readonly Stack<ServerConnection>[] _idle;
    private readonly WaitingLine _waiting;
    private int _room;
    private readonly IServerOpener _opener;
    private int _size;
    private int _idleCount;
    private int _open;
    private int _opening;
    private bool _retryScheduled;
    private bool _closed;
    private bool _paused;
    private readonly HashSet<ServerConnection> _servers = [];
    private ServerError? _lastOpeningError;

    /// <param name="others">See <see cref="Others"/>.</param>
    public ServerPool(IServerOpener opener, int shard, string shardName, int size, int loops, int others)
    {
        _opener = opener;
        Shard = shard;
        ShardName = shardName;
        _size = size;
        _room = others;
        _idle = new Stack<ServerConnection>[loops];
        for (var loop = 0; loop < loops; loop++)
            _idle[loop] = new Stack<ServerConnection>();
        _waiting = new WaitingLine(loops);
    }

    public int Shard { get; }

    public IServerOpener Opener => _opener;

    public string ShardName { get; }

    /// <summary>What errors call it: shard "s0", with the article that it needs.</summary>
    public string Title
    {
        get => field ?? $"shard \"{ShardName}\"";
        init;
    }

    /// <summary>Most connections for sessions that hold no other shard's. Made smaller, the surplus closes as it comes back.</summary>
    public int Size
    {
        get => Volatile.Read(ref _size);
        set
        {
            lock (_lock)
                _size = value;
            ServeWaiters();
        }
    }

    /// <summary>Most connections of other shards that a session may hold when it asks for one here; grows with the shards.</summary>
    public int Others
    {
        get => Volatile.Read(ref _room);
        set
        {
            lock (_lock)
                _room = value;
        }
    }

    /// <summary>What is set on its connections is never the client's session's: statements bring their settings along.</summary>
    public bool HasOwnSettings { get; init; }

    /// <summary>Connections now open or being opened.</summary>
    public int Count => Volatile.Read(ref _open) + Volatile.Read(ref _opening);

    public int WaitingCount => _waiting.Count;

    public int IdleCount => Volatile.Read(ref _idleCount);

    /// <summary>Connections that somebody works with.</summary>
    public int LentCount
    {
        get
        {
            lock (_lock)
                return _open - _idleCount;
        }
    }

    public bool IsPaused => Volatile.Read(ref _paused);

    /// <summary>The connections that are open now.</summary>
    public IReadOnlyList<ServerConnection> Servers()
    {
        lock (_lock)
            return [.. _servers];
    }

    /// <summary>From now on requests wait, until <see cref="Resume"/> or their own limit.</summary>
    public void Pause()
    {
        lock (_lock)
            _paused = true;
    }

    public void Resume()
    {
        lock (_lock)
            _paused = false;
        ServeWaiters();
    }

    /// <summary>Why the last attempt to open a connection failed; null when it did not.</summary>
    public ServerError? LastOpeningError => Volatile.Read(ref _lastOpeningError);

    /// <summary>A connection now, or null: then the request is queued and its signal will be set.</summary>
    public ServerConnection? TryLease(LeaseRequest request)
    {
        var loop = request.Signal.Loop;
        var open = false;
        ServerConnection? leased;
        lock (_lock)
        {
            // Nobody who may have one waits while one is idle, so nobody is overtaken.
            leased = _paused || _open - _idleCount >= _size + request.Held ? null : TakeIdle(loop);
            if (leased is null)
            {
                if (_closed)
                {
                    request.Fail(ClosedError());
                    request.Signal.SetFromAnyThread();
                    return null;
                }
                _waiting.Add(request);
                open = ReserveOpening();
            }
        }
        if (open)
            StartOpening(loop);
        return leased is null || leased.TryMoveTo(loop) ? leased : TryLease(request);
    }

    /// <summary>The session no longer wants what it asked for. What was granted meanwhile goes back.</summary>
    public void Withdraw(LeaseRequest request)
    {
        lock (_lock)
        {
            if (request.IsQueued)
            {
                _waiting.Remove(request);
                return;
            }
        }
        // An answer is given under the lock, so it is here now or never comes.
        if (request.TryTake(out var server, out _) && server is not null)
            Release(server);
    }

    /// <summary>Takes back a clean connection from its only user.</summary>
    public void Release(ServerConnection server)
    {
        if (!server.IsClean || server.IsTainted || server.IsPinned || server.Channel.Connection.PeerClosed)
        {
            Discard(server);
            return;
        }
        if (!TryPlace(server, isNew: false))
            Discard(server);
    }

    /// <summary>Closes a connection that cannot be used again, and opens another if somebody waits.</summary>
    public void Discard(ServerConnection server)
    {
        if (server.State == ServerState.Closed)
            return;
        server.MoveTo(ServerState.Closed);
        DisposeOnItsLoop(server);
        lock (_lock)
        {
            _open--;
            _servers.Remove(server);
        }
        ServeWaiters();
    }

    /// <summary>Closes what is idle now and what is released from now on; who waits is told so.</summary>
    public void Close()
    {
        var drained = new List<ServerConnection>();
        lock (_lock)
        {
            _closed = true;
            foreach (var stack in _idle)
            {
                while (stack.TryPop(out var server))
                    drained.Add(server);
            }
            _idleCount = 0;
            FailWaiters(ClosedError());
        }
        foreach (var server in drained)
            Discard(server);
    }

    private ServerConnection? TakeIdle(EventLoop loop)
    {
        for (var i = 0; i < _idle.Length && _idleCount > 0; i++)
        {
            var stack = _idle[(loop.Index + i) % _idle.Length];
            while (stack.TryPop(out var server))
            {
                _idleCount--;
                if (server.Channel.Connection.PeerClosed)
                {
                    server.MoveTo(ServerState.Closed);
                    _open--;
                    _servers.Remove(server);
                    DisposeOnItsLoop(server);
                    continue;
                }
                server.MoveTo(ServerState.Leased);
                return server;
            }
        }
        return null;
    }

    // To the next waiter or into the idle list. False: the pool has no room for it.
    private bool TryPlace(ServerConnection server, bool isNew)
    {
        var connection = server.Channel.Connection;
        connection.Signal = null;
        connection.Interest = Readiness.None;
        LeaseRequest? next;
        lock (_lock)
        {
            if (isNew)
            {
                _opening--;
                _open++;
                _servers.Add(server);
                _lastOpeningError = null;
            }
            if (_closed || _open > _size + _room)
                return false;
            next = _paused ? null : _waiting.TakeNext(connection.Loop.Index, _size - (_open - _idleCount - 1));
            if (next is null)
            {
                server.MoveTo(ServerState.Idle);
                server.Channel.Input.Release();
                server.Channel.Output.Release();
                _idle[connection.Loop.Index].Push(server);
                _idleCount++;
                return true;
            }
            server.MoveTo(ServerState.Leased);
            // Under the lock, so that Withdraw finds the request either queued or answered. The taker moves the connection
            // to its loop.
            next.Grant(server);
        }
        next.Signal.SetFromAnyThread();
        return true;
    }

    private static void DisposeOnItsLoop(ServerConnection server)
    {
        var connection = server.Channel.Connection;
        if (connection.Loop.IsCurrent)
            connection.Dispose();
        else
            connection.Loop.Post(static state => ((Connection)state!).Dispose(), connection);
    }

    private bool ReserveOpening()
    {
        if (_closed || _paused || _opening >= _waiting.Count || _open + _opening >= _size + _waiting.MostHeld)
            return false;
        _opening++;
        return true;
    }

    // Whoever may have an idle connection gets it; for the others new ones are opened, as far as the size allows.
    private void ServeWaiters()
    {
        while (true)
        {
            LeaseRequest waiter;
            ServerConnection? server;
            lock (_lock)
            {
                if (_paused || _waiting.First is not { } first)
                    return;
                waiter = first;
                server = _open - _idleCount < _size + waiter.Held ? TakeIdle(waiter.Signal.Loop) : null;
                if (server is not null)
                {
                    _waiting.Remove(waiter);
                    waiter.Grant(server);
                }
                else if (!ReserveOpening())
                {
                    return;
                }
            }
            if (server is not null)
                waiter.Signal.SetFromAnyThread();
            else
                StartOpening(waiter.Signal.Loop);
        }
    }

    private void StartOpening(EventLoop loop) =>
        loop.Post(static state => _ = ((PoolOpening)state!).RunAsync(), new PoolOpening(this, loop));

    internal void Opened(ServerConnection server)
    {
        if (!TryPlace(server, isNew: true))
            Discard(server);
    }

    /// <summary>
    /// With none open nobody would ever wake the waiters, so they get the error. With some open they get their turn when one
    /// comes back; but it may be held for long, so opening is tried again after a while.
    /// </summary>
    /// <returns>Whether the caller is to call <see cref="RetryOpening"/> after a pause.</returns>
    internal bool OpeningFailed(ServerError error)
    {
        lock (_lock)
        {
            _opening--;
            _lastOpeningError = error;
            if (_open == 0 && _opening == 0)
                FailWaiters(error);
            if (_waiting.Count == 0 || _retryScheduled)
                return false;
            _retryScheduled = true;
            return true;
        }
    }

    internal void RetryOpening()
    {
        lock (_lock)
            _retryScheduled = false;
        ServeWaiters();
    }

    private void FailWaiters(ServerError error)
    {
        while (_waiting.First is { } request)
        {
            _waiting.Remove(request);
            request.Fail(error);
            request.Signal.SetFromAnyThread();
        }
    }

    private static ServerError ClosedError() => new(SqlStates.AdminShutdown, "ShardProxy is shutting down");
}
