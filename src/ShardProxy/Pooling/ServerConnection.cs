using System.Text;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Transport;

namespace ShardProxy.Pooling;

/// <summary>
/// One logged-in connection to one shard, with everything that the proxy knows of the session behind it: what it still
/// owes, its transaction status, its settings and its prepared statements. It belongs to one session at a time and is
/// used on that session's loop only.
/// </summary>
/// <remarks>
/// <code>
///   Opening ──► Leased ◄──► Idle          Opened, Lease and Release of ServerPool
///      │          │  ▲        │
///      │          ▼  │        │
///      │       Resetting ────►│           ServerReset, then ServerPool.Release
///      ▼          ▼           ▼
///      └───────► Closed ◄─────┘           ServerPool.Discard
/// </code>
/// Invariants: 1. Only <see cref="MoveTo"/> changes the state. 2. Idle means: ledger empty, status 'I', not tainted, no
/// cancel request on its way. 3. <see cref="Applied"/> is exact unless <see cref="IsTainted"/>.
/// </remarks>
public sealed class ServerConnection
{
    private int _cancelsInFlight;

    internal ServerConnection(ServerPool pool, FrameChannel channel, long preparedStatementBytes)
    {
        Pool = pool;
        Channel = channel;
        Prepared = new PreparedOnServer(preparedStatementBytes);
    }

    public ServerPool Pool { get; }

    public int Shard => Pool.Shard;

    public FrameChannel Channel { get; }

    public ServerState State { get; private set; } = ServerState.Opening;

    /// <summary>What it still has to answer, and what to do with each answer.</summary>
    public ReplyLedger Ledger { get; } = new();

    /// <summary>As its last ReadyForQuery said: 'I', 'T' or 'E'.</summary>
    public byte TransactionStatus { get; set; } = (byte)'I';

    /// <summary>Extended messages were sent since the last Sync, so one is due before the connection can be given back.</summary>
    public bool NeedsSync { get; set; }

    public SettingsSet Applied { get; set; } = SettingsSet.Empty;

    public PreparedOnServer Prepared { get; }

    /// <summary>Statements whose Parse was sent and not confirmed, in order; null stands for the unnamed statement.</summary>
    public Queue<PreparedText?> PendingParses { get; } = new();

    /// <summary>Statements whose Close was sent (always on the proxy's own account) and not confirmed, in order.</summary>
    public Queue<PreparedText> PendingCloses { get; } = new();

    /// <summary>Whose unnamed statement the server has; null when it is unknown or gone (a simple query destroys it).</summary>
    public object? UnnamedOwner { get; set; }

    /// <summary>The server asked for COPY data and has not had the end of them.</summary>
    public bool IsTakingCopyData { get; set; }

    /// <summary>Something happened that may have changed the session in ways that are not tracked.</summary>
    public bool IsTainted { get; set; }

    /// <summary>Who drew from a sequence here last, so that currval() and lastval() are of that session; null for nobody.</summary>
    public object? SequenceOwner { get; set; }

    /// <summary>Holds something of its client's (temporary table, advisory lock, LISTEN), so it stays leased between transactions.</summary>
    public bool IsPinned { get; set; }

    public int ProcessId { get; internal set; }

    public byte[] CancelKey { get; internal set; } = [];

    /// <summary>What ParameterStatus messages said last.</summary>
    public Dictionary<string, string> Parameters { get; } = new(StringComparer.Ordinal);

    /// <summary>Nothing is owed and no transaction is open.</summary>
    public bool IsClean => Ledger.IsEmpty && TransactionStatus == (byte)'I' && !NeedsSync && Channel.Output.IsEmpty && Channel.Input.IsEmpty;

    public bool HasCancelInFlight => Volatile.Read(ref _cancelsInFlight) > 0;

    /// <summary>A cancel request for what runs here is on its way: the connection must not go to another client before the server has taken it.</summary>
    public void BeginCancel() => Interlocked.Increment(ref _cancelsInFlight);

    public void EndCancel()
    {
        Interlocked.Decrement(ref _cancelsInFlight);
        Channel.Connection.Signal?.SetFromAnyThread();
    }

    public void MoveTo(ServerState next)
    {
        var allowed = (State, next) switch
        {
            (ServerState.Closed, _) => false,
            (_, ServerState.Closed) => true,
            (ServerState.Opening, ServerState.Leased or ServerState.Idle) => true,
            (ServerState.Idle, ServerState.Leased) => true,
            (ServerState.Leased, ServerState.Idle or ServerState.Resetting or ServerState.Leased) => true,
            (ServerState.Resetting, ServerState.Idle or ServerState.Leased) => true,
            _ => false,
        };
        if (!allowed)
            throw new InvalidOperationException($"A server connection cannot go from {State} to {next}.");
        State = next;
    }

    /// <summary>Takes the connection, which nobody else uses, to a loop. False: that failed, and it is closed.</summary>
    internal bool TryMoveTo(EventLoop loop)
    {
        if (ReferenceEquals(Channel.Connection.Loop, loop))
            return true;
        try
        {
            Channel.Connection.MoveTo(loop);
            return true;
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            Pool.Discard(this);
            return false;
        }
    }

    /// <summary>Takes note of a ParameterStatus message's body.</summary>
    public void NoteParameter(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        Parameters[Encoding.UTF8.GetString(name)] = Encoding.UTF8.GetString(value);

    /// <summary>A ParseComplete arrived.</summary>
    public void ConfirmParse()
    {
        if (PendingParses.TryDequeue(out var text))
            text?.Accept();
    }

    /// <summary>A CloseComplete that the client does not see arrived.</summary>
    public void ConfirmClose() => PendingCloses.TryDequeue(out _);

    /// <summary>An error put the connection into skipping until Sync: what was not confirmed has not happened.</summary>
    public void ForgetUnconfirmed()
    {
        // Back before the Parses go: one text may have been closed and prepared again.
        while (PendingCloses.TryDequeue(out var text))
            Prepared.Add(text);
        while (PendingParses.TryDequeue(out var text))
        {
            if (text is not null)
                Prepared.Remove(text);
        }
    }
}
