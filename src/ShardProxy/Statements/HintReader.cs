namespace ShardProxy.Statements;

/// <summary>Reads a routing hint from a block comment: <c>shardproxy: key=value</c>, <c>shardproxy: key=value zone=value</c> or <c>shardproxy: shard=name</c>.</summary>
internal static class HintReader
{
    private static ReadOnlySpan<byte> Prefix => "shardproxy:"u8;

    /// <param name="start">Offset of the comment's <c>/*</c>.</param>
    /// <param name="end">Offset after its <c>*/</c>.</param>
    public static RoutingHint Read(ReadOnlySpan<byte> sql, int start, int end)
    {
        var last = end - 2;
        var position = SkipSpace(sql, start + 2, last);
        if (!TakeWord(sql, ref position, last, Prefix))
            return default;
        position = SkipSpace(sql, position, last);
        RoutingHintKind kind;
        if (TakeWord(sql, ref position, last, "key"u8))
            kind = RoutingHintKind.Key;
        else if (TakeWord(sql, ref position, last, "shard"u8))
            kind = RoutingHintKind.Shard;
        else
            return Malformed(start, end);
        if (!TryTakeAssigned(sql, ref position, last, out var value))
            return Malformed(start, end);
        var hint = new RoutingHint(kind, value);
        if (position != last && kind == RoutingHintKind.Key && TakeWord(sql, ref position, last, "zone"u8))
        {
            if (!TryTakeAssigned(sql, ref position, last, out var zone))
                return Malformed(start, end);
            hint = hint with { Zone = zone };
        }
        return position == last ? hint : Malformed(start, end);
    }

    /// <summary>An equals sign and what stands behind it, with the white space around both.</summary>
    private static bool TryTakeAssigned(ReadOnlySpan<byte> sql, ref int position, int last, out Literal value)
    {
        value = default;
        position = SkipSpace(sql, position, last);
        if (position == last || sql[position] != '=')
            return false;
        if (!TryTakeValue(sql[..last], SkipSpace(sql, position + 1, last), out value))
            return false;
        position = SkipSpace(sql, value.End, last);
        return true;
    }

    private static RoutingHint Malformed(int start, int end) =>
        new(RoutingHintKind.Malformed, new Literal(start, end - start, LiteralKind.BareWord));

    /// <summary>'…' with doubled quotes, or a run of bytes without white space and quotes.</summary>
    private static bool TryTakeValue(ReadOnlySpan<byte> body, int start, out Literal value)
    {
        value = default;
        var position = start;
        if (position < body.Length && body[position] == '\'')
        {
            var plain = true;
            while (true)
            {
                var quote = body[(position + 1)..].IndexOf((byte)'\'');
                if (quote < 0)
                    return false;
                position += quote + 1;
                if (position + 1 == body.Length || body[position + 1] != '\'')
                    break;
                plain = false;
                position++;
            }
            value = new Literal(start, position + 1 - start, plain ? LiteralKind.String : LiteralKind.QuotedString);
            return true;
        }
        while (position < body.Length && !SqlBytes.IsSpace(body[position]) && body[position] is not ((byte)'\'' or (byte)'"'))
            position++;
        value = new Literal(start, position - start, LiteralKind.BareWord);
        return position > start;
    }

    private static bool TakeWord(ReadOnlySpan<byte> sql, ref int position, int last, ReadOnlySpan<byte> word)
    {
        if (last - position < word.Length || !System.Text.Ascii.EqualsIgnoreCase(sql.Slice(position, word.Length), word))
            return false;
        position += word.Length;
        return true;
    }

    private static int SkipSpace(ReadOnlySpan<byte> sql, int position, int last)
    {
        while (position < last && SqlBytes.IsSpace(sql[position]))
            position++;
        return position;
    }
}
