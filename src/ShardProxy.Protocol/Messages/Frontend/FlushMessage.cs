using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>Asks the server to send what it has answered so far, without ending the batch. It has no fields.</summary>
public readonly ref struct FlushMessage
{
    public static bool TryRead(ReadOnlySpan<byte> body, out FlushMessage message)
    {
        message = default;
        return body.IsEmpty;
    }

    public static void Write(ByteBuffer to) => FrameWriter.WriteEmpty(to, FrontendMessageType.Flush);
}
