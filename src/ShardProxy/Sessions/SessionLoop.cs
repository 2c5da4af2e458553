using ShardProxy.Execution;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Extended;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Simple;
using ShardProxy.Transport;

namespace ShardProxy.Sessions;

/// <summary>
/// The corridor of a logged-in client: takes one message after the other, gives it to the fast path or to the general
/// one, and waits when there is nothing to do. The fast path's only await is here, in a state machine that lives as long
/// as the session, so a statement allocates nothing.
/// </summary>
public sealed class SessionLoop
{
    // Bytes asked for at once of a large message.
    private const int LargestReceive = 1024 * 1024;

    private readonly Session _session;
    private readonly FastPath _fast;
    private readonly StatementRunner _runner;
    private readonly SimpleQuery _simple;
    private readonly ExtendedQuery _extended;

    public SessionLoop(Session session)
    {
        _session = session;
        _fast = new FastPath(session);
        _runner = new StatementRunner(session);
        _simple = new SimpleQuery(session, _runner);
        _extended = new ExtendedQuery(session, _runner);
    }

    /// <summary>Runs until the client leaves or the session must end; the caller closes the connection.</summary>
    public async Task<SessionEnd> RunAsync()
    {
        try
        {
            return await ServeAsync();
        }
        catch (SessionEndedException exception)
        {
            return exception.Reason;
        }
        catch (PeerClosedException exception) when (ReferenceEquals(exception.Connection, _session.Client.Connection))
        {
            return SessionEnd.ClientGone;
        }
        finally
        {
            _session.Servers.ReleaseAll();
        }
    }

    private async Task<SessionEnd> ServeAsync()
    {
        var client = _session.Client;
        while (true)
        {
            var status = Frame.TryRead(client.Input.Unread, client.MaxFrameLength, out var type, out var length);
            if (status == FrameStatus.Malformed || (!client.Input.IsEmpty && !FrontendMessageType.IsKnown(type)))
                return SessionEnd.ProtocolViolation;
            if (status == FrameStatus.Incomplete)
            {
                if (ShouldEnd(out var reason))
                    return reason;
                if (client.TryReceive(Math.Clamp(length - client.Input.Count, ByteBuffer.MinimumCapacity, LargestReceive)))
                    continue;
                BeforeIdle();
                await _session.Signal.WaitAsync();
                AfterIdle();
                continue;
            }
            var start = _extended.IsIdle ? _fast.TryStart(type, length) : FastStart.NotFast;
            if (start == FastStart.Queued)
            {
                // In place, so that waiting for a connection allocates nothing; then the same message is looked at again.
                _session.Servers.StartLeaseClock();
                while (!_session.Servers.TryTakeLease())
                {
                    client.Connection.Interest = Readiness.Readable;
                    await _session.Signal.WaitAsync();
                    _session.ThrowIfOver();
                }
                continue;
            }
            if (start == FastStart.NotFast)
            {
                if (type == FrontendMessageType.Terminate)
                    return SessionEnd.Terminated;
                await HandleAsync(type, length);
                continue;
            }
            var server = _fast.Server!;
            try
            {
                RelayStatus relayed;
                while ((relayed = Pump(server)) is RelayStatus.WantServer or RelayStatus.WantClient)
                {
                    server.Channel.Connection.Interest = InterestOf(server.Channel);
                    client.Connection.Interest = InterestOf(client);
                    await _session.Signal.WaitAsync();
                    _session.ThrowIfOver();
                    _session.CancelIfLate();
                }
                if (relayed == RelayStatus.CopyIn && !await FinishCopyAsync(server))
                    continue;
                _session.StopClock();
                _fast.Finish();
            }
            catch (ServerLostException lost)
            {
                _runner.Fail(ServerLoss.Handle(_session, lost));
                _session.WriteReady();
                _session.Servers.ReleaseIdle();
            }
        }
    }

