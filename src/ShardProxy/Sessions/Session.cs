using ShardProxy.Catalog;
using ShardProxy.Execution;
using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Drawing;
using ShardProxy.Statements;
using ShardProxy.Transport;

namespace ShardProxy.Sessions;

/// <summary>
/// One client's session: what it has set, prepared, opened and holds. The handlers of this folder work on it; it waits
/// for them and knows how to tell the client something. Everything happens on the loop of its connection.
/// </summary>
public sealed class Session
{
    private ServerPool?[] _pools;
    private readonly ParameterReport _report;
    private ClientProbe? _probe;
    private SessionPlanning? _planning;
    private volatile SessionEnd _endRequested;
    private volatile bool _isEndRequested;
    private ServerPatience? _patience;

    public Session(Database database, SessionIdentity identity, FrameChannel client, LoopSignal signal)
    {
        Database = database;
        Identity = identity;
        Client = client;
        Signal = signal;
        Relay = new ReplyRelay(client);
        _pools = new ServerPool?[database.ShardCount];
        Servers = new SessionServers(this);
        _report = new ParameterReport(this);
    }

    public Database Database { get; }

    public SessionIdentity Identity { get; }

    /// <summary>The process id that the client was told; in session mode a server's, and so not of one session only.</summary>
    public int Id { get; set; }

    public DateTimeOffset Since { get; } = DateTimeOffset.UtcNow;

    public FrameChannel Client { get; }

    public LoopSignal Signal { get; }

    public ReplyRelay Relay { get; }

    public SessionServers Servers { get; }

    public SessionTransaction Transaction { get; } = new();

    /// <summary>Made when the first statement comes that is not for the fast path.</summary>
    public ShapeScanner Scanner => field ??= new ShapeScanner();

    public SessionPrepared Prepared { get; } = new();

    /// <summary>What DISCARD ALL and RESET go back to: the start-up packet's settings.</summary>
    public SettingsSet StartupSettings { get; private set; } = SettingsSet.Empty;

    /// <summary>What ParameterStatus said at the login: true again once everything is reset.</summary>
    public IReadOnlyDictionary<string, string> StartupParameters { get; private set; } = System.Collections.Frozen.FrozenDictionary<string, string>.Empty;

    /// <summary>What is set now, in the open block or else in the session. Changing it may change how names are read.</summary>
    public SettingsState Settings
    {
        get;
        set
        {
            field = value;
            _planning = null;
            ConvertsText = FindConversion(value);
            StandardConformingStrings = value.Find("standard_conforming_strings") is not "off";
        }
    } = SettingsState.Empty;

    /// <summary>The client's encoding is not the server's, so text is converted on its way and its bytes here are not the stored ones.</summary>
    public bool ConvertsText { get; private set; }

    /// <summary>shardproxy.key (with shardproxy.zone) or shardproxy.shard as set with SET, for statements that cannot be routed otherwise.</summary>
    public SessionHint Hint { get; set; } = SessionHint.None;

    /// <summary>Temporary relations that this session has made; their names hide others.</summary>
    public SessionTemporaries Temporaries { get; } = new();

    public SessionCursors Cursors { get; } = new();

    /// <summary>What currval() and lastval() say.</summary>
    public SessionSequences Sequences => field ??= new SessionSequences(this);

    /// <summary>The shard of a cursor that SQL declared, or of a portal, which SQL can read as one.</summary>
    public bool TryFindCursor(string name, out int shard)
    {
        if (Cursors.TryFind(name, out shard))
            return true;
        if (!Prepared.TryGetPortal(System.Text.Encoding.UTF8.GetBytes(name), out var portal) || portal.Server is not { } server)
            return false;
        shard = server.Shard;
        return true;
    }

