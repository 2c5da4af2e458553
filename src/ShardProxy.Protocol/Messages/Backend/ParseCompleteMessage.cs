using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>A Parse succeeded. It has no fields.</summary>
public readonly ref struct ParseCompleteMessage
{
    public static bool TryRead(ReadOnlySpan<byte> body, out ParseCompleteMessage message)
    {
        message = default;
        return body.IsEmpty;
    }

    public static void Write(ByteBuffer to) => FrameWriter.WriteEmpty(to, BackendMessageType.ParseComplete);
}
