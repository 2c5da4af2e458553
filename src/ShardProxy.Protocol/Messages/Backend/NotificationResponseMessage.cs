using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>A NOTIFY on a channel that this session listens to.</summary>
public readonly ref struct NotificationResponseMessage
{
    private NotificationResponseMessage(int processId, ReadOnlySpan<byte> channel, ReadOnlySpan<byte> payload)
    {
        ProcessId = processId;
        Channel = channel;
        Payload = payload;
    }

    /// <summary>The server process that notified.</summary>
    public int ProcessId { get; }

    public ReadOnlySpan<byte> Channel { get; }

    public ReadOnlySpan<byte> Payload { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out NotificationResponseMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadInt32(out var processId) || !reader.TryReadString(out var channel))
            return false;
        if (!reader.TryReadString(out var payload) || !reader.AtEnd)
            return false;
        message = new NotificationResponseMessage(processId, channel, payload);
        return true;
    }

    public static void Write(ByteBuffer to, int processId, ReadOnlySpan<byte> channel, ReadOnlySpan<byte> payload)
    {
        var frame = FrameWriter.Begin(to, BackendMessageType.NotificationResponse);
        frame.Int32(processId);
        frame.String(channel);
        frame.String(payload);
        frame.End();
    }
}
