using System.Buffers.Binary;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Values;

/// <summary>
/// Writes values so that two of one kind and format have the same bytes exactly if PostgreSQL takes them for equal.
/// Strings are under a deterministic collation. Every value is preceded by its length, null by one of its own, so that
/// values can stand one behind the other.
/// </summary>
public static class CanonicalValue
{
    private const int Null = -1;

    public static void WriteNull(ByteBuffer to) => WriteLength(to, Null);

    public static void Write(ValueKind kind, bool binary, ReadOnlySpan<byte> value, ByteBuffer to)
    {
        switch (kind)
        {
            case ValueKind.TrimmedBytes:
                WriteBytes(to, value.TrimEnd((byte)' '));
                break;
            case ValueKind.Float4:
                WriteBits(to, BitsOf(WireScalar.ReadFloat4(value)));
                break;
            case ValueKind.Float8:
                WriteBits(to, BitsOf(WireScalar.ReadFloat8(value)));
                break;
            case ValueKind.Numeric when binary:
                WriteNumeric(to, value);
                break;
            case ValueKind.Numeric:
                WriteNumericText(to, value);
                break;
            case ValueKind.Interval:
                WriteSpan(to, WireScalar.ReadIntervalSpan(value));
                break;
            case ValueKind.None:
                throw new ArgumentOutOfRangeException(nameof(kind));
            default:
                // One value, one representation; equality of a timetz minds the zone.
                WriteBytes(to, value);
                break;
        }
    }

    private static long BitsOf(double value) =>
        double.IsNaN(value) ? BitConverter.DoubleToInt64Bits(double.NaN) : value == 0 ? 0 : BitConverter.DoubleToInt64Bits(value);

    private static void WriteBits(ByteBuffer to, long bits)
    {
        WriteLength(to, sizeof(long));
        BinaryPrimitives.WriteInt64LittleEndian(to.GetSpan(sizeof(long)), bits);
        to.Advance(sizeof(long));
    }

    private static void WriteSpan(ByteBuffer to, Int128 span)
    {
        const int Size = 16;
        WriteLength(to, Size);
        BinaryPrimitives.WriteInt128LittleEndian(to.GetSpan(Size), span);
        to.Advance(Size);
    }

    // All but the scale.
    private static void WriteNumeric(ByteBuffer to, ReadOnlySpan<byte> value)
    {
        if (value.Length < NumericWire.HeaderLength)
            throw WireScalar.Malformed();
        WriteLength(to, value.Length - sizeof(short));
        to.Write(value[..NumericWire.ScaleOffset]);
        to.Write(value[NumericWire.HeaderLength..]);
    }

    private static void WriteNumericText(ByteBuffer to, ReadOnlySpan<byte> value)
    {
        var rank = NumericOrder.TextRank(value);
        if (rank is not (1 or -1))
        {
            WriteBytes(to, [(byte)(rank + 2)]);
            return;
        }
        NumericOrder.Split(value, out var whole, out var fraction);
        WriteLength(to, whole.Length + fraction.Length + 2);
        to.Write([(byte)(rank + 2)]);
        to.Write(whole);
        to.Write("."u8);
        to.Write(fraction);
    }

    private static void WriteBytes(ByteBuffer to, ReadOnlySpan<byte> value)
    {
        WriteLength(to, value.Length);
        to.Write(value);
    }

    private static void WriteLength(ByteBuffer to, int length)
    {
        BinaryPrimitives.WriteInt32LittleEndian(to.GetSpan(sizeof(int)), length);
        to.Advance(sizeof(int));
    }
}
