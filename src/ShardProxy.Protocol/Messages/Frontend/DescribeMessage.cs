using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>Asks for the parameters and columns of a statement, or the columns of a portal.</summary>
public readonly ref struct DescribeMessage
{
    private DescribeMessage(PreparedKind kind, ReadOnlySpan<byte> name)
    {
        Kind = kind;
        Name = name;
    }

    public PreparedKind Kind { get; }

    /// <summary>Empty for the unnamed one.</summary>
    public ReadOnlySpan<byte> Name { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out DescribeMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadByte(out var kind) || (PreparedKind)kind is not (PreparedKind.Statement or PreparedKind.Portal))
            return false;
        if (!reader.TryReadString(out var name) || !reader.AtEnd)
            return false;
        message = new DescribeMessage((PreparedKind)kind, name);
        return true;
    }

    public static void Write(ByteBuffer to, PreparedKind kind, ReadOnlySpan<byte> name)
    {
        var frame = FrameWriter.Begin(to, FrontendMessageType.Describe);
        frame.Byte((byte)kind);
        frame.String(name);
        frame.End();
    }
}
