using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>The value of a setting that the server reports, at login and whenever it changes.</summary>
public readonly ref struct ParameterStatusMessage
{
    private ParameterStatusMessage(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Name = name;
        Value = value;
    }

    public ReadOnlySpan<byte> Name { get; }

    public ReadOnlySpan<byte> Value { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out ParameterStatusMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadString(out var name) || !reader.TryReadString(out var value) || !reader.AtEnd)
            return false;
        message = new ParameterStatusMessage(name, value);
        return true;
    }

    public static void Write(ByteBuffer to, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var frame = FrameWriter.Begin(to, BackendMessageType.ParameterStatus);
        frame.String(name);
        frame.String(value);
        frame.End();
    }

    public static void Write(ByteBuffer to, string name, string value)
    {
        var frame = FrameWriter.Begin(to, BackendMessageType.ParameterStatus);
        frame.String(name);
        frame.String(value);
        frame.End();
    }
}
