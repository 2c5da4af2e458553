using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>The client gives up a COPY FROM STDIN; the server answers with an error that quotes the reason.</summary>
public readonly ref struct CopyFailMessage
{
    private CopyFailMessage(ReadOnlySpan<byte> reason) => Reason = reason;

    public ReadOnlySpan<byte> Reason { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out CopyFailMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadString(out var reason) || !reader.AtEnd)
            return false;
        message = new CopyFailMessage(reason);
        return true;
    }

    public static void Write(ByteBuffer to, ReadOnlySpan<byte> reason)
    {
        var frame = FrameWriter.Begin(to, FrontendMessageType.CopyFail);
        frame.String(reason);
        frame.End();
    }
}
