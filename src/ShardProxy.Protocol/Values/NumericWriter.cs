using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace ShardProxy.Protocol.Values;

/// <summary>Writes numerics as a server sends them.</summary>
public static class NumericWriter
{
    /// <summary>Bytes that either form takes at most.</summary>
    public static int MaxLength(in NumericValue value) => (int)(value.Unscaled.GetBitLength() * 0.31) + value.Scale + 32;

    /// <returns>Bytes written, or -1 when the value overflows the numeric format.</returns>
    public static int WriteText(in NumericValue value, Span<byte> to)
    {
        switch (value.Form)
        {
            case NumericForm.NaN:
                return Copy("NaN"u8, to);
            case NumericForm.PositiveInfinity:
                return Copy("Infinity"u8, to);
            case NumericForm.NegativeInfinity:
                return Copy("-Infinity"u8, to);
        }
        using var digits = new Digits(value);
        if (digits.Weight > NumericWire.MaxWeight)
            return -1;
        var length = 0;
        if (value.Unscaled.Sign < 0)
            to[length++] = (byte)'-';
        var whole = digits.Length - value.Scale;
        if (whole <= 0)
            to[length++] = (byte)'0';
        for (var i = Math.Min(whole, 0); i < digits.Length; i++)
        {
            if (i == whole)
                to[length++] = (byte)'.';
            to[length++] = i < 0 ? (byte)'0' : (byte)digits[i];
        }
        return length;
    }

    /// <returns>Bytes written, or -1 when the value overflows the numeric format.</returns>
    public static int WriteBinary(in NumericValue value, Span<byte> to)
    {
        to[..NumericWire.HeaderLength].Clear();
        var sign = value.Form switch
        {
            NumericForm.NaN => NumericWire.NaN,
            NumericForm.PositiveInfinity => NumericWire.PositiveInfinity,
            NumericForm.NegativeInfinity => NumericWire.NegativeInfinity,
            _ => value.Unscaled.Sign < 0 ? NumericWire.Negative : NumericWire.Positive,
        };
        BinaryPrimitives.WriteUInt16BigEndian(to[NumericWire.SignOffset..], sign);
        BinaryPrimitives.WriteUInt16BigEndian(to[NumericWire.ScaleOffset..], ScaleField(value));
        if (!value.IsFinite || value.Unscaled.IsZero)
            return NumericWire.HeaderLength;
        using var digits = new Digits(value);
        if (digits.Weight > NumericWire.MaxWeight)
            return -1;
        var length = NumericWire.HeaderLength;
        var last = length;
        // Decimal digits before the first one fill up its group.
        for (var at = digits.FirstGroup; at < digits.Length; at += 4)
        {
            var group = 0;
            for (var i = at; i < at + 4; i++)
                group = (group * 10) + (i >= 0 && i < digits.Length ? digits[i] - '0' : 0);
            BinaryPrimitives.WriteInt16BigEndian(to[length..], (short)group);
            length += sizeof(short);
            if (group != 0)
                last = length;
        }
        BinaryPrimitives.WriteInt16BigEndian(to, (short)((last - NumericWire.HeaderLength) / sizeof(short)));
        BinaryPrimitives.WriteInt16BigEndian(to[NumericWire.WeightOffset..], (short)digits.Weight);
        return last;
    }

    // numeric_send takes the scale out of the stored header, in which an infinity has a bit there (NUMERIC_DSCALE of 0xD000).
    private static ushort ScaleField(in NumericValue value) =>
        value.Form is NumericForm.PositiveInfinity or NumericForm.NegativeInfinity ? (ushort)32 : (ushort)value.Scale;

    private static int Copy(ReadOnlySpan<byte> text, Span<byte> to)
    {
        text.CopyTo(to);
        return text.Length;
    }

    /// <summary>The decimal digits of the unscaled magnitude, and how they fall into groups of four around the point.</summary>
    private readonly struct Digits : IDisposable
    {
        private readonly char[] _characters;

        public Digits(in NumericValue value)
        {
            var magnitude = BigInteger.Abs(value.Unscaled);
            _characters = ArrayPool<char>.Shared.Rent((int)(magnitude.GetBitLength() * 0.31) + 8);
            magnitude.TryFormat(_characters, out var length, default, CultureInfo.InvariantCulture);
            Length = magnitude.IsZero ? 0 : length;
            // Zero is written as its scale's zeros.
            Weight = (Length - value.Scale - 1) >> 2;
            var inFirst = Length - value.Scale - (Weight * 4);
            FirstGroup = inFirst - 4;
        }

        public int Length { get; }

        /// <summary>Exponent of the first digit to the base 10,000.</summary>
        public int Weight { get; }

        /// <summary>Index of the first digit of the first group; negative when zeros stand before it.</summary>
        public int FirstGroup { get; }

        public char this[int index] => _characters[index];

        public void Dispose() => ArrayPool<char>.Shared.Return(_characters);
    }
}
