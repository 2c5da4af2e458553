using ShardProxy.Execution;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Sessions;

/// <summary>
/// The server connections that a session holds, at most one per shard: for the current unit of work or transaction, or
/// longer when something of the session lives there. Before a statement uses one it stands where the session stands:
/// its settings applied, its transaction block begun and the block's log replayed.
/// </summary>
public sealed class SessionServers
{
    private readonly Session _session;
    private readonly LeaseRequest _lease;
    // By shard; the gather server's stands behind the shards', once there is one.
    private ServerConnection?[] _held;
    private bool[] _joined;
    private int _shards;
    private ServerPool? _queuedAt;
    private ServerError? _leaseFailure;
    private int _failedShard;
    private long _deadlineBefore;
    private bool _waitCancelled;

    public SessionServers(Session session)
    {
        _session = session;
        _lease = new LeaseRequest(session.Signal);
        _shards = session.Database.ShardCount;
        _held = new ServerConnection?[_shards];
        _joined = new bool[_shards];
    }

    /// <summary>By shard, and behind them what is held of the gather server; null where none is held.</summary>
    public ReadOnlySpan<ServerConnection?> All => _held;

    public int HeldCount { get; private set; }

    public ServerConnection? Held(int shard) => shard == Database.Beside ? HeldBeside : shard < _shards ? _held[shard] : null;

    private ServerConnection? HeldBeside => _held.Length > _shards ? _held[_shards] : null;

    /// <summary>Whether the shard takes part in the open transaction block.</summary>
    public bool HasJoined(int shard) => (uint)shard < (uint)_shards && _joined[shard];

    public int JoinedCount
    {
        get
        {
            var count = 0;
            foreach (var joined in _joined)
                count += joined ? 1 : 0;
            return count;
        }
    }

    /// <summary>The connections that take part in the open block, in shard order.</summary>
    public List<ServerConnection> Joined()
    {
        var joined = new List<ServerConnection>();
        for (var shard = 0; shard < _held.Length; shard++)
        {
            if (_joined[shard] && _held[shard] is { } server)
                joined.Add(server);
        }
        return joined;
    }

    /// <summary>A shard that any statement may use: one that has joined or is held, else home.</summary>
    public int AnyShard()
    {
        for (var shard = 0; shard < _shards; shard++)
        {
            if (_joined[shard])
                return shard;
        }
        for (var shard = 0; shard < _shards; shard++)
        {
            if (_held[shard] is not null)
                return shard;
        }
        return Database.HomeShard;
    }

    /// <summary>For the fast path: a connection that needs no preparation. Null: wait for the lease (queued), or prepare it on the general path.</summary>
    public ServerConnection? TryGetReady(int shard, out bool queued)
    {
        queued = false;
        if (shard >= _shards)
            GrowTo(shard);
        var server = _held[shard];
        if (server is not null)
            return _joined[shard] || (!_session.Transaction.IsOpen && server.Applied.Equals(_session.Settings.Session)) ? server : null;
        if (FailureOf(shard) is not null || IsForGate(shard))
            return null;
        var pool = _session.Pool(shard);
        _lease.Held = HeldCount;
        server = pool.TryLease(_lease);
        if (server is null)
        {
            _queuedAt = pool;
            queued = true;
            return null;
        }
        Hold(shard, server);
        return TryMakeReady(server) ? server : null;
    }

    /// <summary>The wait for a queued lease has its limit; one that is there already (the login's) stays if it is nearer, and in any case afterwards.</summary>
    public void StartLeaseClock()
    {
        var signal = _session.Signal;
        _deadlineBefore = signal.Deadline;
        var timeout = _session.Database.Limits.LeaseTimeout;
        if (timeout <= TimeSpan.Zero)
            return;
        var deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        if (_deadlineBefore == 0 || deadline < _deadlineBefore)
            signal.Deadline = deadline;
    }

    /// <summary>The client cancels a statement that still waits for its connection.</summary>
    public void CancelWait()
    {
        if (_queuedAt is null)
            return;
        _waitCancelled = true;
        _session.Signal.Set();
    }

    /// <summary>Whether the queued lease was answered: the connection is held then, or the general path will find why there is none.</summary>
    public bool TryTakeLease()
    {
        if (!_lease.TryTake(out var server, out var failure))
        {
            if (!_session.Signal.DeadlinePassed && !_waitCancelled)
                return false;
            failure = _waitCancelled
                ? new ServerError(SqlStates.QueryCanceled, "canceling statement due to user request")
                : LeaseTimedOut(_queuedAt!).Error;
            _queuedAt!.Withdraw(_lease);
        }
        _waitCancelled = false;
        if (_session.Signal.Deadline != _deadlineBefore)
            _session.Signal.Deadline = _deadlineBefore;
        _failedShard = _queuedAt!.Shard;
        _queuedAt = null;
        _leaseFailure = failure;
        if (server is not null)
        {
            Hold(server.Shard, server);
            if (server.Shard != Database.Beside)
                TryMakeReady(server);
        }
        return true;
    }

