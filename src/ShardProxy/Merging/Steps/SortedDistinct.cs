using ShardProxy.Merging.Rows;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Merging.Steps;

/// <summary>The first of each run of rows that are equal in some columns.</summary>
internal sealed class SortedDistinct(IRowSource rows, RowIdentity identity) : IRowSource
{
    private readonly ByteBuffer _current = new();
    private readonly ByteBuffer _next = new();
    private bool _any;

    public ReadOnlySpan<byte> Frame => rows.Frame;

    public RowState TryNext()
    {
        while (true)
        {
            var state = rows.TryNext();
            if (state != RowState.Row)
                return state;
            _next.Clear();
            identity.Write(rows.Frame, _next);
            if (_any && _next.Unread.SequenceEqual(_current.Unread))
                continue;
            _any = true;
            _current.Clear();
            _current.Write(_next.Unread);
            return RowState.Row;
        }
    }
}
