using System.Buffers.Binary;

namespace ShardProxy.Protocol.Values;

/// <summary>
/// A number that orders values before they are compared in full: where two prefixes differ, the values stand in the
/// prefixes' order.
/// </summary>
public static class ValuePrefix
{
    private const ulong SignBit = 1UL << 63;

    /// <summary>Values with equal prefixes are equal, so that nothing is left to compare.</summary>
    public static bool IsExact(ValueKind kind) => kind is ValueKind.Bool or ValueKind.Int16 or ValueKind.Int32 or ValueKind.Int64
        or ValueKind.UInt32 or ValueKind.UInt64 or ValueKind.Float4 or ValueKind.Float8;

    public static ulong Of(ValueKind kind, bool binary, ReadOnlySpan<byte> value) => kind switch
    {
        ValueKind.Int16 or ValueKind.Int32 or ValueKind.Int64 or ValueKind.UInt32 => (ulong)WireScalar.ReadInteger(kind, binary, value) ^ SignBit,
        ValueKind.Bool => WireScalar.ReadBool(binary, value) ? 1UL : 0UL,
        ValueKind.UInt64 or ValueKind.Bytes or ValueKind.FixedBytes => First(value),
        ValueKind.TrimmedBytes => First(value.TrimEnd((byte)' ')),
        ValueKind.Float4 => OfFloat(WireScalar.ReadFloat4(value)),
        ValueKind.Float8 => OfFloat(WireScalar.ReadFloat8(value)),
        ValueKind.Numeric when binary => OfNumeric(value),
        _ => 0,
    };

    private static ulong First(ReadOnlySpan<byte> value)
    {
        if (value.Length >= sizeof(ulong))
            return BinaryPrimitives.ReadUInt64BigEndian(value);
        var prefix = 0UL;
        for (var i = 0; i < value.Length; i++)
            prefix |= (ulong)value[i] << (56 - (i * 8));
        return prefix;
    }

    private static ulong OfFloat(double value)
    {
        if (double.IsNaN(value))
            return ulong.MaxValue;
        // 0 and -0 are equal.
        var bits = value == 0 ? 0 : BitConverter.DoubleToInt64Bits(value);
        return bits < 0 ? ~(ulong)bits : (ulong)bits | SignBit;
    }

    // The rank, the weight and the first two digits, 51 bits.
    private static ulong OfNumeric(ReadOnlySpan<byte> value)
    {
        if (value.Length < NumericWire.HeaderLength)
            throw WireScalar.Malformed();
        var rank = NumericOrder.Rank(value);
        var magnitude = 0UL;
        if (rank is 1 or -1)
        {
            var weight = (ulong)(BinaryPrimitives.ReadInt16BigEndian(value[NumericWire.WeightOffset..]) + 0x8000);
            magnitude = weight << 32 | First(value[NumericWire.HeaderLength..]) >> 32;
            if (rank < 0)
                magnitude = (1UL << 48) - 1 - magnitude;
        }
        return ((ulong)(rank + 2) << 48) | magnitude;
    }
}
