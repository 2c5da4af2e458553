using System.Text;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>One row of a result; the formats of its values stand in the RowDescription or were asked for in the Bind.</summary>
public readonly ref struct DataRowMessage
{
    private readonly ReadOnlySpan<byte> _values;

    private DataRowMessage(int columnCount, ReadOnlySpan<byte> values)
    {
        ColumnCount = columnCount;
        _values = values;
    }

    public int ColumnCount { get; }

    public ValueCursor Columns => new(_values, ColumnCount);

    /// <summary>Walks from the first column; for several of them take <see cref="Columns"/>.</summary>
    public bool TryGetColumn(int index, out ReadOnlySpan<byte> value, out bool isNull) =>
        Columns.TryGet(index, out value, out isNull);

    public static bool TryRead(ReadOnlySpan<byte> body, out DataRowMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadUInt16(out var count) || !ValueCursor.TryMeasure(reader.Rest, count, out var length))
            return false;
        if (length != reader.Rest.Length)
            return false;
        message = new DataRowMessage(count, reader.Rest);
        return true;
    }

    /// <summary>A row to be filled value by value: exactly <paramref name="columnCount"/> calls of Value or Null, then End.</summary>
    public static FrameWriter Begin(ByteBuffer to, int columnCount)
    {
        var frame = FrameWriter.Begin(to, BackendMessageType.DataRow);
        frame.Count(columnCount);
        return frame;
    }

    /// <summary>A row in text format, as UTF-8.</summary>
    public static void Write(ByteBuffer to, params ReadOnlySpan<string?> values)
    {
        var frame = Begin(to, values.Length);
        foreach (var value in values)
        {
            if (value is null)
                frame.Null();
            else
                frame.Value(Encoding.UTF8.GetBytes(value));
        }
        frame.End();
    }
}
