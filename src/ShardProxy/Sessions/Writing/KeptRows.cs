using ShardProxy.Merging;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>Keeps the messages of rows until it is known that the statement that gives them stands; throws 54000 beyond <paramref name="maxBytes"/>.</summary>
internal sealed class KeptRows(IRowPump rows, long maxBytes) : IRowPump
{
    private readonly ByteBuffer _kept = new();

    public ReadOnlySpan<byte> Messages => _kept.Unread;

    public long RowCount => rows.RowCount;

    public MergeState Pump(ByteBuffer output, int highWater, long maxRows)
    {
        var state = rows.Pump(_kept, int.MaxValue, maxRows);
        return _kept.Count <= maxBytes
            ? state
            : throw new SqlErrorException(SqlStates.ProgramLimitExceeded, "what the statement returns is more than limits.merge_bytes allows to be held", "Insert fewer rows at a time.");
    }
}
