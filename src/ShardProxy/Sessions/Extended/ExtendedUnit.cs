using ShardProxy.Execution;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Extended;

/// <summary>
/// The messages between two Syncs: which server is at hand, what it owes, and whether an error has made the rest be
/// skipped. Replies come in the order of the messages because only one server at a time owes any: before another is used,
/// the one at hand is asked to flush and is read until it owes nothing.
/// </summary>
internal sealed class ExtendedUnit
{
    private readonly Session _session;
    private readonly StatementRunner _runner;
    private ClientStatement? _pendingParse;
    private int _executed;
    private int _suspendedBefore;

    // The error that made the unit fail answered a Parse.
    private bool _failedParsing;

    public ExtendedUnit(Session session, StatementRunner runner)
    {
        _session = session;
        _runner = runner;
        Parses = new UnitParses(session);
        Portals = new UnitPortals(session);
    }

    /// <summary>A message came since the last Sync.</summary>
    public bool IsStarted { get; set; }

    /// <summary>An error was told: what comes before the next Sync is ignored.</summary>
    public bool IsSkipping { get; set; }

    /// <summary>The shard that has written outside a block since the last Sync, or <see cref="SessionTransaction.NoWriter"/>.</summary>
    public int Writer { get; set; } = SessionTransaction.NoWriter;

    /// <summary>A portal ran to its end since the last Sync or COMMIT, so PostgreSQL sees a pipeline's implicit block. Known once the unit is settled.</summary>
    public bool HasExecuted => _executed > _session.Relay.PortalsSuspended - _suspendedBefore;

    /// <summary>The server that may owe replies; null when none does.</summary>
    public ServerConnection? Current { get; private set; }

    public UnitParses Parses { get; }

    public UnitPortals Portals { get; }

    /// <summary>The message at hand.</summary>
    public byte MessageType { get; set; }

    public void NoteExecuted() => _executed++;

    /// <summary>The transaction is over: what comes is the first of another.</summary>
    public void ForgetExecuted()
    {
        _executed = 0;
        _suspendedBefore = _session.Relay.PortalsSuspended;
        Writer = SessionTransaction.NoWriter;
    }

    /// <summary>Outside a block, every server that has taken messages since the last Sync holds an implicit transaction.</summary>
    public List<ServerConnection> WaitingForSync()
    {
        var waiting = new List<ServerConnection>();
        foreach (var server in _session.Servers.All)
        {
            if (server is { NeedsSync: true })
                waiting.Add(server);
        }
        return waiting;
    }

    public async ValueTask<ServerConnection> UseAsync(int shard)
    {
        if (Current is not null && Current.Shard != shard)
        {
            await SettleAsync();
            if (IsSkipping)
                throw new UnitSkippedException();
        }
        var server = await _session.Servers.GetAsync(shard);
        server.NeedsSync = true;
        Current = server;
        return server;
    }

    /// <summary>The fast path has left a server with messages that no Sync has ended.</summary>
    public void Continue(ServerConnection server)
    {
        IsStarted = true;
        Current = server;
        server.NeedsSync = true;
    }

    /// <summary>Nothing is owed any more by the server at hand, which may be gone.</summary>
    public void Leave() => Current = null;

    /// <summary>Reads everything that the current server owes, so that something else may be said to the client.</summary>
    public async ValueTask SettleAsync(uint[]? rowTypes = null)
    {
        if (Current is not { } server || server.Ledger.IsEmpty)
            return;
        FlushMessage.Write(server.Channel.Output);
        _session.StartRelay(server);
        _session.Relay.KeepsRowTypes = true;
        _session.Relay.TranslateRows(rowTypes);
        _session.StartQueryClock();
        while (await _session.PumpAsync(server) == RelayStatus.CopyIn)
            await _runner.CopyInput.RelayAsync(server);
        _session.StopClock();
        if (!_session.Relay.ErrorSeen)
            return;
        _failedParsing = _session.Relay.FailedKind == ReplyKind.Parse;
        IsSkipping = true;
        server.UnnamedOwner = null;
        _session.FailBlock();
    }

    /// <summary>A Parse is held back until the next message says which server needs it.</summary>
    public void HoldParse(ClientStatement statement) => _pendingParse = statement;

    public bool Holds(ClientStatement statement) => ReferenceEquals(_pendingParse, statement);

    public void DropParse() => _pendingParse = null;