    /// <summary>Cursors and portals share their names. On one shard its server sees to that, over several the session must.</summary>
    /// <param name="shard">Where the new one is to stand; -1 for a portal that stands nowhere.</param>
    public void CheckCursorName(string name, int shard)
    {
        var taken = Cursors.TryFindMerged(name, out _) || (Cursors.TryFind(name, out var other) && other != shard && Servers.Held(other) is not null);
        if (Prepared.TryGetPortal(System.Text.Encoding.UTF8.GetBytes(name), out var portal))
            taken |= portal.Server is null || (portal.Server.Shard != shard && ReferenceEquals(Servers.Held(portal.Server.Shard), portal.Server));
        if (taken)
            throw new SqlErrorException(SqlStates.DuplicateCursor, $"cursor \"{name}\" already exists");
    }

    /// <summary>The portal executed last in the extended protocol; for the slow-query log.</summary>
    public ClientPortal? LastExecuted { get; set; }

    /// <summary>The transaction at hand is decided, so nothing of its end may be cancelled any more.</summary>
    public bool IgnoresCancel { get; set; }

    /// <summary>Server connections stay with the client until it goes: pool mode session.</summary>
    public bool KeepsServers => Database.IsSessionPooled;

    /// <summary>The number of the last move of a key when the statement at hand looked for its shards; null when no key chose them.</summary>
    public long? ChosenUnder { get; set; }

    /// <summary>Units of work that the client was told the end of.</summary>
    public long UnitsDone { get; private set; }

    /// <summary>What serves the session; null while it begins.</summary>
    public FastLoop? Loop { get; set; }

    /// <summary>Nothing is under way, and the client's next message has not come. On the session's loop.</summary>
    public bool IsIdle => Loop is { IsIdle: true };

    /// <summary>The statement at hand waits for the directory to say where keys are.</summary>
    public bool IsAskingForPlaces { get; set; }

    /// <summary>What moves of keys the session's transactions may still be in the way of.</summary>
    public MoveFence MoveFence { get; } = new();

    /// <summary>Made when the first statement over several shards comes; null before.</summary>
    public MoveGate? MoveGateIfAny { get; private set; }

    public MoveGate MoveGate => MoveGateIfAny ??= new MoveGate(this);

    /// <summary>What was asked for the statement at hand of keys that are placed by look-up; null when nothing had to be.</summary>
    public KeyPlaces? Places { get; set; }

    /// <summary>standard_conforming_strings decides how a quoted backslash is read.</summary>
    public bool StandardConformingStrings { get; private set; } = true;

    public ServerPool Pool(int shard)
    {
        if (shard == Database.Beside)
            return Database.GatherServer?.Pool ?? throw new SqlErrorException(SqlStates.CannotConnect, "there is no gather server any more");
        // A shard has joined since the session began.
        if (shard >= _pools.Length)
            Array.Resize(ref _pools, shard + 1);
        return _pools[shard] ??= Database.GetPool(Identity, shard);
    }

    public ObjectIdMap ObjectIds(int shard)
    {
        var maps = Database.Routing.Catalog.ShardObjectIds;
        return (uint)shard < (uint)maps.Count ? maps[shard] : ObjectIdMap.Identity;
    }

    /// <summary>The state to plan and bind against now; the same object as long as nothing that matters has changed.</summary>
    public SessionPlanning Planning()
    {
        var routing = Database.Routing;
        var planning = _planning;
        if (planning is null || !ReferenceEquals(planning.Routing, routing) || planning.Context.GathersBeside != (Database.GatherServer is not null))
            _planning = planning = Database.PlanningFor(this, routing);
        return planning;
    }

    public void ForgetPlanning() => _planning = null;

    /// <summary>A statement of the open block has failed, if there is one: nothing but its end is possible, and what it has set is undone.</summary>
    public void FailBlock()
    {
        if (Transaction.Status != TransactionStatus.InTransaction)
            return;
        Transaction.Fail();
        Relay.CancelMeans = null;
        Settings = Transaction.SettingsInFailure;
    }

    /// <summary>Asks the session to end, from any thread; it ends at its next wait.</summary>
    public void RequestEnd(SessionEnd reason)
    {
        _endRequested = reason;
        _isEndRequested = true;
        Signal.SetFromAnyThread();
    }

