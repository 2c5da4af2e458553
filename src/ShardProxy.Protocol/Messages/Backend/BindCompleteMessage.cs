using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>A Bind succeeded. It has no fields.</summary>
public readonly ref struct BindCompleteMessage
{
    public static bool TryRead(ReadOnlySpan<byte> body, out BindCompleteMessage message)
    {
        message = default;
        return body.IsEmpty;
    }

    public static void Write(ByteBuffer to) => FrameWriter.WriteEmpty(to, BackendMessageType.BindComplete);
}