    // BEGIN alone can go out with the statement; settings and a log to replay have replies that must be looked at first.
    private bool TryMakeReady(ServerConnection server)
    {
        var transaction = _session.Transaction;
        if (!transaction.IsOpen)
            return server.Applied.Equals(_session.Settings.Session);
        if (transaction.Log.Count > 0 || !server.Applied.Equals(transaction.SettingsAtBegin.Session))
            return false;
        SendBegin(server, Wraps(server.Shard));
        return true;
    }

    /// <summary>The shard's connection, leased if need be and standing where the session stands.</summary>
    public async ValueTask<ServerConnection> GetAsync(int shard)
    {
        // It takes no part in the session's transaction, and is told what it needs of the settings by whoever uses it.
        if (shard == Database.Beside)
            return HeldBeside ?? await LeaseAsync(shard);
        if (shard >= _shards)
            GrowTo(shard);
        if (IsForGate(shard))
            await _session.MoveGate.EnterAsync(stays: true);
        var server = _held[shard] ?? await LeaseAsync(shard);
        if (_joined[shard])
            return server;
        var transaction = _session.Transaction;
        await ApplySettingsAsync(server, transaction.IsOpen ? transaction.SettingsAtBegin.Session : _session.Settings.Session);
        if (transaction.IsOpen)
        {
            var wraps = Wraps(shard);
            SendBegin(server, wraps && transaction.Log.Count == 0);
            if (transaction.Log.Count > 0)
                await ReplayLogAsync(server, wraps);
        }
        return server;
    }

    // Snapshots of one transaction that are kept must all be from before a key moves or from after it.
    private bool IsForGate(int shard) =>
        _session.Transaction.IsOpen && !_joined[shard] && _session.Database.Routing.Directory.HasLookups && _session.Transaction.KeepsSnapshot;

    /// <summary>A server said by itself that a block is open although the proxy began none.</summary>
    public void NoteJoined(int shard) => _joined[shard] = true;

    /// <summary>After a unit of work: what no transaction and no pin needs goes back.</summary>
    public void ReleaseIdle()
    {
        if (HeldCount == 0)
            return;
        ReleaseBeside();
        if (_session.Transaction.IsOpen)
            return;
        for (var shard = 0; shard < _held.Length; shard++)
        {
            if (_held[shard] is not { } server)
                continue;
            _joined[shard] = false;
            if (server.IsPinned || (_session.KeepsServers && !server.Channel.Connection.PeerClosed))
                continue;
            Drop(shard);
            GiveBack(server);
        }
    }

    /// <summary>Gives the gather server's connection back, with what the session has there; it is rolled back behind the session's back.</summary>
    public void ReleaseBeside()
    {
        if (HeldBeside is not { } server)
            return;
        Drop(Database.Beside);
        GiveBack(server);
    }

    /// <summary>The block is over on all servers; <paramref name="committed"/> says which settings they now have.</summary>
    public void BlockEnded(SettingsState settings, bool committed)
    {
        for (var shard = 0; shard < _held.Length; shard++)
        {
            if (_joined[shard] && committed && _held[shard] is { } server)
                server.Applied = settings.Session;
            _joined[shard] = false;
        }
    }

    /// <summary>The connection is broken or in an unknown state: it is closed.</summary>
    public void Lose(ServerConnection server)
    {
        for (var shard = 0; shard < _held.Length; shard++)
        {
            if (ReferenceEquals(_held[shard], server))
            {
                _joined[shard] = false;
                Drop(server.Shard);
            }
        }
        server.Pool.Discard(server);
    }

    /// <summary>The session is over: clean connections go back, open blocks are rolled back, what still runs is cancelled.</summary>
    public void ReleaseAll()
    {
        _session.StopClock();
        _queuedAt?.Withdraw(_lease);
        _queuedAt = null;
        for (var shard = 0; shard < _held.Length; shard++)
        {
            if (_held[shard] is not { } server)
                continue;
            _joined[shard] = false;
            Drop(server.Shard);
            // What the block has set may be in force if its COMMIT is under way.
            if (server.IsPinned || (!server.IsClean && _session.Transaction.Log.Count > 0))
                server.IsTainted = true;
            server.IsPinned = false;
            GiveBack(server);
        }
    }

    /// <summary>Lets go of what pinned the shard's connection; it is reset before it serves another client.</summary>
    public void Unpin(int shard)
    {
        if (_held[shard] is { IsPinned: true } server)
        {
            server.IsPinned = false;
            server.IsTainted = true;
        }
    }

