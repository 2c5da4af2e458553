using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>Chooses a SASL mechanism and carries the client's first message of it.</summary>
public readonly ref struct SaslInitialResponseMessage
{
    private SaslInitialResponseMessage(ReadOnlySpan<byte> mechanism, bool hasData, ReadOnlySpan<byte> data)
    {
        Mechanism = mechanism;
        HasData = hasData;
        Data = data;
    }

    public ReadOnlySpan<byte> Mechanism { get; }

    /// <summary>False when the client sent no first message (length -1), which SCRAM does not allow.</summary>
    public bool HasData { get; }

    public ReadOnlySpan<byte> Data { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out SaslInitialResponseMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadString(out var mechanism) || !reader.TryReadInt32(out var length) || length < -1)
            return false;
        if (!reader.TryReadBytes(Math.Max(0, length), out var data) || !reader.AtEnd)
            return false;
        message = new SaslInitialResponseMessage(mechanism, length >= 0, data);
        return true;
    }

    public static void Write(ByteBuffer to, ReadOnlySpan<byte> mechanism, ReadOnlySpan<byte> data)
    {
        var frame = FrameWriter.Begin(to, FrontendMessageType.Password);
        frame.String(mechanism);
        frame.Value(data);
        frame.End();
    }
}