    private static Readiness InterestOf(FrameChannel channel) =>
        channel.Output.IsEmpty ? Readiness.Readable : Readiness.Readable | Readiness.Writable;

    private RelayStatus Pump(ServerConnection server)
    {
        try
        {
            return _session.Relay.Pump();
        }
        catch (IOException exception)
        {
            throw _session.Translate(exception, server);
        }
    }

    // A COPY in the extended protocol has eaten the batch's Sync: the unit then goes on until the client's next one.
    private async ValueTask<bool> FinishCopyAsync(ServerConnection server)
    {
        do
            await _runner.CopyInput.RelayAsync(server);
        while (await _session.PumpAsync(server) == RelayStatus.CopyIn);
        if (_session.Relay.ReadyCount > 0)
            return true;
        _extended.ContinueUnit(server);
        return false;
    }

    private async ValueTask HandleAsync(byte type, int length)
    {
        ReadOnlyMemory<byte> body = _session.Client.Input.Unread[Frame.HeaderLength..length].ToArray();
        _session.Client.Input.Consume(length);
        switch (type)
        {
            case FrontendMessageType.Query:
                var sql = ReadQuery(body);
                if (await _extended.TryEndUnitAsync())
                    await _simple.RunAsync(sql);
                break;
            case FrontendMessageType.FunctionCall:
                if (await _extended.TryEndUnitAsync())
                    await _runner.CallFunctionAsync(body);
                break;
            case FrontendMessageType.CopyData or FrontendMessageType.CopyDone or FrontendMessageType.CopyFail:
                // What is left of a COPY that failed, as in PostgreSQL.
                break;
            case FrontendMessageType.Password:
                throw new SessionEndedException(SessionEnd.ProtocolViolation);
            default:
                await _extended.HandleAsync(type, body);
                break;
        }
    }

    private static ReadOnlyMemory<byte> ReadQuery(ReadOnlyMemory<byte> body) => QueryMessage.TryRead(body.Span, out var query)
        ? body[..query.Sql.Length]
        : throw new SessionEndedException(SessionEnd.ProtocolViolation);

    private bool ShouldEnd(out SessionEnd reason) =>
        _session.IsEndRequested(out reason)
        && (reason != SessionEnd.Drained || (!_session.Transaction.IsOpen && _extended.IsIdle && _session.Client.Input.IsEmpty));

    private void BeforeIdle()
    {
        var client = _session.Client;
        if (_session.Servers.HeldCount > 0)
            TakeAsynchronousMessages();
        client.TryFlush();
        client.Input.Release();
        client.Output.Release();
        client.Connection.Interest = InterestOf(client);
        var limit = _session.Database.Limits.IdleInTransactionTimeout;
        if (limit > TimeSpan.Zero && _session.Transaction.IsOpen)
            _session.Signal.Deadline = Environment.TickCount64 + (long)limit.TotalMilliseconds;
    }

    private void AfterIdle()
    {
        if (_session.Signal.DeadlinePassed && _session.Transaction.IsOpen)
            throw new SessionEndedException(SessionEnd.IdleInTransaction);
        _session.StopClock();
        if (_session.Servers.HeldCount > 0)
            TakeAsynchronousMessages();
    }

    // Notifications and notices of connections that the session keeps while it is idle; also how their end is noticed.
    private void TakeAsynchronousMessages()
    {
        for (var shard = 0; shard < _session.Servers.All.Length; shard++)
        {
            if (_session.Servers.Held(shard) is not { Ledger.IsEmpty: true } server || (server.Channel.Connection.Ready & Readiness.Readable) == 0)
                continue;
            try
            {
                _session.StartRelay(server);
                _session.Relay.PumpAsynchronous();
                _session.Relay.WriteHeldParameters();
            }
            catch (IOException exception) when (_session.Translate(exception, server) is ServerLostException)
            {
                _session.Servers.Lose(server);
                _session.Transaction.Fail();
            }
        }
    }
}
