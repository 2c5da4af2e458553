using ShardProxy.Merging;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>Keeps the rows of all shards, one shard's behind the other's; throws 54000 beyond <paramref name="maxBytes"/>.</summary>
internal sealed class CollectedValues(IReadOnlyList<ShardRows> sources, long maxBytes) : IRowPump
{
    private long _bytes;
    private int _next;

    public List<byte[]?[]> Rows { get; } = [];

    /// <summary>For each row, the shard that gave it.</summary>
    public List<int> Shards { get; } = [];

    public long RowCount => Rows.Count;

    public MergeState Pump(ByteBuffer output, int highWater, long maxRows)
    {
        for (; _next < sources.Count; _next++)
        {
            var source = sources[_next];
            RowState state;
            while ((state = source.TryNext()) == RowState.Row)
                Keep(source);
            if (state == RowState.Pending)
                return MergeState.WantRows;
        }
        return MergeState.Done;
    }

    private void Keep(ShardRows source)
    {
        _bytes += source.Frame.Length;
        if (_bytes > maxBytes)
        {
            throw new SqlErrorException(
                "54000",
                "the rows of the statement that move between shards are more than limits.merge_bytes allows to be held",
                "Do it in parts, by ranges of a column, or raise limits.merge_bytes.");
        }
        DataRowMessage.TryRead(source.Frame[Frame.HeaderLength..], out var row);
        var values = new byte[]?[row.ColumnCount];
        for (var column = 0; column < values.Length; column++)
            values[column] = row.TryGetColumn(column, out var value, out var isNull) && !isNull ? value.ToArray() : null;
        Rows.Add(values);
        Shards.Add(source.Server.Shard);
    }
}
