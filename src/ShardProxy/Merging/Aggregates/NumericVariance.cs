using ShardProxy.Merging.Rows;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Aggregates;

/// <summary>The variance family over integers and numerics, exact: from count, sum and sum of squares, as numeric_stddev_internal computes it.</summary>
internal sealed class NumericVariance(VarianceKind kind) : Aggregator
{
    private NumericState[] _sums = [];
    private NumericState[] _squares = [];

    public override int BytesPerGroup => 2 * NumericState.Bytes;

    private bool IsSample => kind is VarianceKind.Sample or VarianceKind.SampleDeviation;

    public override void Reserve(int count)
    {
        if (count <= _sums.Length)
            return;
        Array.Resize(ref _sums, Math.Max(count, _sums.Length * 2));
        Array.Resize(ref _squares, _sums.Length);
    }

    public override void Clear(int group) => _sums[group] = _squares[group] = default;

    public override void Add(int group, ReadOnlySpan<byte> frame, ReadOnlySpan<Field> partials)
    {
        if (partials[1].IsNull)
            return;
        var count = WireScalar.ReadInteger(ValueKind.Int64, binary: true, partials[0].In(frame));
        _sums[group].Add(count, WireScalar.ReadNumeric(binary: true, partials[1].In(frame)));
        _squares[group].Add(count, WireScalar.ReadNumeric(binary: true, partials[2].In(frame)));
    }

    public override void Write(int group, in FrameWriter row, bool binary)
    {
        var count = _sums[group].Count;
        if (count == 0 || (IsSample && count == 1))
            row.Null();
        else
            ResultWriter.WriteNumeric(row, Compute(count, _sums[group].Sum, _squares[group].Sum), binary);
    }

    private NumericValue Compute(long count, in NumericValue sum, in NumericValue squares)
    {
        // NaN and the infinities among the values.
        if (!sum.IsFinite || !squares.IsFinite)
            return NumericValue.NaN;
        var n = NumericValue.FromInteger(count);
        var scale = sum.Scale * 2;
        var numerator = (n * new NumericValue(squares.UnscaledAt(scale), scale)) - (sum * sum);
        if (numerator.Unscaled.Sign <= 0)
            return NumericValue.FromInteger(0);
        var denominator = n * NumericValue.FromInteger(IsSample ? count - 1 : count);
        var resultScale = NumericValue.DivisionScale(numerator, denominator);
        var variance = NumericValue.DivideAt(numerator, denominator, resultScale);
        return kind is VarianceKind.PopulationDeviation or VarianceKind.SampleDeviation ? variance.SquareRoot(resultScale) : variance;
    }
}
