using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>An Execute stopped at its row limit; the portal has more. It has no fields.</summary>
public readonly ref struct PortalSuspendedMessage
{
    public static bool TryRead(ReadOnlySpan<byte> body, out PortalSuspendedMessage message)
    {
        message = default;
        return body.IsEmpty;
    }

    public static void Write(ByteBuffer to) => FrameWriter.WriteEmpty(to, BackendMessageType.PortalSuspended);
}
