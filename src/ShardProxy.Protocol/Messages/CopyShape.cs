using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>The body that the three Copy…Response messages share: the format of the whole and of each column.</summary>
public readonly ref struct CopyShape
{
    private CopyShape(bool binary, FormatCodes columns)
    {
        IsBinary = binary;
        Columns = columns;
    }

    public bool IsBinary { get; }

    /// <summary>One code a column; in a textual COPY all are 0.</summary>
    public FormatCodes Columns { get; }

    internal static bool TryRead(ReadOnlySpan<byte> body, out CopyShape shape)
    {
        shape = default;
        var reader = new WireReader(body);
        if (!reader.TryReadByte(out var format) || format > 1)
            return false;
        if (!FormatCodes.TryRead(ref reader, out var columns) || !reader.AtEnd)
            return false;
        shape = new CopyShape(format == 1, columns);
        return true;
    }

    internal static void Write(ByteBuffer to, byte type, bool binary, int columnCount)
    {
        var frame = FrameWriter.Begin(to, type);
        frame.Byte(binary ? (byte)1 : (byte)0);
        frame.Count(columnCount);
        for (var i = 0; i < columnCount; i++)
            frame.Int16(binary ? (short)1 : (short)0);
        frame.End();
    }
}
