using System.Numerics;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Protocol.Tests.Values;

public sealed class NumericValueTests
{
    [Fact]
    public void Both_formats_give_back_what_was_written() => Check.QuickThrowOnFailure(Prop.ForAll<BigInteger, byte>((unscaled, scale) =>
    {
        var value = new NumericValue(unscaled, scale);
        var bytes = new byte[NumericWriter.MaxLength(value)];
        var length = NumericWriter.WriteBinary(value, bytes);
        NumericReader.TryReadBinary(bytes.AsSpan(0, length), out var binary).ShouldBeTrue();
        length = NumericWriter.WriteText(value, bytes);
        NumericReader.TryReadText(bytes.AsSpan(0, length), out var text).ShouldBeTrue();
        return binary.Unscaled == unscaled && binary.Scale == scale && text.Unscaled == unscaled && text.Scale == scale;
    }));

    [Fact]
    public void Values_compare_alike_in_both_formats_and_by_their_prefixes() => Check.QuickThrowOnFailure(Prop.ForAll<BigInteger, BigInteger, byte>((a, b, scales) =>
    {
        var (left, right) = (new NumericValue(a, scales % 8), new NumericValue(b, scales / 8 % 8));
        var scale = Math.Max(left.Scale, right.Scale);
        var expected = left.UnscaledAt(scale).CompareTo(right.UnscaledAt(scale));
        var (binaryA, binaryB) = (Binary(left), Binary(right));
        var prefixes = ValuePrefix.Of(ValueKind.Numeric, true, binaryA).CompareTo(ValuePrefix.Of(ValueKind.Numeric, true, binaryB));
        return Math.Sign(ValueComparer.Compare(ValueKind.Numeric, true, binaryA, binaryB)) == expected
            && Math.Sign(ValueComparer.Compare(ValueKind.Numeric, false, Text(left), Text(right))) == expected
            && (prefixes == 0 || prefixes == expected);
    }));

    [Theory]
    [InlineData("1", "3", "0.33333333333333333333")]
    [InlineData("10", "3", "3.3333333333333333")]
    [InlineData("100000", "7", "14285.714285714286")]
    [InlineData("2.00", "1", "2.0000000000000000")]
    [InlineData("0", "7", "0.00000000000000000000")]
    [InlineData("-2", "3", "-0.66666666666666666667")]
    [InlineData("NaN", "3", "NaN")]
    [InlineData("-Infinity", "3", "-Infinity")]
    public void Quotients_have_PostgreSQLs_digits(string a, string b, string expected) =>
        Encoding.ASCII.GetString(Text(Read(a) / Read(b))).ShouldBe(expected); // SELECT a::numeric / b

    [Theory]
    [InlineData("NaN", "1", "NaN")]
    [InlineData("Infinity", "-Infinity", "NaN")]
    [InlineData("Infinity", "1", "Infinity")]
    [InlineData("1.5", "0.25", "1.75")]
    [InlineData("-0.10", "0.1", "0.00")]
    public void Sums_keep_the_longer_scale(string a, string b, string expected) =>
        Encoding.ASCII.GetString(Text(Read(a) + Read(b))).ShouldBe(expected);

    private static NumericValue Read(string text)
    {
        NumericReader.TryReadText(Encoding.ASCII.GetBytes(text), out var value).ShouldBeTrue();
        return value;
    }

    private static byte[] Binary(in NumericValue value)
    {
        var bytes = new byte[NumericWriter.MaxLength(value)];
        return bytes[..NumericWriter.WriteBinary(value, bytes)];
    }

    private static byte[] Text(in NumericValue value)
    {
        var bytes = new byte[NumericWriter.MaxLength(value)];
        return bytes[..NumericWriter.WriteText(value, bytes)];
    }
}
