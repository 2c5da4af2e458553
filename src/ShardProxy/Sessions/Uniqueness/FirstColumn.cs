using ShardProxy.Merging;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Uniqueness;

/// <summary>Keeps the first column of the rows of the proxy's own calls; the client gets none of them.</summary>
internal sealed class FirstColumn(IReadOnlyList<ShardRows> sources) : IRowPump
{
    private int _next;

    /// <summary>Without NULLs.</summary>
    public List<byte[]> Values { get; } = [];

    public long RowCount => 0;

    public MergeState Pump(ByteBuffer output, int highWater, long maxRows)
    {
        for (; _next < sources.Count; _next++)
        {
            var source = sources[_next];
            RowState state;
            while ((state = source.TryNext()) == RowState.Row)
            {
                if (DataRowMessage.TryRead(source.Frame[Frame.HeaderLength..], out var row) && row.TryGetColumn(0, out var value, out var isNull) && !isNull)
                    Values.Add(value.ToArray());
            }
            if (state == RowState.Pending)
                return MergeState.WantRows;
        }
        return MergeState.Done;
    }
}
