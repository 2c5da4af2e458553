using ShardProxy.Merging.Rows;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Aggregates;

/// <summary>avg of floats, from sums and counts.</summary>
internal sealed class FloatAverage(int extraFloatDigits) : Aggregator
{
    private double[] _sums = [];
    private long[] _counts = [];

    public override int BytesPerGroup => sizeof(double) + sizeof(long);

    public override void Reserve(int count)
    {
        if (count <= _sums.Length)
            return;
        Array.Resize(ref _sums, Math.Max(count, _sums.Length * 2));
        Array.Resize(ref _counts, _sums.Length);
    }

    public override void Clear(int group) => _sums[group] = _counts[group] = 0;

    public override void Add(int group, ReadOnlySpan<byte> frame, ReadOnlySpan<Field> partials)
    {
        if (partials[0].IsNull)
            return;
        // float8_accum begins with 0, so that -0 alone is 0.
        _sums[group] = FloatSum.Plus(_sums[group], WireScalar.ReadFloat8(partials[0].In(frame)), single: false);
        _counts[group] += WireScalar.ReadInteger(ValueKind.Int64, binary: true, partials[1].In(frame));
    }

    public override void Write(int group, in FrameWriter row, bool binary)
    {
        if (_counts[group] == 0)
            row.Null();
        else
            ResultWriter.WriteFloat8(row, _sums[group] / _counts[group], binary, extraFloatDigits);
    }
}
