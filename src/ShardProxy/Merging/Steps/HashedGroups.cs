using ShardProxy.Merging.Aggregates;
using ShardProxy.Merging.Rows;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Merging.Steps;

/// <summary>Combines rows whose groups come in any order; all groups are kept until the last row has come.</summary>
internal sealed class HashedGroups : IRowSource
{
    private readonly IRowSource _rows;
    private readonly GroupRows _groups;
    private readonly RowIdentity _keys;
    private readonly MemoryBudget _budget;
    private readonly IdentityTable _table;
    private readonly ByteArena _arena;
    private readonly ByteBuffer _scratch = new();
    private Stored[] _firstValues = new Stored[128];
    private int _written;
    private bool _ended;

    public HashedGroups(IRowSource rows, GroupRows groups, RowIdentity keys, MemoryBudget budget)
    {
        _rows = rows;
        _groups = groups;
        _keys = keys;
        _budget = budget;
        _table = new IdentityTable(budget);
        _arena = new ByteArena(budget);
    }

    public ReadOnlySpan<byte> Frame => _scratch.Unread;

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
                    break;
                default:
                    AddRow(_rows.Frame);
                    break;
            }
        }
        if (_written == _table.Count)
            return RowState.End;
        _groups.Write(_written, _firstValues[_written].Span, _scratch);
        _written++;
        return RowState.Row;
    }

    private void AddRow(ReadOnlySpan<byte> frame)
    {
        _scratch.Clear();
        _keys.Write(frame, _scratch);
        if (_table.Add(_scratch.Unread, out var group))
        {
            _budget.Charge(_groups.BytesPerGroup + 24);
            _groups.Reserve(group + 1);
            if (group == _firstValues.Length)
                Array.Resize(ref _firstValues, group * 2);
            _scratch.Clear();
            _groups.WriteFirstValues(frame, _scratch);
            _firstValues[group] = _arena.Add(_scratch.Unread);
        }
        _groups.Add(group, frame);
    }
}
