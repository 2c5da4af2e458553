using ShardProxy.Merging.Rows;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Merging.Steps;

/// <summary>Of the rows that are equal in some columns the first, wherever they stand; what has come is remembered.</summary>
internal sealed class HashedDistinct(IRowSource rows, RowIdentity identity, MemoryBudget budget) : IRowSource
{
    private readonly IdentityTable _seen = new(budget);
    private readonly ByteBuffer _scratch = new();

    public ReadOnlySpan<byte> Frame => rows.Frame;

    public RowState TryNext()
    {
        while (true)
        {
            var state = rows.TryNext();
            if (state != RowState.Row)
                return state;
            _scratch.Clear();
            identity.Write(rows.Frame, _scratch);
            if (_seen.Add(_scratch.Unread, out _))
                return RowState.Row;
        }
    }
}
