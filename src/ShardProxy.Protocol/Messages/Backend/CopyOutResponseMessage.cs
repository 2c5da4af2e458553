using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>The data of a COPY TO STDOUT follow.</summary>
public readonly ref struct CopyOutResponseMessage
{
    private CopyOutResponseMessage(CopyShape shape) => Shape = shape;

    public CopyShape Shape { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out CopyOutResponseMessage message)
    {
        var sound = CopyShape.TryRead(body, out var shape);
        message = new CopyOutResponseMessage(shape);
        return sound;
    }

    public static void Write(ByteBuffer to, bool binary, int columnCount) =>
        CopyShape.Write(to, BackendMessageType.CopyOutResponse, binary, columnCount);
}
