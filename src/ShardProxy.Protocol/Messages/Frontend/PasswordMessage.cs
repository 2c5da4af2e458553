using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>The answer to a cleartext or MD5 password request.</summary>
public readonly ref struct PasswordMessage
{
    private PasswordMessage(ReadOnlySpan<byte> text) => Text = text;

    public ReadOnlySpan<byte> Text { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out PasswordMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadString(out var text) || !reader.AtEnd)
            return false;
        message = new PasswordMessage(text);
        return true;
    }

    public static void Write(ByteBuffer to, ReadOnlySpan<byte> text)
    {
        var frame = FrameWriter.Begin(to, FrontendMessageType.Password);
        frame.String(text);
        frame.End();
    }
}
