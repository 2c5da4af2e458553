using System.Runtime.ExceptionServices;
using ShardProxy.Execution;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;
using ShardProxy.Transport;

namespace ShardProxy.Sessions;

/// <summary>
/// The corridor of a logged-in client: the fast loop serves what is simple, and what is not comes here, one message after
/// the other.
/// </summary>
public sealed class SessionLoop
{
    private readonly Session _session;
    private readonly FastLoop _fast;
    private SessionHandlers? _handlers;

    public SessionLoop(Session session)
    {
        _session = session;
        _fast = new FastLoop(session);
        session.Loop = _fast;
    }

    private SessionHandlers Handlers => _handlers ??= new SessionHandlers(_session);

    /// <summary>Runs until the client leaves or the session must end; the caller, on whose loop it ends, closes the connection.</summary>
    public async Task<SessionEnd> RunAsync()
    {
        var home = _session.Signal.Loop;
        SessionEnd? end = null;
        ExceptionDispatchInfo? fault = null;
        try
        {
            // Awaited here and nowhere deeper: only in this method may the loop be another one after an await.
            while (end is null)
            {
                FastStop stop;
                try
                {
                    stop = await _fast.ServeAsync();
                }
                catch (ServerLostException lost)
                {
                    OnServerLost(lost);
                    continue;
                }
                end = await TakeAsync(stop);
                Rest();
            }
        }
        catch (SessionEndedException exception)
        {
            end = exception.Reason;
        }
        catch (PeerClosedException exception) when (ReferenceEquals(exception.Connection, _session.Client.Connection))
        {
            end = SessionEnd.ClientGone;
        }
        catch (Exception exception)
        {
            fault = ExceptionDispatchInfo.Capture(exception);
        }
        _session.StopProbe();
        _session.Servers.ReleaseAll();
        await SessionMove.To(_session, home);
        fault?.Throw();
        return end!.Value;
    }

    // In a block the handlers are kept, since the next message most likely needs them again.
    private void Rest()
    {
        if (_handlers is not { } handlers)
            return;
        _fast.IsUnitOpen = !handlers.Extended.IsIdle;
        if (!_fast.IsUnitOpen && !_session.Transaction.IsOpen)
            _handlers = null;
    }

    private async ValueTask<SessionEnd?> TakeAsync(FastStop stop)
    {
        switch (stop)
        {
            case FastStop.Malformed:
                return SessionEnd.ProtocolViolation;
            case FastStop.ClientGone:
                return SessionEnd.ClientGone;
            case FastStop.EndRequested:
                _session.IsEndRequested(out var reason);
                return reason;
            case FastStop.CopyIn:
                try
                {
                    if (await FinishCopyAsync(_fast.Server!))
                        _fast.Finish();
                }
                catch (ServerLostException lost)
                {
                    OnServerLost(lost);
                }
                return null;
        }
        if (_fast.MessageType == FrontendMessageType.Terminate)
            return SessionEnd.Terminated;
        await HandleAsync(_fast.MessageType, _fast.MessageLength);
        return null;
    }

    private void OnServerLost(ServerLostException lost)
    {
        Handlers.Runner.Fail(ServerLoss.Handle(_session, lost));
        _session.WriteReady();
        _session.Servers.ReleaseIdle();
    }

    // A COPY in the extended protocol has eaten the batch's Sync: the unit then goes on until the client's next one.
    private async ValueTask<bool> FinishCopyAsync(ServerConnection server)
    {
        do
            await Handlers.Runner.CopyInput.RelayAsync(server);
        while (await _session.PumpAsync(server) == RelayStatus.CopyIn);
        if (_session.Relay.ReadyCount > 0)
            return true;
        Handlers.Extended.ContinueUnit(server);
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
                if (await Handlers.Extended.TryEndUnitAsync())
                    await Handlers.Simple.RunAsync(sql);
                break;
            case FrontendMessageType.FunctionCall:
                if (await Handlers.Extended.TryEndUnitAsync())
                    await Handlers.Runner.CallFunctionAsync(body);
                break;
            case FrontendMessageType.CopyData or FrontendMessageType.CopyDone or FrontendMessageType.CopyFail:
                // What is left of a COPY that failed, as in PostgreSQL.
                break;
            case FrontendMessageType.Password:
                throw new SessionEndedException(SessionEnd.ProtocolViolation);
            default:
                await Handlers.Extended.HandleAsync(type, body);
                break;
        }
    }

    private static ReadOnlyMemory<byte> ReadQuery(ReadOnlyMemory<byte> body) => QueryMessage.TryRead(body.Span, out var query)
        ? body[..query.Sql.Length]
        : throw new SessionEndedException(SessionEnd.ProtocolViolation);
}
