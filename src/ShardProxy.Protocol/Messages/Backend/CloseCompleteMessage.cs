using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>A Close succeeded, also of what did not exist. It has no fields.</summary>
public readonly ref struct CloseCompleteMessage
{
    public static bool TryRead(ReadOnlySpan<byte> body, out CloseCompleteMessage message)
    {
        message = default;
        return body.IsEmpty;
    }

    public static void Write(ByteBuffer to) => FrameWriter.WriteEmpty(to, BackendMessageType.CloseComplete);
}
