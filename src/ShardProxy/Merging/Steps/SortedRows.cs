using ShardProxy.Merging.Rows;

namespace ShardProxy.Merging.Steps;

/// <summary>
/// Sorts all rows in memory; equal ones stay in the order in which they came. When only the first rows are wanted, no
/// more than those are kept: a heap with the last of them on top.
/// </summary>
internal sealed class SortedRows : IRowSource
{
    /// <summary>An entry, and an array's own overhead.</summary>
    private const int EntryBytes = 72;

    private readonly IRowSource _rows;
    private readonly RowOrder _order;
    private readonly MemoryBudget _budget;
    private readonly ByteArena _arena;
    private readonly long _wanted;
    private readonly Field[] _fieldsA;
    private readonly Field[] _fieldsB;
    private Entry[] _entries = new Entry[64];
    private int _count;
    private long _sequence;
    private int _next = -1;

    /// <param name="wanted">Rows from the front that will be asked for; <see cref="long.MaxValue"/> for all.</param>
    public SortedRows(IRowSource rows, RowOrder order, long wanted, MemoryBudget budget)
    {
        _rows = rows;
        _order = order;
        _wanted = wanted;
        _budget = budget;
        _arena = new ByteArena(budget);
        _fieldsA = new Field[order.KeyCount];
        _fieldsB = new Field[order.KeyCount];
    }

    public ReadOnlySpan<byte> Frame => _entries[_next].Row.Span;

    public RowState TryNext()
    {
        while (_next < 0)
        {
            switch (_rows.TryNext())
            {
                case RowState.Pending:
                    return RowState.Pending;
                case RowState.Row:
                    Keep(_rows.Frame);
                    continue;
            }
            _entries.AsSpan(0, _count).Sort(Compare);
            _next = 0;
            return _count > 0 ? RowState.Row : RowState.End;
        }
        return ++_next < _count ? RowState.Row : RowState.End;
    }

    private void Keep(ReadOnlySpan<byte> frame)
    {
        _order.Locate(frame, _fieldsA);
        var head = _order.HeadOf(frame, _fieldsA);
        if (_count < _wanted)
        {
            _budget.Charge(EntryBytes);
            if (_count == _entries.Length)
                Array.Resize(ref _entries, _count * 2);
            _entries[_count++] = new Entry(head, _sequence++, Store(frame, default));
            if (_wanted != long.MaxValue)
                SiftUp(_count - 1);
            return;
        }
        if (_wanted == 0 || !IsBeforeLast(head, frame))
            return;
        _entries[0] = new Entry(head, _sequence++, Store(frame, _entries[0].Row.Array));
        SiftDown();
    }

    // Rows that may be replaced have an array each.
    private Stored Store(ReadOnlySpan<byte> frame, byte[]? used)
    {
        if (_wanted == long.MaxValue)
            return _arena.Add(frame);
        if (used is null || used.Length < frame.Length)
        {
            _budget.Charge(frame.Length - (used?.Length ?? 0));
            used = new byte[frame.Length];
        }
        frame.CopyTo(used);
        return new Stored(used, 0, frame.Length);
    }

    // A row that is equal to the last of those kept comes behind it.
    private bool IsBeforeLast(in KeyHead head, ReadOnlySpan<byte> frame)
    {
        ref readonly var last = ref _entries[0];
        var order = head.CompareTo(last.Head);
        if (order != 0 || _order.HeadIsAll)
            return order < 0;
        _order.Locate(last.Row.Span, _fieldsB);
        return _order.Compare(frame, _fieldsA, last.Row.Span, _fieldsB) < 0;
    }

    private int Compare(Entry a, Entry b)
    {
        var order = a.Head.CompareTo(b.Head);
        if (order == 0 && !_order.HeadIsAll)
        {
            _order.Locate(a.Row.Span, _fieldsA);
            _order.Locate(b.Row.Span, _fieldsB);
            order = _order.Compare(a.Row.Span, _fieldsA, b.Row.Span, _fieldsB);
        }
        return order != 0 ? order : a.Sequence.CompareTo(b.Sequence);
    }

    private void SiftUp(int at)
    {
        while (at > 0 && Compare(_entries[at], _entries[(at - 1) / 2]) > 0)
        {
            (_entries[at], _entries[(at - 1) / 2]) = (_entries[(at - 1) / 2], _entries[at]);
            at = (at - 1) / 2;
        }
    }

    private void SiftDown()
    {
        var at = 0;
        while (true)
        {
            var child = (2 * at) + 1;
            if (child >= _count)
                return;
            if (child + 1 < _count && Compare(_entries[child + 1], _entries[child]) > 0)
                child++;
            if (Compare(_entries[child], _entries[at]) <= 0)
                return;
            (_entries[at], _entries[child]) = (_entries[child], _entries[at]);
            at = child;
        }
    }

    private readonly record struct Entry(KeyHead Head, long Sequence, Stored Row);
}
