using ShardProxy.Execution;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Sessions.Running;

/// <summary>COPY … FROM STDIN on one server: the client's data go through as bytes, however they are cut, until the client ends them or the server fails.</summary>
public sealed class CopyInput
{
    // Bytes written for a server that does not take them before the client is no longer read from.
    private const int ServerHighWater = 256 * 1024;

    private readonly Session _session;
    private int _remaining;

    public CopyInput(Session session) => _session = session;

    /// <summary>Returns when the end of the data was sent or the server has given up; the relay's pump goes on from there.</summary>
    public async ValueTask RelayAsync(ServerConnection server)
    {
        server.IsTakingCopyData = true;
        _remaining = 0;
        while (server.IsTakingCopyData)
        {
            var canWrite = server.Channel.Output.Count < ServerHighWater;
            if (canWrite && Move(server))
                continue;
            RelayStatus status;
            try
            {
                status = _session.Relay.Pump();
            }
            catch (IOException exception)
            {
                throw _session.Translate(exception, server);
            }
            // Nothing but an error can come while the server takes data; with its ReadyForQuery the COPY is over. In the
            // extended protocol the ledger is empty as soon as the error is in.
            if (status == RelayStatus.Done || _session.Relay.ErrorSeen || _session.Relay.SwallowedError is not null || _session.Relay.FatalError is not null)
            {
                server.IsTakingCopyData = false;
                break;
            }
            // The pump has sent what stood in the way; nobody else would tell of that.
            if (canWrite ? TryReceive() : server.Channel.Output.Count < ServerHighWater)
                continue;
            server.Channel.Connection.Interest = server.Channel.Output.IsEmpty ? Readiness.Readable : Readiness.Readable | Readiness.Writable;
            _session.Client.TryFlush();
            await _session.WaitAsync();
        }
        _session.Client.Input.Release();
    }

    private bool TryReceive()
    {
        try
        {
            return _session.Client.TryReceive(64 * 1024);
        }
        catch (PeerClosedException)
        {
            throw new SessionEndedException(SessionEnd.ClientGone);
        }
    }

    // Moves what has arrived: true when something was moved.
    private bool Move(ServerConnection server)
    {
        var input = _session.Client.Input;
        var data = input.Unread;
        var position = 0;
        while (server.IsTakingCopyData)
        {
            if (_remaining > 0)
            {
                var taken = Math.Min(_remaining, data.Length - position);
                position += taken;
                _remaining -= taken;
                if (_remaining > 0)
                    break;
                continue;
            }
            var status = Frame.TryRead(data[position..], _session.Client.MaxFrameLength, out var type, out var length);
            if (status == FrameStatus.Malformed)
                throw new SessionEndedException(SessionEnd.ProtocolViolation);
            if (length == 0)
                break;
            switch (type)
            {
                case FrontendMessageType.CopyData:
                    _remaining = length;
                    continue;
                case FrontendMessageType.CopyDone or FrontendMessageType.CopyFail:
                    if (status == FrameStatus.Incomplete)
                        break;
                    position += length;
                    server.IsTakingCopyData = false;
                    continue;
                case FrontendMessageType.Flush or FrontendMessageType.Sync:
                    // A server ignores them while it takes data; dropped here so that its ledger need not know.
                    if (position > 0)
                        break;
                    input.Consume(length);
                    return true;
                default:
                    if (position > 0)
                        break;
                    // As PostgreSQL: the COPY fails, and the message is then looked at again by who reads next.
                    CopyFailMessage.Write(server.Channel.Output, System.Text.Encoding.UTF8.GetBytes($"unexpected message type 0x{type:X2} during COPY from stdin"));
                    server.IsTakingCopyData = false;
                    server.Ledger.OnCopyInputSent();
                    return true;
            }
            break;
        }
        if (position == 0)
            return false;
        Send(server, data[..position]);
        input.Consume(position);
        if (!server.IsTakingCopyData)
            server.Ledger.OnCopyInputSent();
        return true;
    }

    private void Send(ServerConnection server, ReadOnlySpan<byte> bytes)
    {
        try
        {
            if (server.Channel.TryFlush())
            {
                var sent = server.Channel.Connection.TrySend(bytes);
                if (sent < 0)
                    throw new PeerClosedException(server.Channel.Connection);
                bytes = bytes[sent..];
            }
        }
        catch (IOException exception)
        {
            throw _session.Translate(exception, server);
        }
        server.Channel.Output.Write(bytes);
    }
}
