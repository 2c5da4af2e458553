using System.Buffers.Binary;

namespace ShardProxy.Protocol.Values;

internal enum DecimalKind
{
    Finite,
    NaN,
    Infinity,
}

/// <summary>
/// A numeric of any size: 0.d1d2d3… × 10^<see cref="PointPosition"/>. The digits (0 to 9, one a byte) stand in the
/// caller's scratch and have no zero at either end; zero has none at all.
/// </summary>
internal ref struct DecimalValue
{
    /// <summary>Longest text or largest exponent that is read; what goes beyond is Unknown. PostgreSQL's own limits lie higher.</summary>
    public const int MaxDigits = 16_000;

    private Span<byte> _digits;

    /// <param name="digits">May have zeros at its ends; they are dropped.</param>
    public DecimalValue(bool negative, Span<byte> digits, int pointPosition)
    {
        var leading = digits.IndexOfAnyExcept((byte)0);
        if (leading < 0)
        {
            _digits = default;
            return;
        }
        IsNegative = negative;
        _digits = digits[leading..].TrimEnd((byte)0);
        PointPosition = pointPosition - leading;
    }

    public DecimalValue(DecimalKind kind, bool negative = false)
    {
        Kind = kind;
        IsNegative = negative;
        _digits = default;
    }

    public DecimalKind Kind { get; }

    public bool IsNegative { get; private set; }

    public int PointPosition { get; private set; }

    /// <summary>0 to 9, one a byte.</summary>
    public readonly ReadOnlySpan<byte> Digits => _digits;

    public readonly bool IsZero => _digits.IsEmpty;

    public readonly bool IsWhole => _digits.Length <= PointPosition || IsZero;

    /// <summary>Digits of an integer, for the scratch that <see cref="FromInteger"/> needs.</summary>
    public const int IntegerDigits = 20;

    public static DecimalValue FromInteger(long value, Span<byte> scratch)
    {
        var magnitude = value < 0 ? unchecked(0 - (ulong)value) : (ulong)value;
        for (var i = IntegerDigits - 1; i >= 0; i--)
        {
            scratch[i] = (byte)(magnitude % 10);
            magnitude /= 10;
        }
        return new DecimalValue(value < 0, scratch[..IntegerDigits], IntegerDigits);
    }

    /// <summary>A minus sign stands before it.</summary>
    public void Negate(bool negative) => IsNegative ^= negative && (Kind == DecimalKind.Infinity || !IsZero);

    /// <summary>Rounds half away from zero, as PostgreSQL does.</summary>
    /// <param name="scale">Digits kept behind the point; negative ones round before it.</param>
    public void Round(int scale)
    {
        var keep = PointPosition + scale;
        if (keep >= _digits.Length)
            return;
        if (keep < 0 || (keep == 0 && _digits[0] < 5))
        {
            _digits = default;
            return;
        }
        var up = _digits[keep] >= 5;
        if (keep == 0)
        {
            // Half or more of the last kept place: it becomes one.
            _digits = _digits[..1];
            _digits[0] = 1;
            PointPosition++;
            return;
        }
        var kept = _digits[..keep];
        if (up && !Increment(kept))
        {
            // 99.9 becomes 100.
            kept = kept[..1];
            kept[0] = 1;
            PointPosition++;
        }
        _digits = kept.TrimEnd((byte)0);
    }

    /// <summary>The value as an int8; false when it is not whole or too large.</summary>
    public readonly bool TryToInteger(out long value)
    {
        value = 0;
        if (!IsWhole || PointPosition > 19)
            return false;
        UInt128 magnitude = 0;
        for (var i = 0; i < PointPosition; i++)
            magnitude = (magnitude * 10) + (i < _digits.Length ? _digits[i] : 0u);
        if (magnitude > (IsNegative ? 1UL << 63 : long.MaxValue))
            return false;
        value = unchecked((long)(IsNegative ? 0 - (ulong)magnitude : (ulong)magnitude));
        return true;
    }

    public readonly ulong Hash()
    {
        if (Kind != DecimalKind.Finite)
            return PartitionHash.OfSpecialNumeric();
        if (IsZero)
            return PartitionHash.OfZeroNumeric();
        // To the base 10,000: the first group is filled up with zeros on its left, the last one on its right.
        var weight = (PointPosition + 3 >> 2) - 1;
        var padding = ((weight + 1) * 4) - PointPosition;
        var groups = (padding + _digits.Length + 3) / 4;
        var bytes = groups <= 64 ? stackalloc byte[groups * sizeof(short)] : new byte[groups * sizeof(short)];
        for (var group = 0; group < groups; group++)
        {
            var number = 0;
            for (var i = 0; i < 4; i++)
            {
                var at = (group * 4) + i - padding;
                number = (number * 10) + (at >= 0 && at < _digits.Length ? _digits[at] : 0);
            }
            BinaryPrimitives.WriteInt16LittleEndian(bytes[(group * sizeof(short))..], (short)number);
        }
        return PartitionHash.OfNumeric(bytes, weight);
    }

    private static bool Increment(Span<byte> digits)
    {
        for (var i = digits.Length - 1; i >= 0; i--)
        {
            if (digits[i] < 9)
            {
                digits[i]++;
                return true;
            }
            digits[i] = 0;
        }
        return false;
    }
}
