using System.Buffers.Binary;
using ShardProxy.Merging;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Tests.Merging;

/// <summary>Rows of binary int8 columns, as shards would send them and as a merge gives them.</summary>
internal static class MergeRows
{
    public static readonly RowColumn Visible = new(TypeOid.Int8, 0);
    public static readonly RowColumn Hidden = RowColumn.Hidden(TypeOid.Int8);

    public static MergeBinding Binding(long? limit = null, long offset = 0, long maxBytes = 1 << 24) =>
        new() { Formats = [1], Limit = limit, Offset = offset, MaxBytes = maxBytes };

    public static byte[] Frame(params ReadOnlySpan<long?> values)
    {
        var buffer = new ByteBuffer();
        var row = DataRowMessage.Begin(buffer, values.Length);
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        foreach (var value in values)
        {
            if (value is null)
            {
                row.Null();
                continue;
            }
            BinaryPrimitives.WriteInt64BigEndian(bytes, value.Value);
            row.Value(bytes);
        }
        row.End();
        return buffer.Unread.ToArray();
    }

    /// <summary>Pumps to the end in small portions.</summary>
    public static List<long?[]> Run(MergeSpec spec, MergeBinding binding, params IRowSource[] sources)
    {
        var merge = new RowMerge(spec, binding, sources);
        var output = new ByteBuffer();
        var rows = new List<long?[]>();
        while (true)
        {
            var state = merge.Pump(output, highWater: 64);
            Take(output, rows);
            if (state == MergeState.Done)
                return rows;
        }
    }

    public static void Take(ByteBuffer output, List<long?[]> rows)
    {
        while (ShardProxy.Protocol.Framing.Frame.TryRead(output.Unread, int.MaxValue, out _, out var length) == FrameStatus.Complete)
        {
            DataRowMessage.TryRead(output.Unread[ShardProxy.Protocol.Framing.Frame.HeaderLength..length], out var row).ShouldBeTrue();
            var values = new long?[row.ColumnCount];
            for (var i = 0; i < values.Length; i++)
            {
                row.TryGetColumn(i, out var value, out var isNull);
                values[i] = isNull ? null : BinaryPrimitives.ReadInt64BigEndian(value);
            }
            rows.Add(values);
            output.Consume(length);
        }
        output.IsEmpty.ShouldBeTrue();
    }

    public static MergeSpec Ordered(params ReadOnlySpan<SortKey> keys) => new([Visible, Hidden], VisibleCount: 2) { Order = [.. keys] };
}
