using ShardProxy.Merging.Rows;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Aggregates;

/// <summary>The variance family over floats: states of count, sum and sum of squared deviations, combined as float8_combine does.</summary>
internal sealed class FloatVariance(VarianceKind kind, int extraFloatDigits) : Aggregator
{
    private State[] _states = [];

    public override int BytesPerGroup => 3 * sizeof(double);

    public override void Reserve(int count)
    {
        if (count > _states.Length)
            Array.Resize(ref _states, Math.Max(count, _states.Length * 2));
    }

    public override void Clear(int group) => _states[group] = default;

    public override void Add(int group, ReadOnlySpan<byte> frame, ReadOnlySpan<Field> partials)
    {
        if (partials[1].IsNull)
            return;
        var count = (double)WireScalar.ReadInteger(ValueKind.Int64, binary: true, partials[0].In(frame));
        var sum = WireScalar.ReadFloat8(partials[1].In(frame));
        var deviations = WireScalar.ReadFloat8(partials[2].In(frame));
        ref var state = ref _states[group];
        state = state.Count == 0 ? new State(count, sum, deviations) : Combine(state, new State(count, sum, deviations));
    }

    public override void Write(int group, in FrameWriter row, bool binary)
    {
        ref readonly var state = ref _states[group];
        var isSample = kind is VarianceKind.Sample or VarianceKind.SampleDeviation;
        if (state.Count == 0 || (isSample && state.Count <= 1))
        {
            row.Null();
            return;
        }
        var variance = state.Deviations / (isSample ? state.Count - 1 : state.Count);
        var result = kind is VarianceKind.PopulationDeviation or VarianceKind.SampleDeviation ? Math.Sqrt(variance) : variance;
        ResultWriter.WriteFloat8(row, result, binary, extraFloatDigits);
    }

    private static State Combine(in State a, in State b)
    {
        var count = a.Count + b.Count;
        var sum = FloatSum.Plus(a.Sum, b.Sum, single: false);
        var difference = (a.Sum / a.Count) - (b.Sum / b.Count);
        var deviations = a.Deviations + b.Deviations + (a.Count * b.Count * difference * difference / count);
        if (double.IsInfinity(deviations) && !double.IsInfinity(a.Deviations) && !double.IsInfinity(b.Deviations))
            throw FloatSum.Overflow();
        return new State(count, sum, deviations);
    }

    private readonly record struct State(double Count, double Sum, double Deviations);
}
