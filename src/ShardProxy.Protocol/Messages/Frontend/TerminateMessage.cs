using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>The client says goodbye; it has no answer. It has no fields.</summary>
public readonly ref struct TerminateMessage
{
    public static bool TryRead(ReadOnlySpan<byte> body, out TerminateMessage message)
    {
        message = default;
        return body.IsEmpty;
    }

    public static void Write(ByteBuffer to) => FrameWriter.WriteEmpty(to, FrontendMessageType.Terminate);
}
