using System.Buffers.Binary;
using System.Text;
using ShardProxy.Planning.Gathering;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Tests.Planning;

/// <summary>Parameters as SQL: in both formats the same constant, or none.</summary>
public sealed class ParameterTextTests
{
    [Theory]
    [InlineData(TypeOid.Int8, "5", "CAST('5' AS pg_catalog.int8)")]
    [InlineData(TypeOid.Text, "it's", "CAST('it''s' AS pg_catalog.text)")]
    [InlineData(TypeOid.Text, @"a\b", @"CAST( E'a\\b' AS pg_catalog.text)")]
    [InlineData(1016u, "{1,2}", "CAST('{1,2}' AS pg_catalog.int8[])")]
    [InlineData(TypeOid.Date, "2024-02-29", "CAST('2024-02-29' AS pg_catalog.date)")]
    [InlineData(TypeOid.Date, "today", null)]
    [InlineData(3802u, "{}", null)]
    [InlineData(TypeOid.Text, "a\0b", null)]
    public void Text(uint type, string value, string? expected) =>
        ParameterText.Write(type, isBinary: false, Encoding.UTF8.GetBytes(value), isNull: false, isAlike: true, isConverted: false).ShouldBe(expected);

    [Theory]
    [InlineData(TypeOid.Int8, 8, -5L, "CAST('-5' AS pg_catalog.int8)")]
    [InlineData(TypeOid.Int4, 4, 7L, "CAST('7' AS pg_catalog.int4)")]
    [InlineData(TypeOid.Int2, 2, 7L, "CAST('7' AS pg_catalog.int2)")]
    [InlineData(TypeOid.Bool, 1, 1L, "CAST(true AS pg_catalog.bool)")]
    [InlineData(TypeOid.Date, 4, 366L, "CAST('2001-01-01' AS pg_catalog.date)")]
    [InlineData(TypeOid.Date, 4, -1L, "CAST('1999-12-31' AS pg_catalog.date)")]
    [InlineData(TypeOid.Date, 4, 2147483647L, null)]
    [InlineData(TypeOid.Timestamp, 8, 1_500_000L, "CAST('2000-01-01 00:00:01.500000' AS pg_catalog.timestamp)")]
    [InlineData(TypeOid.Timestamptz, 8, -1L, "CAST('1999-12-31 23:59:59.999999+00' AS pg_catalog.timestamptz)")]
    [InlineData(TypeOid.Timestamptz, 8, long.MaxValue, null)]
    [InlineData(TypeOid.Timestamptz, 8, -63_082_281_600_000_001L, null)]
    [InlineData(TypeOid.Int8, 4, 1L, null)]
    public void Binary(uint type, int size, long value, string? expected) =>
        ParameterText.Write(type, isBinary: true, Bytes(value, size), isNull: false, isAlike: true, isConverted: false).ShouldBe(expected);

    [Fact]
    public void A_binary_array()
    {
        byte[] array = [.. Bytes(1, 4), .. Bytes(1, 4), .. Bytes(23, 4), .. Bytes(2, 4), .. Bytes(1, 4), .. Bytes(4, 4), .. Bytes(9, 4), .. Bytes(-1, 4)];
        ParameterText.Write(1007, isBinary: true, array, isNull: false, isAlike: true, isConverted: false).ShouldBe("CAST(ARRAY['9', NULL] AS pg_catalog.int4[])");
        ParameterText.Write(1016, isBinary: true, array, isNull: false, isAlike: true, isConverted: false).ShouldBeNull();
        ParameterText.Write(1007, isBinary: true, [.. Bytes(0, 4), .. Bytes(0, 4), .. Bytes(23, 4)], isNull: false, isAlike: true, isConverted: false).ShouldBe("CAST('{}' AS pg_catalog.int4[])");
    }

    [Fact]
    public void What_shards_may_read_otherwise_stays_at_home()
    {
        ParameterText.Write(TypeOid.Text, false, "a"u8, false, isAlike: false, isConverted: false).ShouldBeNull();
        ParameterText.Write(TypeOid.Int4, false, "1"u8, false, isAlike: false, isConverted: false).ShouldNotBeNull();
        ParameterText.Write(TypeOid.Text, false, "é"u8, false, isAlike: true, isConverted: true).ShouldBeNull();
        ParameterText.Write(TypeOid.Text, false, "e"u8, false, isAlike: true, isConverted: true).ShouldNotBeNull();
        ParameterText.Write(TypeOid.Uuid, false, default, true, isAlike: false, isConverted: false).ShouldBe("CAST(NULL AS pg_catalog.uuid)");
    }

    private static byte[] Bytes(long value, int size)
    {
        var bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return bytes[^size..];
    }
}
