using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace ShardProxy.Protocol.Values;

/// <summary>From a key's image (see <see cref="KeyImage"/>) back to a text that the key's type reads as that key.</summary>
public static class KeyImageText
{
    /// <summary>2000-01-01, from which PostgreSQL counts days and microseconds, in days since 0000-03-01.</summary>
    private const int Epoch = 730_425;

    private const int DaysOfEra = 146_097;
    private const int YearsOfEra = 400;

    private const long MicrosecondsOfDay = 86_400_000_000;

    /// <summary>The integer of an image that an integer type has.</summary>
    public static long Integer(ReadOnlySpan<byte> image) => BinaryPrimitives.ReadInt64BigEndian(image) ^ long.MinValue;

    /// <param name="type">A key type.</param>
    public static string Write(uint type, ReadOnlySpan<byte> image) => type switch
    {
        TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 => Integer(image).ToString(CultureInfo.InvariantCulture),
        TypeOid.Numeric => Numeric(image),
        TypeOid.Bool => image[0] != 0 ? "true" : "false",
        TypeOid.Bytea => $"\\x{Convert.ToHexStringLower(image)}",
        TypeOid.Uuid => new Guid(image, bigEndian: true).ToString("D"),
        TypeOid.Date => Date(Integer(image)),
        TypeOid.Timestamp => Timestamp(Integer(image), ""),
        TypeOid.Timestamptz => Timestamp(Integer(image), "+00"),
        _ => Encoding.UTF8.GetString(image),
    };

    private static string Numeric(ReadOnlySpan<byte> image)
    {
        const byte NegativeInfinity = 0, Negative = 1, Zero = 2, Positive = 3, Infinity = 4;
        switch (image[0])
        {
            case NegativeInfinity:
                return "-Infinity";
            case Zero:
                return "0";
            case Infinity:
                return "Infinity";
            case not (Negative or Positive):
                return "NaN";
        }
        var flip = (byte)(image[0] == Negative ? 0xFF : 0);
        var exponent = BinaryPrimitives.ReadInt32BigEndian(image[1..]);
        exponent = (flip == 0 ? exponent : ~exponent) ^ int.MinValue;
        var text = new StringBuilder(image[0] == Negative ? "-0." : "0.");
        // The last byte ends the digits, which stand one higher than they are.
        foreach (var digit in image[(1 + sizeof(int))..^1])
            text.Append((char)('0' + (digit ^ flip) - 1));
        return text.Append('e').Append(exponent.ToString(CultureInfo.InvariantCulture)).ToString();
    }

    private static string Date(long days)
    {
        if (days is int.MaxValue or int.MinValue)
            return days > 0 ? "infinity" : "-infinity";
        var (year, month, day) = Calendar(days);
        return string.Create(CultureInfo.InvariantCulture, $"{(year > 0 ? year : 1 - year):0000}-{month:00}-{day:00}{(year > 0 ? "" : " BC")}");
    }

    private static string Timestamp(long microseconds, string zone)
    {
        if (microseconds is long.MaxValue or long.MinValue)
            return microseconds > 0 ? "infinity" : "-infinity";
        var (days, time) = Math.DivRem(microseconds, MicrosecondsOfDay);
        if (time < 0)
            (days, time) = (days - 1, time + MicrosecondsOfDay);
        var (seconds, fraction) = Math.DivRem(time, 1_000_000);
        var (year, month, day) = Calendar(days);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{(year > 0 ? year : 1 - year):0000}-{month:00}-{day:00} {seconds / 3600:00}:{seconds / 60 % 60:00}:{seconds % 60:00}.{fraction:000000}{zone}{(year > 0 ? "" : " BC")}");
    }

    /// <summary>The Gregorian calendar without end, year 0 being 1 BC: eras of 400 years, and years that begin in March.</summary>
    private static (long Year, int Month, int Day) Calendar(long days)
    {
        days += Epoch;
        var era = Math.DivRem(days, DaysOfEra, out var dayOfEra);
        if (dayOfEra < 0)
            (era, dayOfEra) = (era - 1, dayOfEra + DaysOfEra);
        var yearOfEra = (dayOfEra - (dayOfEra / 1460) + (dayOfEra / 36_524) - (dayOfEra / 146_096)) / 365;
        var dayOfYear = dayOfEra - ((365 * yearOfEra) + (yearOfEra / 4) - (yearOfEra / 100));
        var fromMarch = ((5 * dayOfYear) + 2) / 153;
        var day = (int)(dayOfYear - (((153 * fromMarch) + 2) / 5) + 1);
        var month = (int)(fromMarch < 10 ? fromMarch + 3 : fromMarch - 9);
        return (yearOfEra + (era * YearsOfEra) + (month <= 2 ? 1 : 0), month, day);
    }
}
