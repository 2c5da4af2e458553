using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>A piece of a COPY's data, in both directions. A client may cut its pieces anywhere; a server sends a row in each.</summary>
public readonly ref struct CopyDataMessage
{
    private CopyDataMessage(ReadOnlySpan<byte> data) => Data = data;

    public ReadOnlySpan<byte> Data { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out CopyDataMessage message)
    {
        message = new CopyDataMessage(body);
        return true;
    }

    public static void Write(ByteBuffer to, ReadOnlySpan<byte> data)
    {
        var frame = FrameWriter.Begin(to, FrontendMessageType.CopyData);
        frame.Bytes(data);
        frame.End();
    }
}
