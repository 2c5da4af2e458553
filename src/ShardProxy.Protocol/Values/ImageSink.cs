using System.Buffers.Binary;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Values;

/// <summary>
/// Writes a key's image: bytes that are equal where the keys are equal and that compare, byte by byte, as the keys do
/// (text as in the "C" collation). Integers of every width have the same images.
/// </summary>
internal readonly struct ImageSink(ByteBuffer image) : IKeySink
{
    private const byte NegativeInfinity = 0;
    private const byte Negative = 1;
    private const byte Zero = 2;
    private const byte Positive = 3;
    private const byte Infinity = 4;

    /// <summary>PostgreSQL sorts NaN behind everything.</summary>
    private const byte NaN = 5;

    public void Integer(long value) => Ordered(value);

    public void Numeric(scoped in DecimalValue value)
    {
        if (value.Kind != DecimalKind.Finite)
        {
            Byte(value.Kind == DecimalKind.NaN ? NaN : value.IsNegative ? NegativeInfinity : Infinity);
            return;
        }
        if (value.IsZero)
        {
            Byte(Zero);
            return;
        }
        // Exponent, digits from 1 to 10, and an end below all digits; of a negative number the complement.
        var flip = (byte)(value.IsNegative ? 0xFF : 0);
        Byte(value.IsNegative ? Negative : Positive);
        var digits = value.Digits;
        var span = image.GetSpan(sizeof(int) + digits.Length + 1);
        BinaryPrimitives.WriteInt32BigEndian(span, value.PointPosition ^ int.MinValue);
        for (var at = 0; at < digits.Length; at++)
            span[sizeof(int) + at] = (byte)(digits[at] + 1);
        span[sizeof(int) + digits.Length] = 0;
        span = span[..(sizeof(int) + digits.Length + 1)];
        for (var at = 0; at < span.Length; at++)
            span[at] ^= flip;
        image.Advance(span.Length);
    }

    public void Text(ReadOnlySpan<byte> value) => image.Write(value);

    public void Bpchar(ReadOnlySpan<byte> value) => image.Write(value.TrimEnd((byte)' '));

    public void Bytea(ReadOnlySpan<byte> value) => image.Write(value);

    public void Uuid(ReadOnlySpan<byte> value) => image.Write(value);

    public void Bool(bool value) => Byte((byte)(value ? 1 : 0));

    public void Date(int days) => Ordered(days);

    public void Timestamp(long microseconds) => Ordered(microseconds);

    private void Ordered(long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(image.GetSpan(sizeof(long)), value ^ long.MinValue);
        image.Advance(sizeof(long));
    }

    private void Byte(byte value)
    {
        image.GetSpan(1)[0] = value;
        image.Advance(1);
    }
}
