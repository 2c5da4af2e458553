using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>Ends a batch of the extended protocol; answered by ReadyForQuery. It has no fields.</summary>
public readonly ref struct SyncMessage
{
    public static bool TryRead(ReadOnlySpan<byte> body, out SyncMessage message)
    {
        message = default;
        return body.IsEmpty;
    }

    public static void Write(ByteBuffer to) => FrameWriter.WriteEmpty(to, FrontendMessageType.Sync);
}
