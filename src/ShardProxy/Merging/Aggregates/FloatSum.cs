using ShardProxy.Merging.Rows;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Aggregates;

/// <summary>sum of floats, in their own precision.</summary>
internal sealed class FloatSum(bool single, int extraFloatDigits) : Aggregator
{
    private double[] _sums = [];
    private bool[] _any = [];

    public override int BytesPerGroup => sizeof(double) + sizeof(bool);

    /// <summary>float8_pl and float4_pl: an infinity that comes of finite values is an error.</summary>
    public static double Plus(double a, double b, bool single)
    {
        var sum = single ? (float)a + (float)b : a + b;
        return double.IsInfinity(sum) && !double.IsInfinity(a) && !double.IsInfinity(b) ? throw Overflow() : sum;
    }

    public static MergeException Overflow() => new(SqlStates.NumericValueOutOfRange, "value out of range: overflow");

    public override void Reserve(int count)
    {
        if (count <= _sums.Length)
            return;
        Array.Resize(ref _sums, Math.Max(count, _sums.Length * 2));
        Array.Resize(ref _any, _sums.Length);
    }

    public override void Clear(int group) => _any[group] = false;

    public override void Add(int group, ReadOnlySpan<byte> frame, ReadOnlySpan<Field> partials)
    {
        if (partials[0].IsNull)
            return;
        var bytes = partials[0].In(frame);
        var value = single ? WireScalar.ReadFloat4(bytes) : WireScalar.ReadFloat8(bytes);
        _sums[group] = _any[group] ? Plus(_sums[group], value, single) : value;
        _any[group] = true;
    }

    public override void Write(int group, in FrameWriter row, bool binary)
    {
        if (!_any[group])
            row.Null();
        else if (single)
            ResultWriter.WriteFloat4(row, (float)_sums[group], binary, extraFloatDigits);
        else
            ResultWriter.WriteFloat8(row, _sums[group], binary, extraFloatDigits);
    }
}
