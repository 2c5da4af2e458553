using ShardProxy.Merging.Rows;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Aggregates;

/// <summary>
/// An aggregate of DISTINCT values over rows sorted by the group's keys and then by the argument. Each row's partials are of one argument at
/// most; of the rows with equal arguments the first that has a value is added (FILTER may leave a shard without one).
/// </summary>
internal sealed class DistinctValues(Aggregator inner, RowIdentity argument, int countPartial) : Aggregator
{
    private readonly ByteBuffer _current = new();
    private readonly ByteBuffer _next = new();
    private bool _hasCurrent;
    private bool _isAdded;

    public override int BytesPerGroup => inner.BytesPerGroup;

    public override void Reserve(int count) => inner.Reserve(count);

    public override void Clear(int group)
    {
        _hasCurrent = false;
        inner.Clear(group);
    }

    public override void Add(int group, ReadOnlySpan<byte> frame, ReadOnlySpan<Field> partials)
    {
        _next.Clear();
        argument.Write(frame, _next);
        if (!_hasCurrent || !_next.Unread.SequenceEqual(_current.Unread))
        {
            _current.Clear();
            _current.Write(_next.Unread);
            _hasCurrent = true;
            _isAdded = false;
        }
        if (_isAdded || IsEmpty(frame, partials))
            return;
        inner.Add(group, frame, partials);
        _isAdded = true;
    }

    public override void Write(int group, in FrameWriter row, bool binary) => inner.Write(group, row, binary);

    private bool IsEmpty(ReadOnlySpan<byte> frame, ReadOnlySpan<Field> partials)
    {
        if (countPartial < 0)
            return partials[0].IsNull;
        return partials[countPartial].IsNull || WireScalar.ReadInteger(ValueKind.Int64, binary: true, partials[countPartial].In(frame)) == 0;
    }
}
