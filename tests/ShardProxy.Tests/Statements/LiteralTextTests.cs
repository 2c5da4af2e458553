using System.Text;
using ShardProxy.Protocol.Framing;
using ShardProxy.Statements;

namespace ShardProxy.Tests.Statements;

public sealed class LiteralTextTests
{
    [Theory]
    [InlineData("42", LiteralKind.Integer, "42")]
    [InlineData("2147483648", LiteralKind.BigInteger, "2147483648")]
    [InlineData("9223372036854775808", LiteralKind.Decimal, "9223372036854775808")]
    [InlineData("000000000000000000000000007", LiteralKind.Integer, "000000000000000000000000007")]
    [InlineData("1.5e3", LiteralKind.Decimal, "1.5e3")]
    [InlineData("'abc'", LiteralKind.String, "abc")]
    [InlineData("''", LiteralKind.String, "")]
    [InlineData("'it''s'", LiteralKind.QuotedString, "it's")]
    [InlineData("'a\\n'", LiteralKind.String, "a\\n")]
    [InlineData("'a' -- x\n 'b'\n'c'''", LiteralKind.QuotedString, "abc'")]
    [InlineData("E'a\\'b''c\\\\'", LiteralKind.EscapedString, "a'b'c\\")]
    [InlineData("e'\\b\\f\\n\\r\\t\\v\\q'", LiteralKind.EscapedString, "\b\f\n\r\t\vq")]
    [InlineData("E'\\x41\\101\\u0041\\U00000041\\x4Z'", LiteralKind.EscapedString, "AAAA\u0004Z")]
    [InlineData("E'a'\n'\\t'", LiteralKind.EscapedString, "a\t")]
    [InlineData("E'\\x'", LiteralKind.EscapedString, "x")]
    [InlineData("$$a'b$$", LiteralKind.DollarString, "a'b")]
    [InlineData("$tag$$$a$tag$", LiteralKind.DollarString, "$$a")]
    public void Value(string sql, LiteralKind kind, string value)
    {
        var (literal, decoded) = Decode(sql);
        literal.Kind.ShouldBe(kind);
        literal.Length.ShouldBe(sql.Length);
        decoded.ShouldBe(value);
    }

    [Theory]
    [InlineData("E'\\u00e4'")]
    [InlineData("E'\\u12'")]
    [InlineData("E'\\x00'")]
    [InlineData("E'\\0'")]
    [InlineData("U&'a'")]
    [InlineData("B'1'")]
    [InlineData("X'1'")]
    [InlineData("0x1F")]
    public void No_value(string sql) => Decode(sql).Value.ShouldBeNull();

    [Fact]
    public void Backslashes_escape_when_strings_do_not_conform()
    {
        var sql = "'a\\'b'"u8.ToArray();
        var scanner = new ShapeScanner();
        scanner.Scan(sql, standardConformingStrings: false);
        scanner.IsComplete.ShouldBeTrue();
        LiteralText.TryDecode(sql, scanner.GetLiteral(0), new ByteBuffer(), out var value).ShouldBeTrue();
        Encoding.UTF8.GetString(value).ShouldBe("a'b");
        scanner.Scan(sql);
        scanner.IsComplete.ShouldBeFalse();
    }

    private static (Literal Literal, string? Value) Decode(string text)
    {
        var sql = Encoding.UTF8.GetBytes(text);
        var scanner = new ShapeScanner();
        scanner.Scan(sql);
        scanner.IsComplete.ShouldBeTrue();
        scanner.LiteralCount.ShouldBe(1);
        var literal = scanner.GetLiteral(0);
        return (literal, LiteralText.TryDecode(sql, literal, new ByteBuffer(), out var value) ? Encoding.UTF8.GetString(value) : null);
    }
}
