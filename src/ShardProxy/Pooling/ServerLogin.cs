using System.Text;
using ShardProxy.Protocol.Authentication;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Pooling;

/// <summary>
/// The client's role in a login, on a connection whose TLS is settled: the start-up packet, answers to what the server
/// asks, and everything up to the first ReadyForQuery. Runs on the connection's loop; the caller sets the signal and
/// its deadline.
/// </summary>
public static class ServerLogin
{
    /// <param name="startupParameters">Besides user and database.</param>
    /// <param name="channelBinding">tls-server-end-point data of the connection; null without TLS or where its certificate defines none.</param>
    /// <exception cref="ServerLoginException">The server refused, or is not to be trusted.</exception>
    /// <exception cref="PeerClosedException"/>
    /// <exception cref="MalformedFrameException"/>
    /// <exception cref="TimeoutException">The signal's deadline passed.</exception>
    public static async Task<ServerGreeting> RunAsync(
        FrameChannel channel,
        ServerCredentials credentials,
        string database,
        IReadOnlyList<KeyValuePair<string, string>> startupParameters,
        byte[]? channelBinding = null)
    {
        StartupPacket.WriteStartup(
            channel.Output,
            StartupPacket.Version30,
            [new("user", credentials.User), new("database", database), .. startupParameters]);
        await channel.FlushAsync();

        var authentication = new ServerAuthentication(credentials, channelBinding);
        var processId = 0;
        byte[] cancelKey = [];
        var parameters = new List<KeyValuePair<string, string>>();
        while (true)
        {
            var (type, length) = await channel.PeekFrameAsync();
            switch (type)
            {
                case BackendMessageType.Authentication when !authentication.IsDone:
                    authentication.Answer(Body(channel, length), channel.Output);
                    break;
                case BackendMessageType.ParameterStatus:
                    parameters.Add(ReadParameter(Body(channel, length)));
                    break;
                case BackendMessageType.BackendKeyData when authentication.IsDone:
                    (processId, cancelKey) = ReadKey(Body(channel, length));
                    break;
                case BackendMessageType.ErrorResponse:
                    throw new ServerLoginException(ReadError(Body(channel, length)));
                case BackendMessageType.ReadyForQuery when authentication.IsDone:
                    channel.Input.Consume(length);
                    return new ServerGreeting(processId, cancelKey, parameters);
                case BackendMessageType.NoticeResponse:
                // A server that knows only older minor versions says so; this one was asked for the oldest.
                case BackendMessageType.NegotiateProtocolVersion:
                    break;
                default:
                    throw Unexpected();
            }
            channel.Input.Consume(length);
            await channel.FlushAsync();
        }
    }

    internal static ServerLoginException Unexpected() =>
        new(new ServerError(SqlStates.ProtocolViolation, "the server sent an unexpected or malformed message during login"));

    private static ReadOnlySpan<byte> Body(FrameChannel channel, int length) => channel.Input.Unread[Frame.HeaderLength..length];

    private static KeyValuePair<string, string> ReadParameter(ReadOnlySpan<byte> body)
    {
        if (!ParameterStatusMessage.TryRead(body, out var message))
            throw Unexpected();
        return new(Encoding.UTF8.GetString(message.Name), Encoding.UTF8.GetString(message.Value));
    }

    private static (int ProcessId, byte[] Key) ReadKey(ReadOnlySpan<byte> body)
    {
        if (!BackendKeyDataMessage.TryRead(body, out var message))
            throw Unexpected();
        return (message.ProcessId, message.Key.ToArray());
    }

    private static ServerError ReadError(ReadOnlySpan<byte> body) =>
        ErrorResponseMessage.TryRead(body, out var message) ? ServerError.From(message.Fields) : throw Unexpected();
}
