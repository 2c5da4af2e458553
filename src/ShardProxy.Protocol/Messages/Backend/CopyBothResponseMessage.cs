using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>Both sides stream (replication).</summary>
public readonly ref struct CopyBothResponseMessage
{
    private CopyBothResponseMessage(CopyShape shape) => Shape = shape;

    public CopyShape Shape { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out CopyBothResponseMessage message)
    {
        var sound = CopyShape.TryRead(body, out var shape);
        message = new CopyBothResponseMessage(shape);
        return sound;
    }

    public static void Write(ByteBuffer to, bool binary, int columnCount) =>
        CopyShape.Write(to, BackendMessageType.CopyBothResponse, binary, columnCount);
}
