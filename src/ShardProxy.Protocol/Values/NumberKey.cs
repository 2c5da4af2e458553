using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;

namespace ShardProxy.Protocol.Values;

/// <summary>Keys of the types int2, int4, int8 and numeric, met by values of these and of the float types.</summary>
internal static class NumberKey
{
    private const int StackDigits = 128;

    private static readonly SearchValues<byte> PlainNumber = SearchValues.Create("0123456789.eE+-"u8);

    /// <summary>From here on several int8 have the same float8.</summary>
    private const double ExactIntegers = 1L << 53;

    public static KeyHashResult Read<TSink>(in KeyTarget key, uint type, bool binary, ReadOnlySpan<byte> value, ref TSink sink)
        where TSink : struct, IKeySink
    {
        switch (type)
        {
            case TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8:
                var read = binary ? ReadBinary(type, value, out var integer) : IntegerText.TryRead(value, out integer);
                if (read != KeyHashResult.Hashed)
                    return read;
                return IntegerText.Fits(type, integer) ? ReadInteger(key, integer, ref sink) : KeyHashResult.Invalid;
            case TypeOid.Numeric:
                return ReadNumeric(key, binary, value, ref sink);
            case TypeOid.Float4 or TypeOid.Float8:
                return TryReadFloat(type, binary, value, out var number) ? ReadFloat(key, type, number, ref sink) : KeyHashResult.Unknown;
            default:
                return KeyHashResult.Unknown;
        }
    }

