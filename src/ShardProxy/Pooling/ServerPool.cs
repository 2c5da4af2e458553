using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Pooling;

/// <summary>
/// The server connections of one user to one shard's server: at most <see cref="Size"/>, shared by all loops. Idle ones
/// are kept per loop, because a connection is used on its own loop without being registered again; a request takes one
/// of its own loop first, then of another, then a new one, then waits its turn.
/// </summary>
public sealed class ServerPool
{
    // A waiter of another loop goes first once it has waited this much longer than the own loop's, in milliseconds.
    private const long ForeignPatience = 5;

    private readonly Lock _lock = new();
    private readonly Stack<ServerConnection>[] _idle;
    private readonly LeaseQueue[] _waiting;
    private readonly IServerOpener _opener;
    private int _waitingCount;
    private int _idleCount;
    private int _open;
    private int _opening;
    private bool _closed;

    public ServerPool(IServerOpener opener, int shard, string shardName, int size, int loops)
    {
        _opener = opener;
        Shard = shard;
        ShardName = shardName;
        Size = size;
        _idle = new Stack<ServerConnection>[loops];
        for (var loop = 0; loop < loops; loop++)
            _idle[loop] = new Stack<ServerConnection>();
        _waiting = new LeaseQueue[loops];
    }

    public int Shard { get; }

    public IServerOpener Opener => _opener;

    public string ShardName { get; }

    /// <summary>Most connections, opening ones included.</summary>
    public int Size { get; set; }

    /// <summary>Connections now open or being opened.</summary>
    public int Count => Volatile.Read(ref _open) + Volatile.Read(ref _opening);

    public int WaitingCount => Volatile.Read(ref _waitingCount);

    public int IdleCount => Volatile.Read(ref _idleCount);

    /// <summary>A connection now, or null: then the request is queued and its signal will be set.</summary>
    public ServerConnection? TryLease(LeaseRequest request)
    {
        var loop = request.Signal.Loop;
        var open = false;
        ServerConnection? leased = null;
        lock (_lock)
        {
            if (_waitingCount == 0 || _idleCount > 0)
                leased = TakeIdle(loop);
            if (leased is null)
            {
                request.Since = Environment.TickCount64;
                _waiting[loop.Index].Enqueue(request);
                _waitingCount++;
                open = ReserveOpening();
            }
        }
        if (open)
            StartOpening(loop);
        if (leased is not null && !ReferenceEquals(leased.Channel.Connection.Loop, loop))
            leased.Channel.Connection.MoveTo(loop);
        return leased;
    }

    /// <summary>The session no longer wants what it asked for. What was granted meanwhile goes back.</summary>
    public void Withdraw(LeaseRequest request)
    {
        lock (_lock)
        {
            if (request.IsQueued)
            {
                _waiting[request.Signal.Loop.Index].Remove(request);
                _waitingCount--;
            }
        }
        if (request.TryTake(out var server, out _) && server is not null)
            Release(server);
    }

    /// <summary>Takes back a clean connection from the loop that it lives on.</summary>
    public void Release(ServerConnection server)
    {
        if (!server.IsClean || server.IsTainted || server.IsPinned || server.Channel.Connection.PeerClosed || _closed)
        {
            Discard(server);
            return;
        }
        server.Channel.Connection.Signal = null;
        server.Channel.Connection.Interest = Readiness.None;
        LeaseRequest? next;
        lock (_lock)
        {
            var surplus = _open > Size;
            next = surplus ? null : NextWaiter(server.Channel.Connection.Loop.Index);
            if (surplus)
            {
                // falls through to Discard below: the pool was made smaller
            }
            else if (next is null)
            {
                server.MoveTo(ServerState.Idle);
                server.IdleSince = Environment.TickCount64;
                server.Channel.Input.Release();
                server.Channel.Output.Release();
                _idle[server.Channel.Connection.Loop.Index].Push(server);
                _idleCount++;
                return;
            }
            else
            {
                server.MoveTo(ServerState.Leased);
            }
        }
        if (next is null)
        {
            Discard(server);
            return;
        }
        HandOver(server, next);
    }

