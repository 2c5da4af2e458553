using ShardProxy.Merging;
using ShardProxy.Protocol.Framing;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>
/// What an INSERT of several rows returns, in the order in which the rows were given: each shard returns its own in that
/// order. Rows that were left out (ON CONFLICT DO NOTHING, a trigger) return nothing, and then those behind them move up.
/// </summary>
/// <param name="order">For each row given, which of the sources has it.</param>
internal sealed class OrderedRows(IReadOnlyList<ShardRows> sources, IReadOnlyList<int> order) : IRowPump
{
    private int _next;

    public long RowCount { get; private set; }

    public MergeState Pump(ByteBuffer output, int highWater, long maxRows)
    {
        for (; _next < order.Count; _next++)
        {
            if (output.Count > highWater)
                return MergeState.WantRoom;
            var source = sources[order[_next]];
            switch (source.TryNext())
            {
                case RowState.Pending:
                    return MergeState.WantRows;
                case RowState.Row:
                    output.Write(source.Frame);
                    RowCount++;
                    break;
            }
        }
        foreach (var source in sources)
        {
            switch (source.TryNext())
            {
                case RowState.Pending:
                    return MergeState.WantRows;
                case RowState.Row:
                    throw new InvalidOperationException("A shard returned more rows than it was given.");
            }
        }
        return MergeState.Done;
    }
}