    /// <param name="castTo">A type that the literal is cast to in the text; 0 for none.</param>
    public static KeyHashResult ReadLiteral<TSink>(in KeyTarget key, bool negative, ReadOnlySpan<byte> literal, uint castTo, ref TSink sink)
        where TSink : struct, IKeySink
    {
        // What follows the SQL grammar, but not numeric's input: blanks and names.
        if (literal.IsEmpty || literal.ContainsAnyExcept(PlainNumber) || literal[0] is (byte)'+' or (byte)'-')
            return KeyHashResult.Unknown;
        byte[]? rented = null;
        var scratch = literal.Length <= StackDigits ? stackalloc byte[StackDigits] : rented = ArrayPool<byte>.Shared.Rent(literal.Length);
        try
        {
            var read = DecimalText.TryRead(literal, scratch, out var value);
            if (read != KeyHashResult.Hashed)
                return read;
            value.Negate(negative);
            switch (castTo)
            {
                case 0 or TypeOid.Numeric:
                    return ReadDecimal(key, ref value, ref sink);
                case TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8:
                    value.Round(0);
                    if (!value.TryToInteger(out var integer) || !IntegerText.Fits(castTo, integer))
                        return KeyHashResult.Invalid;
                    return ReadInteger(key, integer, ref sink);
                case TypeOid.Float4 or TypeOid.Float8 when TryReadFloat(castTo, false, literal, out var number):
                    return ReadFloat(key, castTo, negative ? -number : number, ref sink);
                default:
                    return KeyHashResult.Unknown;
            }
        }
        finally
        {
            if (rented is not null)
                ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static KeyHashResult ReadBinary(uint type, ReadOnlySpan<byte> value, out long integer)
    {
        integer = 0;
        switch (type, value.Length)
        {
            case (TypeOid.Int2, sizeof(short)):
                integer = BinaryPrimitives.ReadInt16BigEndian(value);
                return KeyHashResult.Hashed;
            case (TypeOid.Int4, sizeof(int)):
                integer = BinaryPrimitives.ReadInt32BigEndian(value);
                return KeyHashResult.Hashed;
            case (TypeOid.Int8, sizeof(long)):
                integer = BinaryPrimitives.ReadInt64BigEndian(value);
                return KeyHashResult.Hashed;
            default:
                return KeyHashResult.Invalid;
        }
    }

    private static KeyHashResult ReadInteger<TSink>(in KeyTarget key, long value, ref TSink sink)
        where TSink : struct, IKeySink
    {
        if (key.Type == TypeOid.Numeric)
        {
            var number = DecimalValue.FromInteger(value, stackalloc byte[DecimalValue.IntegerDigits]);
            return ReadDecimal(key, ref number, ref sink);
        }
        if (!IntegerText.Fits(key.Type, value))
            return key.Never;
        sink.Integer(value);
        return KeyHashResult.Hashed;
    }

    private static KeyHashResult ReadNumeric<TSink>(in KeyTarget key, bool binary, ReadOnlySpan<byte> value, ref TSink sink)
        where TSink : struct, IKeySink
    {
        if (value.Length > DecimalValue.MaxDigits)
            return KeyHashResult.Unknown;
        var needed = binary ? value.Length * 2 : value.Length;
        byte[]? rented = null;
        var scratch = needed <= StackDigits ? stackalloc byte[StackDigits] : rented = ArrayPool<byte>.Shared.Rent(needed);
        try
        {
            var read = binary ? DecimalBinary.TryRead(value, scratch, out var number) : DecimalText.TryRead(value, scratch, out number);
            return read == KeyHashResult.Hashed ? ReadDecimal(key, ref number, ref sink) : read;
        }
        finally
        {
            if (rented is not null)
                ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static KeyHashResult ReadDecimal<TSink>(in KeyTarget key, ref DecimalValue value, ref TSink sink)
        where TSink : struct, IKeySink
    {
        if (key.Type == TypeOid.Numeric)
        {
            if (key.Use == KeyUse.Store && !NumericModifier.TryApply(key.TypeModifier, ref value))
                return KeyHashResult.Invalid;
            sink.Numeric(value);
            return KeyHashResult.Hashed;
        }
        if (value.Kind != DecimalKind.Finite)
            return key.Never;
        if (key.Use == KeyUse.Store)
            value.Round(0);
        return value.TryToInteger(out var integer) ? ReadInteger(key, integer, ref sink) : key.Never;
    }

    private static bool TryReadFloat(uint type, bool binary, ReadOnlySpan<byte> value, out double number)
    {
        number = 0;
        if (binary)
        {
            if (value.Length != (type == TypeOid.Float4 ? sizeof(float) : sizeof(double)))
                return false;
            number = type == TypeOid.Float4 ? BinaryPrimitives.ReadSingleBigEndian(value) : BinaryPrimitives.ReadDoubleBigEndian(value);
            return true;
        }
        value = InputText.Trim(value);
        // Names and hexadecimal forms are left to the server.
        if (value.ContainsAnyExcept(PlainNumber))
            return false;
        int consumed;
        if (type == TypeOid.Float4)
        {
            var sound = Utf8Parser.TryParse(value, out float single, out consumed);
            number = single;
            return sound && consumed == value.Length;
        }
        return Utf8Parser.TryParse(value, out number, out consumed) && consumed == value.Length;
    }

    private static KeyHashResult ReadFloat<TSink>(in KeyTarget key, uint type, double value, ref TSink sink)
        where TSink : struct, IKeySink
    {
        if (key.Type == TypeOid.Numeric)
        {
            // A comparison turns the key into a float8, so that many keys equal one. Storing goes by 6 or 15 digits.
            var exact = type == TypeOid.Float4 ? 1e6 : 1e15;
            if (key.Use == KeyUse.Compare || !double.IsInteger(value) || Math.Abs(value) >= exact)
                return KeyHashResult.Unknown;
            return ReadInteger(key, (long)value, ref sink);
        }
        if (!double.IsFinite(value))
            return key.Never;
        if (Math.Abs(value) >= ExactIntegers)
            return KeyHashResult.Unknown;
        if (key.Use == KeyUse.Store)
            value = Math.Round(value, MidpointRounding.ToEven);
        return double.IsInteger(value) ? ReadInteger(key, (long)value, ref sink) : key.Never;
    }
}
