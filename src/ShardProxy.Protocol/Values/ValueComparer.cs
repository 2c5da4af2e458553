using System.Buffers.Binary;

namespace ShardProxy.Protocol.Values;

/// <summary>
/// Compares two values of a kind, both in the same format and neither null, as the type's btree operator class does.
/// Strings are under a bytewise collation.
/// </summary>
public static class ValueComparer
{
    public static int Compare(ValueKind kind, bool binary, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        switch (kind)
        {
            case ValueKind.Int16 or ValueKind.Int32 or ValueKind.Int64 or ValueKind.UInt32:
                return WireScalar.ReadInteger(kind, binary, a).CompareTo(WireScalar.ReadInteger(kind, binary, b));
            case ValueKind.Bool:
                return WireScalar.ReadBool(binary, a).CompareTo(WireScalar.ReadBool(binary, b));
            case ValueKind.Bytes or ValueKind.FixedBytes or ValueKind.UInt64:
                return a.SequenceCompareTo(b);
            case ValueKind.TrimmedBytes:
                return a.TrimEnd((byte)' ').SequenceCompareTo(b.TrimEnd((byte)' '));
            case ValueKind.Float4:
                return CompareFloats(WireScalar.ReadFloat4(a), WireScalar.ReadFloat4(b));
            case ValueKind.Float8:
                return CompareFloats(WireScalar.ReadFloat8(a), WireScalar.ReadFloat8(b));
            case ValueKind.Numeric:
                return binary ? NumericOrder.CompareBinary(a, b) : NumericOrder.CompareText(a, b);
            case ValueKind.TimeTz:
                return CompareTimes(a, b);
            case ValueKind.Interval:
                return WireScalar.ReadIntervalSpan(a).CompareTo(WireScalar.ReadIntervalSpan(b));
            case ValueKind.Bits:
                return CompareBits(a, b);
            default:
                throw new ArgumentOutOfRangeException(nameof(kind));
        }
    }

    // NaN is greater than every number and equal to itself; 0 and -0 are equal.
    private static int CompareFloats(double a, double b)
    {
        if (double.IsNaN(a) || double.IsNaN(b))
            return double.IsNaN(a).CompareTo(double.IsNaN(b));
        return a < b ? -1 : a > b ? 1 : 0;
    }

    private static int CompareTimes(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        var (momentA, zoneA) = WireScalar.ReadTimeTz(a);
        var (momentB, zoneB) = WireScalar.ReadTimeTz(b);
        return momentA != momentB ? momentA.CompareTo(momentB) : zoneA.CompareTo(zoneB);
    }

    // The length in bits stands before the bits.
    private static int CompareBits(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        var shared = Math.Min(a.Length, b.Length) - sizeof(int);
        if (shared < 0)
            throw WireScalar.Malformed();
        var order = a.Slice(sizeof(int), shared).SequenceCompareTo(b.Slice(sizeof(int), shared));
        return order != 0 ? order : BinaryPrimitives.ReadInt32BigEndian(a).CompareTo(BinaryPrimitives.ReadInt32BigEndian(b));
    }
}
