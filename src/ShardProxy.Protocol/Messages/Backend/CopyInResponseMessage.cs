using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>The server is ready to take the data of a COPY FROM STDIN.</summary>
public readonly ref struct CopyInResponseMessage
{
    private CopyInResponseMessage(CopyShape shape) => Shape = shape;

    public CopyShape Shape { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out CopyInResponseMessage message)
    {
        var sound = CopyShape.TryRead(body, out var shape);
        message = new CopyInResponseMessage(shape);
        return sound;
    }

    public static void Write(ByteBuffer to, bool binary, int columnCount) =>
        CopyShape.Write(to, BackendMessageType.CopyInResponse, binary, columnCount);
}
