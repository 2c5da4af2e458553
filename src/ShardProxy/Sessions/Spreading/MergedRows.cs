using ShardProxy.Merging;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Sessions.Spreading;

/// <summary>Rows by a merge.</summary>
public sealed class MergedRows(RowMerge merge) : IRowPump
{
    public long RowCount => merge.RowCount;

    public MergeState Pump(ByteBuffer output, int highWater, long maxRows) =>
        merge.Pump(output, highWater, maxRows == 0 ? 0 : maxRows - merge.RowCount);
}

/// <summary>Merged rows put into arrays, for the statement that makes the client's rows of them.</summary>
public sealed class CollectedRows(RowMerge merge, ArrayCollector arrays) : IRowPump
{
    public long RowCount => merge.RowCount;

    public MergeState Pump(ByteBuffer output, int highWater, long maxRows) => merge.Collect(arrays);
}
