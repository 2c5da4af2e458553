using ShardProxy.Merging.Rows;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Aggregates;

/// <summary>Adds up int8 partials: counts, and sums of smaller integers.</summary>
/// <param name="emptyIsZero">A group without a value counts 0 (count) or is null (sum).</param>
internal sealed class IntegerSum(bool emptyIsZero) : Aggregator
{
    private long[] _sums = [];
    private bool[] _any = [];

    public override int BytesPerGroup => sizeof(long) + sizeof(bool);

    public override void Reserve(int count)
    {
        if (count <= _sums.Length)
            return;
        Array.Resize(ref _sums, Math.Max(count, _sums.Length * 2));
        Array.Resize(ref _any, _sums.Length);
    }

    public override void Clear(int group)
    {
        _sums[group] = 0;
        _any[group] = false;
    }

    public override void Add(int group, ReadOnlySpan<byte> frame, ReadOnlySpan<Field> partials)
    {
        if (partials[0].IsNull)
            return;
        var value = WireScalar.ReadInteger(ValueKind.Int64, binary: true, partials[0].In(frame));
        var sum = unchecked(_sums[group] + value);
        // Both of one sign and the sum of the other.
        if (((_sums[group] ^ sum) & (value ^ sum)) < 0)
            throw new MergeException(SqlStates.NumericValueOutOfRange, "bigint out of range");
        _sums[group] = sum;
        _any[group] = true;
    }

    public override void Write(int group, in FrameWriter row, bool binary)
    {
        if (_any[group] || emptyIsZero)
            ResultWriter.WriteInteger(row, ValueKind.Int64, _sums[group], binary);
        else
            row.Null();
    }
}
