using ShardProxy.Merging.Rows;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Aggregates;

/// <summary>bool_and, every and bool_or.</summary>
internal sealed class Truth(bool or) : Aggregator
{
    private bool?[] _values = [];

    public override int BytesPerGroup => 2;

    public override void Reserve(int count)
    {
        if (count > _values.Length)
            Array.Resize(ref _values, Math.Max(count, _values.Length * 2));
    }

    public override void Clear(int group) => _values[group] = null;

    public override void Add(int group, ReadOnlySpan<byte> frame, ReadOnlySpan<Field> partials)
    {
        if (partials[0].IsNull)
            return;
        var value = WireScalar.ReadBool(binary: true, partials[0].In(frame));
        _values[group] = _values[group] is not { } before ? value : or ? before | value : before & value;
    }

    public override void Write(int group, in FrameWriter row, bool binary)
    {
        if (_values[group] is { } value)
            ResultWriter.WriteBool(row, value, binary);
        else
            row.Null();
    }
}
