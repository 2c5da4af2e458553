using ShardProxy.Merging.Rows;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Aggregates;

/// <summary>sum and avg whose result is numeric. Digits behind the point are those of the value that has most, as numeric_sum does it.</summary>
/// <param name="partialKind">Of the sums: int8 or numeric.</param>
/// <param name="average">There is a second partial, the count.</param>
internal sealed class NumericSum(ValueKind partialKind, bool average) : Aggregator
{
    private NumericState[] _states = [];

    public override int BytesPerGroup => NumericState.Bytes;

    public override void Reserve(int count)
    {
        if (count > _states.Length)
            Array.Resize(ref _states, Math.Max(count, _states.Length * 2));
    }

    public override void Clear(int group) => _states[group] = default;

    public override void Add(int group, ReadOnlySpan<byte> frame, ReadOnlySpan<Field> partials)
    {
        if (partials[0].IsNull)
            return;
        var bytes = partials[0].In(frame);
        var sum = partialKind == ValueKind.Int64
            ? NumericValue.FromInteger(WireScalar.ReadInteger(ValueKind.Int64, binary: true, bytes))
            : WireScalar.ReadNumeric(binary: true, bytes);
        var count = average ? WireScalar.ReadInteger(ValueKind.Int64, binary: true, partials[1].In(frame)) : 1;
        _states[group].Add(count, sum);
    }

    public override void Write(int group, in FrameWriter row, bool binary)
    {
        ref readonly var state = ref _states[group];
        if (state.Count == 0)
            row.Null();
        else
            ResultWriter.WriteNumeric(row, average ? state.Sum / NumericValue.FromInteger(state.Count) : state.Sum, binary);
    }
}
