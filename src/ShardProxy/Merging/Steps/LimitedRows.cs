using ShardProxy.Merging.Rows;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Merging.Steps;

/// <summary>LIMIT, OFFSET and WITH TIES. Ends as soon as it is full, without asking for another row.</summary>
internal sealed class LimitedRows : IRowSource
{
    private readonly IRowSource _rows;
    private readonly RowOrder? _ties;
    private readonly Field[] _fields;
    private readonly Field[] _lastFields;
    private readonly ByteBuffer _last = new();
    private long _toSkip;
    private long _left;

    /// <param name="ties">Rows equal to the last one in this order come too; null without WITH TIES.</param>
    public LimitedRows(IRowSource rows, long limit, long offset, RowOrder? ties)
    {
        _rows = rows;
        _ties = limit > 0 ? ties : null;
        _fields = new Field[_ties?.KeyCount ?? 0];
        _lastFields = new Field[_fields.Length];
        _toSkip = offset;
        _left = limit;
    }

    public ReadOnlySpan<byte> Frame => _rows.Frame;

    public RowState TryNext()
    {
        while (true)
        {
            if (_left == 0 && _ties is null)
                return RowState.End;
            var state = _rows.TryNext();
            if (state != RowState.Row)
                return state;
            if (_toSkip > 0)
            {
                _toSkip--;
                continue;
            }
            if (_left == 0)
                return IsTie() ? RowState.Row : RowState.End;
            if (--_left == 0 && _ties is not null)
                Remember();
            return RowState.Row;
        }
    }

    private void Remember()
    {
        _last.Write(_rows.Frame);
        _ties!.Locate(_last.Unread, _lastFields);
    }

    private bool IsTie()
    {
        _ties!.Locate(_rows.Frame, _fields);
        return _ties.Compare(_rows.Frame, _fields, _last.Unread, _lastFields) == 0;
    }
}
