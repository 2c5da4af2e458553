using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>Ends the data of a COPY, in both directions. It has no fields.</summary>
public readonly ref struct CopyDoneMessage
{
    public static bool TryRead(ReadOnlySpan<byte> body, out CopyDoneMessage message)
    {
        message = default;
        return body.IsEmpty;
    }

    public static void Write(ByteBuffer to) => FrameWriter.WriteEmpty(to, FrontendMessageType.CopyDone);
}