    private static void GiveBack(ServerConnection server)
    {
        if (server.IsClean && !server.IsTainted && !server.HasCancelInFlight)
            server.Pool.Release(server);
        else
            ServerReset.Start(server);
    }

    private void Hold(int shard, ServerConnection server)
    {
        if (shard == Database.Beside && _held.Length == _shards)
            Resize(_shards + 1);
        _held[SlotOf(shard)] = server;
        HeldCount++;
        server.Channel.Connection.Signal = _session.Signal;
        server.Channel.Connection.Interest = Readiness.Readable;
    }

    private void Drop(int shard)
    {
        _held[SlotOf(shard)] = null;
        HeldCount--;
    }

    private int SlotOf(int shard) => shard == Database.Beside ? _shards : shard;

    /// <summary>For a shard that has joined since the session began.</summary>
    private void GrowTo(int shard)
    {
        var beside = HeldBeside;
        var hasBeside = _held.Length > _shards;
        if (hasBeside)
            _held[_shards] = null;
        _shards = shard + 1;
        Resize(_shards + (hasBeside ? 1 : 0));
        if (hasBeside)
            _held[_shards] = beside;
    }

    private void Resize(int slots)
    {
        Array.Resize(ref _held, slots);
        Array.Resize(ref _joined, slots);
    }

    private async ValueTask<ServerConnection> LeaseAsync(int shard)
    {
        if (FailureOf(shard) is null)
        {
            var pool = _session.Pool(shard);
            _lease.Held = HeldCount;
            if (pool.TryLease(_lease) is { } server)
            {
                Hold(shard, server);
                return server;
            }
            _queuedAt = pool;
            StartLeaseClock();
            while (!TryTakeLease())
                await _session.WaitAsync();
        }
        if (_leaseFailure is not { } failure)
            return Held(shard)!;
        _leaseFailure = null;
        throw new SqlErrorException(failure);
    }

    // A failure waits for the general path to ask for the same shard; asked for another, the statement has changed its mind.
    private ServerError? FailureOf(int shard)
    {
        if (_leaseFailure is not null && _failedShard != shard)
            _leaseFailure = null;
        return _leaseFailure;
    }

    /// <summary>What a client is told whose turn did not come.</summary>
    public static SqlErrorException LeaseTimedOut(ServerPool pool) => new(new ServerError(
        SqlStates.TooManyConnections,
        $"no connection to {pool.Title} became free in time: all {pool.Count} are in use")
    {
        Detail = pool.LastOpeningError is { } error ? $"The pool may have {pool.Size}, but no other could be opened: {error.Message}" : null,
        Hint = "Raise the pool's size or limits.lease_timeout, or look for transactions that stay open.",
    });

    private async ValueTask ApplySettingsAsync(ServerConnection server, SettingsSet wanted)
    {
        if (server.Applied.Equals(wanted))
            return;
        var script = SettingsScript.Between(server.Applied, wanted);
        if (script.Length > 0)
        {
            // Should the session end while the answer is due, nobody knows what is set there.
            var wasTainted = server.IsTainted;
            server.IsTainted = true;
            server.SendQuery(script, Disposition.Swallow);
            await _session.DrainAsync(server);
            if (_session.Relay.SwallowedError is { } error)
                throw new SqlErrorException(error);
            server.IsTainted = wasTainted;
        }
        server.Applied = wanted;
    }

    // Goes out together with the statement that follows: BEGIN costs no round trip of its own.
    private void SendBegin(ServerConnection server, bool wraps)
    {
        if (wraps)
            server.SendQuery([.. _session.Transaction.BeginText, .. "\n;"u8, .. System.Text.Encoding.ASCII.GetBytes(ReadOnlyBlock.Wrap)], Disposition.Swallow);
        else
            server.SendQuery(_session.Transaction.BeginText, Disposition.Swallow);
        _session.Transaction.IsWrapped |= wraps;
        _joined[server.Shard] = true;
    }

    // Only where rows may have to be brought together.
    private bool Wraps(int shard) =>
        shard == Database.HomeShard && _session.Database.ShardCount > 1 && _session.Planning().Routing.Directory.HasShardedTables && _session.Transaction.MayBeWrapped;

    private async ValueTask ReplayLogAsync(ServerConnection server, bool wraps)
    {
        foreach (var entry in _session.Transaction.Log)
        {
            // The client's savepoints stand inside.
            if (wraps && entry.Savepoint is not null)
                WrapOnce();
            server.SendQuery(entry.Text, Disposition.Swallow);
        }
        if (wraps)
            WrapOnce();
        await _session.DrainAsync(server);
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);

        void WrapOnce()
        {
            if (_session.Transaction.IsWrapped)
                return;
            _session.Transaction.IsWrapped = true;
            server.SendQuery(ReadOnlyBlock.Wrap, Disposition.Swallow);
        }
    }
}