    /// <summary>Closes a connection that cannot be used again, and opens another if somebody waits.</summary>
    public void Discard(ServerConnection server)
    {
        if (server.State == ServerState.Closed)
            return;
        server.MoveTo(ServerState.Closed);
        DisposeOnItsLoop(server);
        EventLoop? opener = null;
        lock (_lock)
        {
            _open--;
            if (FirstWaiter() is { } waiter && ReserveOpening())
                opener = waiter.Signal.Loop;
        }
        if (opener is not null)
            StartOpening(opener);
    }

    /// <summary>Closes what is idle now and what is released from now on.</summary>
    public void Close()
    {
        _closed = true;
        foreach (var server in DrainIdle())
            Discard(server);
    }

    private List<ServerConnection> DrainIdle()
    {
        var drained = new List<ServerConnection>();
        lock (_lock)
        {
            foreach (var stack in _idle)
            {
                while (stack.TryPop(out var server))
                {
                    _idleCount--;
                    drained.Add(server);
                }
            }
        }
        return drained;
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
                    DisposeOnItsLoop(server);
                    continue;
                }
                server.MoveTo(ServerState.Leased);
                return server;
            }
        }
        return null;
    }

    private LeaseRequest? FirstWaiter()
    {
        LeaseRequest? first = null;
        foreach (ref var queue in _waiting.AsSpan())
        {
            if (queue.First is { } head && (first is null || head.Since < first.Since))
                first = head;
        }
        return first;
    }

    // Own loop's first, unless another loop's has waited clearly longer: moving a connection costs two system calls.
    private LeaseRequest? NextWaiter(int loop)
    {
        if (_waitingCount == 0)
            return null;
        var next = _waiting[loop].First;
        var oldest = FirstWaiter()!;
        if (next is null || next.Since - oldest.Since > ForeignPatience)
            next = oldest;
        _waiting[next.Signal.Loop.Index].Remove(next);
        _waitingCount--;
        return next;
    }

    private static void HandOver(ServerConnection server, LeaseRequest request)
    {
        var loop = request.Signal.Loop;
        if (!ReferenceEquals(server.Channel.Connection.Loop, loop))
            server.Channel.Connection.MoveTo(loop);
        request.Grant(server);
        request.Signal.SetFromAnyThread();
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
        if (_closed || _open + _opening >= Size || _opening >= _waitingCount)
            return false;
        _opening++;
        return true;
    }

    private void StartOpening(EventLoop loop) =>
        loop.Post(static state => _ = ((Opening)state!).RunAsync(), new Opening(this, loop));

    private void Opened(ServerConnection server)
    {
        LeaseRequest? next;
        lock (_lock)
        {
            _opening--;
            _open++;
            next = _closed ? null : NextWaiter(server.Channel.Connection.Loop.Index);
            server.MoveTo(next is null ? ServerState.Idle : ServerState.Leased);
            if (next is null && !_closed)
            {
                server.Channel.Connection.Signal = null;
                server.Channel.Connection.Interest = Readiness.None;
                _idle[server.Channel.Connection.Loop.Index].Push(server);
                _idleCount++;
            }
        }
        if (next is not null)
            HandOver(server, next);
        else if (_closed)
            Discard(server);
    }

    // With connections still open the waiters get their turn when one comes back; with none, nobody would ever wake them.
    private void OpeningFailed(ServerError error)
    {
        List<LeaseRequest>? failed = null;
        lock (_lock)
        {
            _opening--;
            if (_open == 0 && _opening == 0)
            {
                failed = [];
                foreach (ref var queue in _waiting.AsSpan())
                {
                    while (queue.First is { } request)
                    {
                        queue.Remove(request);
                        failed.Add(request);
                    }
                }
                _waitingCount = 0;
            }
        }
        if (failed is null)
            return;
        foreach (var request in failed)
        {
            request.Fail(error);
            request.Signal.SetFromAnyThread();
        }
    }

    private sealed class Opening(ServerPool pool, EventLoop loop)
    {
        public async Task RunAsync()
        {
            ServerConnection server;
            try
            {
                server = await pool._opener.OpenAsync(pool, loop);
            }
            catch (ServerOpenException exception)
            {
                pool.OpeningFailed(exception.Error);
                return;
            }
            pool.Opened(server);
        }
    }
}
