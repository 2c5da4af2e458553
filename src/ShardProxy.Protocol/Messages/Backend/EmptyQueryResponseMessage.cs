using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>Stands for CommandComplete when the query text holds no statement. It has no fields.</summary>
public readonly ref struct EmptyQueryResponseMessage
{
    public static bool TryRead(ReadOnlySpan<byte> body, out EmptyQueryResponseMessage message)
    {
        message = default;
        return body.IsEmpty;
    }

    public static void Write(ByteBuffer to) => FrameWriter.WriteEmpty(to, BackendMessageType.EmptyQueryResponse);
}