    /// <summary>A Parse that no Bind followed is sent now, so that its errors come where they belong.</summary>
    public async ValueTask ResolveParseAsync()
    {
        if (_pendingParse is not { } statement)
            return;
        if (!statement.IsUnnamed && ReferenceEquals(statement.Text.AcceptedUnder, _session.Planning()))
        {
            _pendingParse = null;
            Reply(ReplyKind.Parse);
            return;
        }
        var server = await UseAsync(_session.Servers.AnyShard());
        WriteParse(server, statement);
    }

    /// <summary>Makes the server know the statement. When its Parse was held back, this is the Parse that the client waits for.</summary>
    public void WriteParse(ServerConnection server, ClientStatement statement)
    {
        var isOwed = Holds(statement);
        if (isOwed)
            _pendingParse = null;
        var disposition = isOwed ? Disposition.Forward : Disposition.Swallow;
        if (!statement.IsUnnamed)
        {
            if (!PreparedRunner.SendParse(server, statement.Text, _session, disposition) && isOwed)
                server.Ledger.Expect(ReplyKind.Parse, Disposition.MakeUp);
            return;
        }
        if (!isOwed && ReferenceEquals(server.UnnamedOwner, statement))
            return;
        WriteUnnamed(server, statement.Text.Sql, PreparedRunner.LocalTypes(_session, server, statement.Text), disposition);
        server.UnnamedOwner = statement;
    }

    /// <summary>Parses a text as the server's unnamed statement, which from then on is nobody's.</summary>
    public static void WriteUnnamed(ServerConnection server, ReadOnlySpan<byte> sql, uint[] types, Disposition disposition)
    {
        ParseMessage.Write(server.Channel.Output, [], sql, types);
        server.PendingParses.Enqueue(null);
        server.UnnamedOwner = null;
        server.Ledger.Expect(ReplyKind.Parse, disposition);
    }

    /// <summary>'1', '2' and '3' of the proxy's own, behind what the current server still owes.</summary>
    public void Reply(ReplyKind kind)
    {
        if (Current is { Ledger.IsEmpty: false } server)
        {
            server.Ledger.Expect(kind, Disposition.MakeUp);
            return;
        }
        switch (kind)
        {
            case ReplyKind.Parse:
                ParseCompleteMessage.Write(_session.Client.Output);
                Parses.CountAnswered();
                break;
            case ReplyKind.Bind:
                BindCompleteMessage.Write(_session.Client.Output);
                Portals.CountAnswered();
                break;
            default:
                CloseCompleteMessage.Write(_session.Client.Output);
                break;
        }
    }

    /// <summary>Runs one step of the unit; an error of a server or of the proxy's own makes the rest be skipped.</summary>
    public async ValueTask GuardAsync(Func<ValueTask> step)
    {
        try
        {
            await step();
        }
        catch (UnitSkippedException)
        {
            // The server has failed something before: its error is with the client already.
            IsSkipping = true;
            _session.FailBlock();
        }
        catch (SqlErrorException exception)
        {
            await FailAsync(exception.Error);
        }
        catch (ServerLostException lost)
        {
            if (ReferenceEquals(Current, lost.Server))
                Current = null;
            await FailAsync(ServerLoss.Handle(_session, lost));
        }
    }

    /// <summary>The unit has failed, and all its replies are in: what was not confirmed has not happened.</summary>
    /// <param name="atSync">The error came with the replies to Sync.</param>
    public void ForgetUnconfirmed(bool atSync)
    {
        Parses.ForgetUnconfirmed(atSync ? _session.Relay.FailedKind == ReplyKind.Parse : _failedParsing);
        Portals.ForgetUnconfirmed();
    }

    public void Reset()
    {
        IsStarted = false;
        Current = null;
        _pendingParse = null;
        Parses.Clear();
        Portals.Clear();
        _failedParsing = false;
        ForgetExecuted();
    }

    private async ValueTask FailAsync(ServerError error)
    {
        try
        {
            // The client is told of its Parse before it is told of what failed behind it; the server may say more of the text.
            await ResolveParseAsync();
            await SettleAsync();
        }
        catch (ServerLostException lost)
        {
            Current = null;
            ServerLoss.Handle(_session, lost);
        }
        catch (Exception exception) when (exception is SqlErrorException or UnitSkippedException)
        {
            // There is an error to tell already.
        }
        _pendingParse = null;
        if (IsSkipping)
            return;
        _runner.Fail(error);
        _failedParsing = MessageType == FrontendMessageType.Parse;
        IsSkipping = true;
    }
}
