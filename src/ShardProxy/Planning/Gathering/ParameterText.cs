using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements;

namespace ShardProxy.Planning.Gathering;

/// <summary>Writes a parameter's value as SQL that every shard reads as the same value of the same type.</summary>
public static class ParameterText
{
    // From which the binary formats count.
    private static readonly DateTime Epoch = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The built-in types of which a value can be written, by the name that a cast gives them.</summary>
    public static string? NameOf(uint type) => type switch
    {
        TypeOid.Bool => "bool",
        TypeOid.Int2 => "int2",
        TypeOid.Int4 => "int4",
        TypeOid.Int8 => "int8",
        TypeOid.Float4 => "float4",
        TypeOid.Float8 => "float8",
        TypeOid.Numeric => "numeric",
        TypeOid.Uuid => "uuid",
        TypeOid.Text => "text",
        TypeOid.Varchar => "varchar",
        TypeOid.Bpchar => "bpchar",
        TypeOid.Date => "date",
        TypeOid.Timestamp => "timestamp",
        TypeOid.Timestamptz => "timestamptz",
        TypeOid.Interval => "interval",
        _ => null,
    };

    /// <param name="type">The parameter's, as the home shard knows it.</param>
    /// <param name="isAlike">Every shard reads a text as the home shard does.</param>
    /// <param name="isConverted">The client's encoding is not the server's, so that only ASCII is surely the same.</param>
    /// <returns>Null when it cannot be written so.</returns>
    public static string? Write(uint type, bool isBinary, ReadOnlySpan<byte> value, bool isNull, bool isAlike, bool isConverted)
    {
        var element = TypeOid.ElementOf(type);
        var isArray = element != 0;
        if (!isArray)
            element = type;
        if (NameOf(element) is not { } name || (!isAlike && !IsPlain(element)))
            return null;
        var cast = $"pg_catalog.{name}{(isArray ? "[]" : "")}";
        if (isNull)
            return $"CAST(NULL AS {cast})";
        if (!isBinary)
            return Quoted(value, isConverted) is { } text ? $"CAST({text} AS {cast})" : null;
        var written = isArray ? Elements(element, value, isConverted) : Scalar(element, value, isConverted);
        return written is null ? null : $"CAST({written} AS {cast})";
    }

    // Written in one way whatever the settings are.
    private static bool IsPlain(uint type) => type is TypeOid.Bool or TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8
        or TypeOid.Float4 or TypeOid.Float8 or TypeOid.Numeric or TypeOid.Uuid;

    private static string? Elements(uint type, ReadOnlySpan<byte> value, bool isConverted)
    {
        if (!KeyArray.TryRead(binary: true, value, out var array) || array.ElementType != type)
            return null;
        var elements = new List<string>();
        try
        {
            while (array.TryNext(out var element, out var isNull))
            {
                if ((isNull ? "NULL" : Scalar(type, element, isConverted)) is not { } written)
                    return null;
                elements.Add(written);
            }
        }
        finally
        {
            array.Dispose();
        }
        return elements.Count == 0 ? "'{}'" : $"ARRAY[{string.Join(", ", elements)}]";
    }

    private static string? Scalar(uint type, ReadOnlySpan<byte> value, bool isConverted)
    {
        switch (type)
        {
            case TypeOid.Bool:
                return value.Length == 1 ? (value[0] != 0 ? "true" : "false") : null;
            case TypeOid.Int2 when value.Length == sizeof(short):
                return Number(BinaryPrimitives.ReadInt16BigEndian(value));
            case TypeOid.Int4 when value.Length == sizeof(int):
                return Number(BinaryPrimitives.ReadInt32BigEndian(value));
            case TypeOid.Int8 when value.Length == sizeof(long):
                return Number(BinaryPrimitives.ReadInt64BigEndian(value));
            case TypeOid.Float4 when value.Length == sizeof(float):
                return $"'{BinaryPrimitives.ReadSingleBigEndian(value).ToString("R", CultureInfo.InvariantCulture)}'";
            case TypeOid.Float8 when value.Length == sizeof(double):
                return $"'{BinaryPrimitives.ReadDoubleBigEndian(value).ToString("R", CultureInfo.InvariantCulture)}'";
            case TypeOid.Numeric:
                return NumericReader.TryReadBinary(value, out var numeric) ? Numeric(numeric) : null;
            case TypeOid.Uuid:
                return value.Length == 16 ? $"'{Convert.ToHexString(value)}'" : null;
            case TypeOid.Text or TypeOid.Varchar or TypeOid.Bpchar:
                return Quoted(value, isConverted);
            case TypeOid.Date when value.Length == sizeof(int):
                return Moment(BinaryPrimitives.ReadInt32BigEndian(value) * TimeSpan.TicksPerDay, "yyyy-MM-dd");
            case TypeOid.Timestamp when value.Length == sizeof(long):
                return Microseconds(BinaryPrimitives.ReadInt64BigEndian(value), "yyyy-MM-dd HH:mm:ss.ffffff");
            case TypeOid.Timestamptz when value.Length == sizeof(long):
                return Microseconds(BinaryPrimitives.ReadInt64BigEndian(value), "yyyy-MM-dd HH:mm:ss.ffffff+00");
            default:
                return null;
        }
    }

    // Quoted: a cast of a bare number would first read it as one of another type.
    private static string Number(long value) => string.Create(CultureInfo.InvariantCulture, $"'{value}'");

    private static string Numeric(in NumericValue value)
    {
        Span<byte> scratch = new byte[NumericWriter.MaxLength(value)];
        return $"'{Encoding.ASCII.GetString(scratch[..NumericWriter.WriteText(value, scratch)])}'";
    }

    private static string? Microseconds(long value, string format) =>
        value is > long.MinValue / 10 and < long.MaxValue / 10 ? Moment(value * TimeSpan.TicksPerMicrosecond, format) : null;

    // Infinities, and years that .NET does not know, are left to the home shard.
    private static string? Moment(long ticks, string format)
    {
        if (ticks < -Epoch.Ticks || ticks > DateTime.MaxValue.Ticks - Epoch.Ticks)
            return null;
        return $"'{Epoch.AddTicks(ticks).ToString(format, CultureInfo.InvariantCulture)}'";
    }

    private static string? Quoted(ReadOnlySpan<byte> value, bool isConverted)
    {
        if (ClockWords.AreIn(value) || (isConverted && !Ascii.IsValid(value)) || value.Contains((byte)0))
            return null;
        try
        {
            return Identifiers.Literal(Strict.GetString(value));
        }
        catch (DecoderFallbackException)
        {
            // The server's encoding is not UTF-8, or Bind will say so.
            return null;
        }
    }
}
