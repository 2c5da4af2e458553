using System.Buffers.Binary;
using System.Buffers.Text;

namespace ShardProxy.Protocol.Values;

/// <summary>
/// Reads single values of fixed size as a server sends them. Text is read for the kinds that
/// <see cref="ValueKinds.ReadsText"/> allows. A value that the server cannot have sent throws <see cref="FormatException"/>.
/// </summary>
public static class WireScalar
{
    public static long ReadInteger(ValueKind kind, bool binary, ReadOnlySpan<byte> value)
    {
        if (!binary)
            return Utf8Parser.TryParse(value, out long number, out var consumed) && consumed == value.Length ? number : throw Malformed();
        return kind switch
        {
            ValueKind.Int16 when value.Length == sizeof(short) => BinaryPrimitives.ReadInt16BigEndian(value),
            ValueKind.Int32 when value.Length == sizeof(int) => BinaryPrimitives.ReadInt32BigEndian(value),
            ValueKind.UInt32 when value.Length == sizeof(uint) => BinaryPrimitives.ReadUInt32BigEndian(value),
            ValueKind.Int64 when value.Length == sizeof(long) => BinaryPrimitives.ReadInt64BigEndian(value),
            _ => throw Malformed(),
        };
    }

    public static bool ReadBool(bool binary, ReadOnlySpan<byte> value)
    {
        if (value.Length != 1)
            throw Malformed();
        return binary ? value[0] != 0 : value[0] == 't';
    }

    public static double ReadFloat8(ReadOnlySpan<byte> value) =>
        value.Length == sizeof(double) ? BinaryPrimitives.ReadDoubleBigEndian(value) : throw Malformed();

    public static float ReadFloat4(ReadOnlySpan<byte> value) =>
        value.Length == sizeof(float) ? BinaryPrimitives.ReadSingleBigEndian(value) : throw Malformed();

    public static NumericValue ReadNumeric(bool binary, ReadOnlySpan<byte> value)
    {
        NumericValue number;
        var read = binary ? NumericReader.TryReadBinary(value, out number) : NumericReader.TryReadText(value, out number);
        return read ? number : throw Malformed();
    }

    /// <summary>interval_cmp_value of timestamp.c: microseconds, a month taken for 30 days of 24 hours.</summary>
    internal static Int128 ReadIntervalSpan(ReadOnlySpan<byte> value)
    {
        if (value.Length != 16)
            throw Malformed();
        var time = BinaryPrimitives.ReadInt64BigEndian(value);
        var days = BinaryPrimitives.ReadInt32BigEndian(value[8..]);
        var months = BinaryPrimitives.ReadInt32BigEndian(value[12..]);
        return time + ((Int128)(((long)months * 30) + days) * TimeText.MicrosecondsPerDay);
    }

    /// <summary>The moment of the day in Greenwich, in microseconds, and the zone in seconds west of it.</summary>
    internal static (long Moment, int Zone) ReadTimeTz(ReadOnlySpan<byte> value)
    {
        if (value.Length != 12)
            throw Malformed();
        var zone = BinaryPrimitives.ReadInt32BigEndian(value[8..]);
        return (BinaryPrimitives.ReadInt64BigEndian(value) + (zone * 1_000_000L), zone);
    }

    internal static FormatException Malformed() => new("A server sent a value that its type cannot have.");
}