    /// <summary>Runs something on the session's loop, wherever that is by then. Any thread.</summary>
    public void Post(Action<Session> action) => Signal.Loop.Post(
        static state =>
        {
            var (session, action) = ((Session, Action<Session>))state!;
            if (session.Signal.Loop.IsCurrent)
                action(session);
            else
                session.Post(action);
        },
        (this, action));

    /// <summary>Nothing is said to the client any more by what runs beside the session's loop.</summary>
    public void StopProbe() => _probe?.Stop();

    public bool IsEndRequested(out SessionEnd reason)
    {
        reason = _endRequested;
        return _isEndRequested;
    }

    /// <summary>Waits for any of the session's connections, its lease or its deadline. Throws when the client has gone or the session is to end.</summary>
    public async ValueTask WaitAsync()
    {
        Client.Connection.Interest = Client.Output.IsEmpty ? Readiness.Readable : Readiness.Readable | Readiness.Writable;
        await Signal.WaitAsync();
        ThrowIfOver();
    }

    /// <summary>An end of the client's stream alone is not the end: what it has sent is done first, unless it turns out to be gone.</summary>
    public void ThrowIfOver()
    {
        if (Client.Connection.PeerClosed)
            (_probe ??= new ClientProbe(this)).Start();
        if (_isEndRequested && _endRequested != SessionEnd.Drained)
            throw new SessionEndedException(_endRequested);
    }

    /// <summary>Points the relay at a server whose replies are to be moved next.</summary>
    public void StartRelay(ServerConnection server) => Relay.Start(server, ObjectIds(server.Shard), holdReady: true);

    /// <summary>Sends what is written to the server and takes all replies that it owes, forwarding what the ledger says.</summary>
    public async ValueTask DrainAsync(ServerConnection server)
    {
        StartRelay(server);
        await PumpAsync(server);
    }

    /// <summary>As <see cref="DrainAsync(ServerConnection)"/>, with somebody who looks at each message.</summary>
    public async ValueTask DrainAsync(ServerConnection server, IReplyTap tap)
    {
        StartRelay(server);
        Relay.Tap = tap;
        await PumpAsync(server);
        Relay.Tap = null;
    }

    /// <summary>As <see cref="DrainAsync(ServerConnection)"/>, with the relay as the caller has set it up. Returns early when the server wants COPY data.</summary>
    public async ValueTask<RelayStatus> PumpAsync(ServerConnection server)
    {
        while (true)
        {
            RelayStatus status;
            try
            {
                status = Relay.Pump();
            }
            catch (IOException exception) when (exception is PeerClosedException or MalformedFrameException)
            {
                throw Translate(exception, server);
            }
            if (status is RelayStatus.Done or RelayStatus.CopyIn)
                return Relay.FatalError is null ? status : throw new ServerLostException(server, Relay.FatalError, null);
            server.Channel.Connection.Interest = server.Channel.Output.IsEmpty ? Readiness.Readable : Readiness.Readable | Readiness.Writable;
            await WaitAsync();
            if (_patience is { IsOver: true } over)
                throw new ServerLostException(server, null, null) { Silence = over.Length };
            CancelIfLate();
        }
    }

    /// <summary>
    /// From now on, until it is disposed, whoever waits for a server's replies gives the server up when the time is over
    /// (<see cref="ServerLostException.Silence"/>).
    /// </summary>
    /// <param name="length">Zero is without end.</param>
    internal WaitLimit LimitWaits(TimeSpan length)
    {
        if (length <= TimeSpan.Zero)
            return default;
        _patience = new ServerPatience(Signal, length);
        return new WaitLimit(this);
    }

    /// <summary>Waits are as long as they were before.</summary>
    internal void UnlimitWaits()
    {
        _patience?.End();
        _patience = null;
    }

