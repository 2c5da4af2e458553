using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Pooling;

/// <summary>
/// Brings a connection that its session left in any state back to clean, off everyone's way: what still runs is
/// cancelled and drained, an open block is rolled back, what the session may have left behind is discarded. What cannot
/// be cleaned in time is closed.
/// </summary>
public static class ServerReset
{
    private const long PatienceMilliseconds = 5_000;

    /// <summary>Takes the connection over; it ends in its pool or closed. Loop's thread of the connection.</summary>
    public static void Start(ServerConnection server)
    {
        server.MoveTo(ServerState.Resetting);
        _ = RunAsync(server);
    }

    private static async Task RunAsync(ServerConnection server)
    {
        var connection = server.Channel.Connection;
        var signal = new LoopSignal(connection.Loop);
        connection.Signal = signal;
        signal.Deadline = Environment.TickCount64 + PatienceMilliseconds;
        try
        {
            if (!server.Ledger.IsEmpty)
            {
                // A COPY in progress and half a message sent cannot be ended in the protocol's terms.
                if (!server.Channel.Output.IsEmpty || server.IsTakingCopyData)
                {
                    signal.Deadline = 0;
                    server.Pool.Discard(server);
                    return;
                }
                await server.Pool.Opener.CancelAsync(server);
            }
            if (server.NeedsSync)
                server.SendSync(Disposition.Swallow);
            await DrainAsync(server);
            while (server.HasCancelInFlight)
            {
                await signal.WaitAsync();
                ThrowIfLate(signal);
            }
            if (server.TransactionStatus != (byte)TransactionStatus.Idle)
                server.SendQuery("ROLLBACK"u8, Disposition.Swallow);
            // Also the barrier behind a cancel request: a signal that came late hits this and nobody's statement. But a
            // DISCARD ALL that it hit has discarded nothing, so then the connection is closed.
            await DrainAsync(server);
            server.SendQuery(server.IsTainted ? "DISCARD ALL"u8 : ""u8, Disposition.Swallow);
            if (!await DrainAsync(server) && server.IsTainted)
            {
                signal.Deadline = 0;
                server.Pool.Discard(server);
                return;
            }
            if (server.IsTainted)
            {
                server.Prepared.Clear();
                server.Applied = SettingsSet.Empty;
                server.IsTainted = false;
            }
            signal.Deadline = 0;
            server.Pool.Release(server);
        }
        catch (Exception)
        {
            // Whatever it was, nobody else looks after this connection.
            signal.Deadline = 0;
            server.Pool.Discard(server);
        }
    }

    /// <returns>False when there was an error among the replies.</returns>
    private static async ValueTask<bool> DrainAsync(ServerConnection server)
    {
        var succeeded = true;
        await server.Channel.FlushAsync();
        while (!server.Ledger.IsEmpty)
        {
            while (server.Ledger.TryTakeMadeUp(out _))
            {
            }
            if (server.Ledger.IsEmpty)
                break;
            var (type, length) = await server.Channel.PeekFrameAsync();
            Digest(server, type, server.Channel.Input.Unread[Frame.HeaderLength..length]);
            server.Channel.Input.Consume(length);
            succeeded &= type != BackendMessageType.ErrorResponse;
        }
        return succeeded;
    }

    private static void Digest(ServerConnection server, byte type, ReadOnlySpan<byte> body)
    {
        var disposition = server.Ledger.OnMessage(type);
        if (disposition == Disposition.Violation)
            throw new MalformedFrameException(server.Channel.Connection);
        switch (type)
        {
            case BackendMessageType.ReadyForQuery when body.Length == 1:
                server.TransactionStatus = body[0];
                break;
            case BackendMessageType.ParseComplete:
                server.ConfirmParse();
                break;
            case BackendMessageType.CloseComplete when disposition == Disposition.Swallow:
                server.ConfirmClose();
                break;
            case BackendMessageType.ErrorResponse:
                server.ForgetUnconfirmed();
                break;
            case BackendMessageType.ParameterStatus when ParameterStatusMessage.TryRead(body, out var parameter):
                server.NoteParameter(parameter.Name, parameter.Value);
                break;
            case BackendMessageType.CopyInResponse:
                throw new MalformedFrameException(server.Channel.Connection);
        }
    }

    private static void ThrowIfLate(LoopSignal signal)
    {
        if (signal.DeadlinePassed)
            throw new TimeoutException();
    }
}
