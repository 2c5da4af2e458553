using ShardProxy.Merging.Rows;

namespace ShardProxy.Merging.Steps;

/// <summary>
/// Rows of sources that are each in order, in order: a heap of the sources by their next rows. Equal rows come in the
/// order of the sources. The next row is chosen when it is asked for, so a source whose row was taken is only then read.
/// </summary>
internal sealed class OrderedMerge : IRowSource
{
    private readonly IRowSource[] _sources;
    private readonly RowOrder _order;
    private readonly KeyHead[] _heads;
    private readonly Field[] _fields;

    // The first _ready of them are a heap; behind them, while the merge starts, those that have not said anything yet.
    private readonly int[] _heap;
    private readonly IChosenSource?[]? _chosen;
    private int _ready;
    private int _waiting;
    private bool _topIsTaken;

    public OrderedMerge(IReadOnlyList<IRowSource> sources, RowOrder order)
    {
        _sources = [.. sources];
        _order = order;
        _heads = new KeyHead[_sources.Length];
        _fields = new Field[_sources.Length * order.KeyCount];
        _heap = new int[_sources.Length];
        _waiting = _sources.Length;
        _chosen = Array.Exists(_sources, static source => source is IChosenSource) ? Array.ConvertAll(_sources, static source => source as IChosenSource) : null;
        for (var i = 0; i < _heap.Length; i++)
            _heap[i] = i;
    }

    public ReadOnlySpan<byte> Frame => _sources[_heap[0]].Frame;

    public RowState TryNext()
    {
        if (_waiting > 0 && !Start())
            return RowState.Pending;
        if (_topIsTaken && !Replace())
            return RowState.Pending;
        if (_ready == 0)
            return RowState.End;
        _topIsTaken = true;
        _chosen?[_heap[0]]?.Choose();
        return RowState.Row;
    }

    // Every source's first row. All are asked, so that all are waited for together.
    private bool Start()
    {
        var pending = 0;
        for (var i = 0; i < _waiting; i++)
        {
            var source = _heap[_ready + pending];
            switch (_sources[source].TryNext())
            {
                case RowState.Row:
                    Read(source);
                    // The place behind the heap becomes part of it.
                    _heap[_ready + pending] = _heap[_ready];
                    _heap[_ready++] = source;
                    break;
                case RowState.Pending:
                    pending++;
                    break;
                default:
                    _heap.AsSpan(_ready + pending + 1).CopyTo(_heap.AsSpan(_ready + pending));
                    break;
            }
        }
        _waiting = pending;
        if (pending > 0)
            return false;
        for (var i = (_ready / 2) - 1; i >= 0; i--)
            SiftDown(i);
        return true;
    }

    private bool Replace()
    {
        var source = _heap[0];
        switch (_sources[source].TryNext())
        {
            case RowState.Pending:
                return false;
            case RowState.Row:
                Read(source);
                break;
            default:
                _heap[0] = _heap[--_ready];
                break;
        }
        _topIsTaken = false;
        SiftDown(0);
        return true;
    }

    private void Read(int source)
    {
        var fields = FieldsOf(source);
        var frame = _sources[source].Frame;
        _order.Locate(frame, fields);
        _heads[source] = _order.HeadOf(frame, fields);
    }

    private void SiftDown(int at)
    {
        if (at >= _ready)
            return;
        var moving = _heap[at];
        while (true)
        {
            var child = (2 * at) + 1;
            if (child >= _ready)
                break;
            if (child + 1 < _ready && Precedes(_heap[child + 1], _heap[child]))
                child++;
            if (!Precedes(_heap[child], moving))
                break;
            _heap[at] = _heap[child];
            at = child;
        }
        _heap[at] = moving;
    }

    private bool Precedes(int a, int b)
    {
        var order = _heads[a].CompareTo(_heads[b]);
        if (order == 0 && !_order.HeadIsAll)
            order = _order.Compare(_sources[a].Frame, FieldsOf(a), _sources[b].Frame, FieldsOf(b));
        return order != 0 ? order < 0 : a < b;
    }

    private Span<Field> FieldsOf(int source) => _fields.AsSpan(source * _order.KeyCount, _order.KeyCount);
}
