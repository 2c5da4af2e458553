using ShardProxy.Protocol.Framing;

namespace ShardProxy.Statements;

/// <summary>Gives the value that a literal writes, as the bytes of PostgreSQL's text format.</summary>
public static class LiteralText
{
    /// <param name="scratch">Takes the value where it differs from the bytes of the text; it is cleared first.</param>
    /// <param name="value">Points into <paramref name="sql"/> or into <paramref name="scratch"/>; valid until either changes.</param>
    /// <returns>
    /// False where the value is not this function's to tell: bit strings, U&amp;'…', \u above ASCII (the server's encoding
    /// decides its bytes), numbers that versions read differently, and escapes that PostgreSQL rejects.
    /// </returns>
    public static bool TryDecode(ReadOnlySpan<byte> sql, Literal literal, ByteBuffer scratch, out ReadOnlySpan<byte> value)
    {
        var text = sql.Slice(literal.Start, literal.Length);
        switch (literal.Kind)
        {
            case LiteralKind.Integer:
            case LiteralKind.BigInteger:
            case LiteralKind.Decimal:
            case LiteralKind.BareWord:
                value = text;
                return true;
            case LiteralKind.String:
                value = text[1..^1];
                return true;
            case LiteralKind.DollarString:
                var delimiter = text[1..].IndexOf((byte)'$') + 2;
                value = text[delimiter..^delimiter];
                return true;
            case LiteralKind.QuotedString:
            case LiteralKind.EscapedString:
                scratch.Clear();
                var decoded = StringUnescape.TryDecode(text, literal.Kind == LiteralKind.EscapedString, scratch);
                value = decoded ? scratch.Unread : default;
                return decoded;
            default:
                value = default;
                return false;
        }
    }
}
