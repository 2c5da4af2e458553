using System.Buffers.Binary;
using ShardProxy.Merging;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Benchmarks.Merging;

/// <summary>One shard's rows, all there already: two int8 columns in binary, the key ascending in steps of the number of shards.</summary>
internal sealed class RowsInMemory(byte[] rows) : IRowSource
{
    private int _start;
    private int _end;

    public ReadOnlySpan<byte> Frame => rows.AsSpan(_start, _end - _start);

    public RowState TryNext()
    {
        _start = _end;
        if (_start == rows.Length)
            return RowState.End;
        _end = _start + 1 + BinaryPrimitives.ReadInt32BigEndian(rows.AsSpan(_start + 1));
        return RowState.Row;
    }

    /// <param name="first">Key of the first row.</param>
    /// <param name="step">From a key to the next.</param>
    /// <param name="repeat">Rows with the same key.</param>
    public static byte[] Create(int count, int first, int step, int repeat = 1)
    {
        var buffer = new ByteBuffer();
        Span<byte> value = stackalloc byte[sizeof(long)];
        for (var row = 0; row < count; row++)
        {
            var frame = FrameWriter.Begin(buffer, (byte)'D');
            frame.Count(2);
            BinaryPrimitives.WriteInt64BigEndian(value, first + ((long)step * (row / repeat)));
            frame.Value(value);
            BinaryPrimitives.WriteInt64BigEndian(value, row);
            frame.Value(value);
            frame.End();
        }
        return buffer.Unread.ToArray();
    }
}
