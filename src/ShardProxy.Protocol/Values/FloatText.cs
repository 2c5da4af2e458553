using System.Globalization;
using System.Numerics;

namespace ShardProxy.Protocol.Values;

/// <summary>Writes floats as float4out and float8out do.</summary>
public static class FloatText
{
    /// <summary>Bytes that a value takes at most: a sign, 17 digits, a point, zeros or an exponent.</summary>
    public const int MaxLength = 32;

    /// <summary>DBL_DIG and FLT_DIG: decimal digits that survive.</summary>
    private const int DoubleDigits = 15;
    private const int SingleDigits = 6;

    /// <param name="extraFloatDigits">The setting: above 0 the shortest text that reads back as the value.</param>
    public static int Write(double value, int extraFloatDigits, Span<byte> to) => Write(value, DoubleDigits, extraFloatDigits, to);

    /// <inheritdoc cref="Write(double, int, Span{byte})"/>
    public static int Write(float value, int extraFloatDigits, Span<byte> to) => Write(value, SingleDigits, extraFloatDigits, to);

    // The shortest text is another one for each type, so a float must not become a double on its way.
    private static int Write<T>(T value, int typeDigits, int extraFloatDigits, Span<byte> to)
        where T : struct, IBinaryFloatingPointIeee754<T>
    {
        if (TryWriteSpecial(double.CreateChecked(value), to, out var length))
            return length;
        Span<char> text = stackalloc char[MaxLength];
        var digits = extraFloatDigits > 0 ? typeDigits : Math.Max(1, typeDigits + extraFloatDigits);
        value.TryFormat(text, out var count, extraFloatDigits > 0 ? "R" : ScientificFormat(digits), CultureInfo.InvariantCulture);
        return Compose(text[..count], digits, to);
    }

    private static string ScientificFormat(int digits) => string.Create(CultureInfo.InvariantCulture, $"E{digits - 1}");

    private static bool TryWriteSpecial(double value, Span<byte> to, out int length)
    {
        var text = value switch
        {
            double.PositiveInfinity => "Infinity"u8,
            double.NegativeInfinity => "-Infinity"u8,
            0 => double.IsNegative(value) ? "-0"u8 : "0"u8,
            _ => double.IsNaN(value) ? "NaN"u8 : default,
        };
        text.CopyTo(to);
        length = text.Length;
        return length > 0;
    }

    /// <param name="text">As .NET writes it: a sign, digits with or without a point, perhaps E and an exponent.</param>
    /// <param name="fixedDigits">Values from 10^this on, and those below 0.0001, have an exponent.</param>
    private static int Compose(ReadOnlySpan<char> text, int fixedDigits, Span<byte> to)
    {
        Span<byte> digits = stackalloc byte[MaxLength];
        var count = 0;
        var exponent = 0;
        var point = -1;
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '-':
                    to[length++] = (byte)'-';
                    break;
                case '.':
                    point = count;
                    break;
                case 'E':
                    exponent = int.Parse(text[(i + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
                    i = text.Length;
                    break;
                default:
                    digits[count++] = (byte)text[i];
                    break;
            }
        }
        var leading = digits[..count].IndexOfAnyExcept((byte)'0');
        // The value is 0.d1d2d3… × 10^position.
        var position = (point < 0 ? count : point) + exponent - leading;
        var significant = digits[leading..count].TrimEnd((byte)'0');
        return position is > -4 && position <= fixedDigits
            ? length + WriteFixed(significant, position, to[length..])
            : length + WriteScientific(significant, position - 1, to[length..]);
    }

    private static int WriteFixed(ReadOnlySpan<byte> digits, int position, Span<byte> to)
    {
        var length = 0;
        if (position <= 0)
            to[length++] = (byte)'0';
        for (var i = Math.Min(position, 0); i < Math.Max(digits.Length, position); i++)
        {
            if (i == position)
                to[length++] = (byte)'.';
            to[length++] = i >= 0 && i < digits.Length ? digits[i] : (byte)'0';
        }
        return length;
    }

    private static int WriteScientific(ReadOnlySpan<byte> digits, int exponent, Span<byte> to)
    {
        var length = 0;
        to[length++] = digits[0];
        if (digits.Length > 1)
        {
            to[length++] = (byte)'.';
            digits[1..].CopyTo(to[length..]);
            length += digits.Length - 1;
        }
        to[length++] = (byte)'e';
        to[length++] = exponent < 0 ? (byte)'-' : (byte)'+';
        var magnitude = Math.Abs(exponent);
        if (magnitude < 10)
            to[length++] = (byte)'0';
        magnitude.TryFormat(to[length..], out var written, default, CultureInfo.InvariantCulture);
        return length + written;
    }
}
