namespace ShardProxy.Statements;

/// <summary>Where quoted tokens end, by scan.l's rules. A result of -1: the text ends first.</summary>
internal static class StringScan
{
    /// <summary>The end of '…', continuation lines included.</summary>
    /// <param name="quote">Offset of the opening quote.</param>
    /// <param name="backslashEscapes">The body is that of E'…'.</param>
    /// <param name="doubling">Two quotes in a row are one in the value (not so in B'…' and X'…').</param>
    /// <param name="plain">The value is the bytes between the quotes.</param>
    public static int EndOfString(ReadOnlySpan<byte> sql, int quote, bool backslashEscapes, bool doubling, out bool plain)
    {
        plain = !backslashEscapes;
        var position = quote + 1;
        while (true)
        {
            var next = backslashEscapes ? sql[position..].IndexOfAny((byte)'\'', (byte)'\\') : sql[position..].IndexOf((byte)'\'');
            if (next < 0)
                return -1;
            position += next + 1;
            if (sql[position - 1] == '\\')
            {
                if (position == sql.Length)
                    return -1;
                position++;
            }
            else if (doubling && position < sql.Length && sql[position] == '\'')
            {
                plain = false;
                position++;
            }
            else
            {
                var continued = Continuation(sql, position);
                if (continued < 0)
                    return position;
                plain = false;
                position = continued + 1;
            }
        }
    }

    /// <summary>The end of "…".</summary>
    public static int EndOfIdentifier(ReadOnlySpan<byte> sql, int quote)
    {
        var position = quote + 1;
        while (true)
        {
            var next = sql[position..].IndexOf((byte)'"');
            if (next < 0)
                return -1;
            position += next + 1;
            if (position == sql.Length || sql[position] != '"')
                return position;
            position++;
        }
    }

    /// <summary>Length of a dollar quote's delimiter ($$ or $tag$) at the offset; 0 when none stands there.</summary>
    public static int DollarDelimiterLength(ReadOnlySpan<byte> sql, int dollar)
    {
        var position = dollar + 1;
        if (position < sql.Length && SqlBytes.IsWordStart(sql[position]))
        {
            position++;
            while (position < sql.Length && (SqlBytes.IsWordStart(sql[position]) || SqlBytes.IsDigit(sql[position])))
                position++;
        }
        return position < sql.Length && sql[position] == '$' ? position + 1 - dollar : 0;
    }

    /// <summary>The end of $tag$…$tag$.</summary>
    public static int EndOfDollarString(ReadOnlySpan<byte> sql, int dollar, int delimiterLength)
    {
        var body = dollar + delimiterLength;
        var close = sql[body..].IndexOf(sql.Slice(dollar, delimiterLength));
        return close < 0 ? -1 : body + close + delimiterLength;
    }

    /// <summary>
    /// After a closing quote: the offset of the quote that goes on the same string, or -1. Between them stand white space
    /// and line comments with at least one line end (scan.l: quotecontinue).
    /// </summary>
    public static int Continuation(ReadOnlySpan<byte> sql, int position)
    {
        var lineEnded = false;
        while (position < sql.Length)
        {
            var value = sql[position];
            if (SqlBytes.IsSpace(value))
            {
                lineEnded |= SqlBytes.IsNewLine(value);
                position++;
            }
            else if (value == '-' && position + 1 < sql.Length && sql[position + 1] == '-')
            {
                var lineEnd = sql[position..].IndexOfAny((byte)'\n', (byte)'\r');
                if (lineEnd < 0)
                    return -1;
                position += lineEnd;
            }
            else
            {
                return value == '\'' && lineEnded ? position : -1;
            }
        }
        return -1;
    }
}