    /// <summary>Pushes out what is written for a server without waiting for its replies.</summary>
    public void Flush(ServerConnection server)
    {
        try
        {
            server.Channel.TryFlush();
        }
        catch (PeerClosedException exception)
        {
            throw Translate(exception, server);
        }
    }

    /// <summary>Tells apart whose connection broke.</summary>
    public Exception Translate(IOException exception, ServerConnection server)
    {
        var connection = exception switch
        {
            PeerClosedException closed => closed.Connection,
            MalformedFrameException malformed => malformed.Connection,
            _ => null,
        };
        if (!ReferenceEquals(connection, server.Channel.Connection))
            return new SessionEndedException(SessionEnd.ClientGone);
        return Relay.IsInsideMessage
            ? new SessionEndedException(SessionEnd.TornReply)
            : new ServerLostException(server, Relay.FatalError, exception);
    }

    /// <summary>The end of a unit of work: the client may send the next.</summary>
    public void WriteReady()
    {
        UnitsDone++;
        _report.Collect(Relay);
        Relay.WriteHeldParameters();
        ReadyForQueryMessage.Write(Client.Output, Transaction.Status);
    }

    /// <summary>As <see cref="WriteReady"/>, where the server's own message went to the client.</summary>
    public void NoteReady() => UnitsDone++;

    /// <summary>The login's settings and what the client is told of them.</summary>
    public void Greet(LoginProfile profile)
    {
        StartupSettings = profile.Settings;
        StartupParameters = profile.Parameters;
        Settings = profile.State;
        ReportParameters();
    }

    private bool FindConversion(SettingsState settings) =>
        settings.Find("client_encoding") is { } client
        && StartupParameters.TryGetValue("server_encoding", out var server)
        && !string.Equals(client, server, StringComparison.OrdinalIgnoreCase)
        && client != "SQL_ASCII" && server != "SQL_ASCII";

    /// <summary>Everything was reset without a server's help: tells the client of each reported setting that is another now.</summary>
    public void ReportParameters()
    {
        foreach (var (name, value) in StartupParameters)
        {
            if (Relay.Reported.TryGetValue(name, out var told) && told == value)
                continue;
            ParameterStatusMessage.Write(Client.Output, name, value);
        }
        Relay.NoteReported(StartupParameters);
    }

    /// <summary>A made-up CommandComplete.</summary>
    public void WriteTag(ReadOnlySpan<byte> tag) => CommandCompleteMessage.Write(Client.Output, tag);

    public void WriteNotice(string severity, string sqlState, string message) =>
        new ServerError(sqlState, message) { Severity = severity }.WriteNotice(Client.Output);

    /// <summary>Starts the clock for one statement, if there is a limit.</summary>
    public void StartQueryClock()
    {
        if (Database.Limits.QueryTimeout > TimeSpan.Zero)
            Signal.Deadline = Environment.TickCount64 + (long)Database.Limits.QueryTimeout.TotalMilliseconds;
    }

    public void StopClock()
    {
        if (_patience is { } patience)
            patience.StopClock();
        else if (Signal.Deadline != 0)
            Signal.Deadline = 0;
    }

    /// <summary>A statement over its time is cancelled on its servers, whose own error (57014) then ends it.</summary>
    public void CancelIfLate()
    {
        if (!Signal.DeadlinePassed)
            return;
        StopClock();
        CancelRunning();
    }

    /// <summary>Cancels what runs for a reason of the proxy's own, which the client is told instead of "canceling statement". Loop's thread.</summary>
    public void CancelBecause(ServerError reason)
    {
        if (IgnoresCancel)
            return;
        Relay.CancelMeans = reason;
        CancelRunning();
    }

    /// <summary>Asks every server that still owes this session something to cancel it. Loop's thread.</summary>
    public void CancelRunning()
    {
        if (IgnoresCancel)
            return;
        Servers.CancelWait();
        foreach (var server in Servers.All)
        {
            if (server is not null && !server.Ledger.IsEmpty)
                _ = server.Pool.Opener.CancelAsync(server);
        }
    }
}
