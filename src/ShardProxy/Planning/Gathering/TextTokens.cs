using ShardProxy.Statements;

namespace ShardProxy.Planning.Gathering;

/// <summary>Finds the ends of names in a text that the grammar has read.</summary>
internal static class TextTokens
{
    /// <summary>The end of the qualified name that starts at an offset; -1 when it is written in a way that is not followed here (U&amp;"…").</summary>
    /// <param name="parts">How many parts to take at most.</param>
    public static int EndOfName(ReadOnlySpan<byte> sql, int start, int parts)
    {
        var end = EndOfPart(sql, start);
        while (end >= 0 && --parts > 0)
        {
            var dot = SkipSpace(sql, end);
            if (dot >= sql.Length || sql[dot] != '.')
                break;
            var part = SkipSpace(sql, dot + 1);
            if (part >= sql.Length || sql[part] == '*')
                break;
            end = EndOfPart(sql, part);
        }
        return end;
    }

    /// <summary>Behind a dot and the space around it.</summary>
    public static int SkipDot(ReadOnlySpan<byte> sql, int position)
    {
        var dot = SkipSpace(sql, position);
        return dot < sql.Length && sql[dot] == '.' ? SkipSpace(sql, dot + 1) : -1;
    }

    /// <summary>Behind white space and comments.</summary>
    public static int SkipSpace(ReadOnlySpan<byte> sql, int position)
    {
        while (position < sql.Length)
        {
            if (SqlBytes.IsSpace(sql[position]))
                position++;
            else if (OperatorScan.IsCommentStart(sql, position) && OperatorScan.EndOfComment(sql, position) is var end and >= 0)
                position = end;
            else
                break;
        }
        return position;
    }

    /// <summary>The last two tokens that begin before an offset, of those that are words or single characters; for a look at the keyword in front of a name.</summary>
    public static (Range Second, Range Last) Before(ReadOnlySpan<byte> sql, int start, int limit)
    {
        var (second, last) = (default(Range), default(Range));
        for (var position = SkipSpace(sql, start); position < limit; position = SkipSpace(sql, position))
        {
            var end = EndOfToken(sql, position);
            if (end < 0)
                break;
            (second, last) = (last, position..end);
            position = end;
        }
        return (second, last);
    }

    public static bool IsWord(ReadOnlySpan<byte> sql, Range token, ReadOnlySpan<byte> word) =>
        System.Text.Ascii.EqualsIgnoreCase(sql[token], word);

    private static int EndOfPart(ReadOnlySpan<byte> sql, int start)
    {
        if (start >= sql.Length)
            return -1;
        if (sql[start] == '"')
            return StringScan.EndOfIdentifier(sql, start);
        if (!SqlBytes.IsWordStart(sql[start]) || (start + 2 < sql.Length && sql[start + 1] == '&' && sql[start + 2] == '"'))
            return -1;
        return EndOfWord(sql, start);
    }

    private static int EndOfToken(ReadOnlySpan<byte> sql, int start)
    {
        var value = sql[start];
        if (value == '"')
            return StringScan.EndOfIdentifier(sql, start);
        if (value == '\'')
            return StringScan.EndOfString(sql, start, EscapesBackslash(sql, start), doubling: true, out _);
        if (value == '$' && StringScan.DollarDelimiterLength(sql, start) is var delimiter and > 0)
            return StringScan.EndOfDollarString(sql, start, delimiter);
        return SqlBytes.IsWordStart(value) || SqlBytes.IsDigit(value) ? EndOfWord(sql, start) : start + 1;
    }

    // A word and a quote without space between them are one string: E'…'.
    private static bool EscapesBackslash(ReadOnlySpan<byte> sql, int quote) =>
        quote > 0 && (sql[quote - 1] | 0x20) == 'e' && (quote == 1 || !SqlBytes.IsWordByte(sql[quote - 2]));

    private static int EndOfWord(ReadOnlySpan<byte> sql, int start)
    {
        var end = start + 1;
        while (end < sql.Length && SqlBytes.IsWordByte(sql[end]))
            end++;
        return end;
    }
}
