using ShardProxy.Merging;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Sessions.Spreading;

/// <summary>
/// Rows of a FETCH, which PostgreSQL computes all before it sends the first: they are held back while they are few, so that a
/// FETCH that fails says nothing but its error.
/// </summary>
/// <param name="head">What stands before them.</param>
public sealed class StagedRows(byte[] head) : IRowPump
{
    private readonly ByteBuffer _held = new();
    private IRowPump _inner = null!;
    private bool _isSent;

    public long RowCount => _inner.RowCount;

    public StagedRows Of(IRowPump inner)
    {
        _inner = inner;
        return this;
    }

    public MergeState Pump(ByteBuffer output, int highWater, long maxRows)
    {
        if (_isSent)
            return _inner.Pump(output, highWater, maxRows);
        var state = _inner.Pump(_held, highWater, maxRows);
        if (state == MergeState.WantRoom)
            Flush(output);
        return state;
    }

    /// <summary>Writes what is held back.</summary>
    public void Flush(ByteBuffer output)
    {
        if (_isSent)
            return;
        _isSent = true;
        output.Write(head);
        output.Write(_held.Unread);
        _held.Release();
    }
}
