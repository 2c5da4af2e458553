using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>The answer to a Describe of what returns no rows. It has no fields.</summary>
public readonly ref struct NoDataMessage
{
    public static bool TryRead(ReadOnlySpan<byte> body, out NoDataMessage message)
    {
        message = default;
        return body.IsEmpty;
    }

    public static void Write(ByteBuffer to) => FrameWriter.WriteEmpty(to, BackendMessageType.NoData);
}
