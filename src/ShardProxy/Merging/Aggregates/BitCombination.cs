using ShardProxy.Merging.Rows;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Aggregates;

/// <summary>bit_and, bit_or and bit_xor of integers.</summary>
internal sealed class BitCombination(Combination combination, ValueKind kind) : Aggregator
{
    private long?[] _values = [];

    public override int BytesPerGroup => 2 * sizeof(long);

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
        var value = WireScalar.ReadInteger(kind, binary: true, partials[0].In(frame));
        _values[group] = _values[group] is not { } before
            ? value
            : combination switch
            {
                Combination.BitAnd => before & value,
                Combination.BitOr => before | value,
                _ => before ^ value,
            };
    }

    public override void Write(int group, in FrameWriter row, bool binary)
    {
        if (_values[group] is { } value)
            ResultWriter.WriteInteger(row, kind, value, binary);
        else
            row.Null();
    }
}
