using ShardProxy.Merging.Aggregates;
using ShardProxy.Merging.Rows;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Merging.Steps;

/// <summary>Combines rows whose groups come one after the other; also all rows into one, without keys.</summary>
internal sealed class SortedGroups : IRowSource
{
    private readonly IRowSource _rows;
    private readonly GroupRows _groups;
    private readonly RowIdentity? _keys;
    private readonly ByteBuffer _current = new();
    private readonly ByteBuffer _next = new();
    private readonly ByteBuffer _firstValues = new();
    private readonly ByteBuffer _row = new();
    private bool _hasGroup;
    private bool _ended;

    /// <param name="keys">Null when all rows are one group.</param>
    public SortedGroups(IRowSource rows, GroupRows groups, RowIdentity? keys)
    {
        _rows = rows;
        _groups = groups;
        _keys = keys;
        _groups.Reserve(1);
        // The one group is there even without rows.
        _hasGroup = keys is null;
    }

    public ReadOnlySpan<byte> Frame => _row.Unread;

    public RowState TryNext()
    {
        while (!_ended)
        {
            switch (_rows.TryNext())
            {
                case RowState.Pending:
                    return RowState.Pending;
                case RowState.End:
                    _ended = true;
                    if (!_hasGroup)
                        return RowState.End;
                    _groups.Write(0, _firstValues.Unread, _row);
                    return RowState.Row;
            }
            if (AddRow(_rows.Frame))
                return RowState.Row;
        }
        return RowState.End;
    }

    // True when the row begins another group and the one before is in _row.
    private bool AddRow(ReadOnlySpan<byte> frame)
    {
        var begins = _keys is null ? _firstValues.IsEmpty : IsOtherGroup(frame);
        var completes = begins && _keys is not null && _hasGroup;
        if (completes)
            _groups.Write(0, _firstValues.Unread, _row);
        if (begins)
        {
            if (_keys is not null)
                _groups.Clear(0);
            _firstValues.Clear();
            _groups.WriteFirstValues(frame, _firstValues);
            _hasGroup = true;
        }
        _groups.Add(0, frame);
        return completes;
    }

    private bool IsOtherGroup(ReadOnlySpan<byte> frame)
    {
        _next.Clear();
        _keys!.Write(frame, _next);
        if (_hasGroup && _next.Unread.SequenceEqual(_current.Unread))
            return false;
        _current.Clear();
        _current.Write(_next.Unread);
        return true;
    }
}
