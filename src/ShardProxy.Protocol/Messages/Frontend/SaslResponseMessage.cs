using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>A later message of the client in a SASL exchange; the whole body is the mechanism's.</summary>
public readonly ref struct SaslResponseMessage
{
    private SaslResponseMessage(ReadOnlySpan<byte> data) => Data = data;

    public ReadOnlySpan<byte> Data { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out SaslResponseMessage message)
    {
        message = new SaslResponseMessage(body);
        return true;
    }

    public static void Write(ByteBuffer to, ReadOnlySpan<byte> data)
    {
        var frame = FrameWriter.Begin(to, FrontendMessageType.Password);
        frame.Bytes(data);
        frame.End();
    }
}
