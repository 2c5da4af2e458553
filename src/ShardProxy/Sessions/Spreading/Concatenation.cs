using ShardProxy.Merging;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Sessions.Spreading;

/// <summary>The rows of all shards in no order: from whichever has some, copied as they are.</summary>
public sealed class Concatenation(IReadOnlyList<IRowSource> sources) : IRowPump
{
    // Rows of one shard at a time, so that none waits long behind the others.
    private const int Turn = 256;

    private readonly List<IRowSource> _left = [.. sources];
    private int _next;

    public long RowCount { get; private set; }

    public MergeState Pump(ByteBuffer output, int highWater, long maxRows)
    {
        var pending = 0;
        while (_left.Count > 0 && pending < _left.Count)
        {
            _next %= _left.Count;
            var source = _left[_next];
            var state = RowState.Row;
            for (var taken = 0; taken < Turn; taken++)
            {
                if (maxRows > 0 && RowCount == maxRows)
                    return MergeState.Suspended;
                if (output.Count > highWater)
                    return MergeState.WantRoom;
                state = source.TryNext();
                if (state != RowState.Row)
                    break;
                output.Write(source.Frame);
                RowCount++;
            }
            if (state == RowState.End)
            {
                _left.RemoveAt(_next);
                pending = 0;
                continue;
            }
            pending = state == RowState.Pending ? pending + 1 : 0;
            _next++;
        }
        return _left.Count == 0 ? MergeState.Done : MergeState.WantRows;
    }
}
