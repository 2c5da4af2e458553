using ShardProxy.Statements;

namespace ShardProxy.Sessions.Running;

/// <summary>An EXECUTE (with EXPLAIN or CREATE TABLE … AS before it) under the name that the statement has on servers.</summary>
internal static class ExecuteText
{
    /// <returns>The text with another name; what stands around the name is kept byte by byte.</returns>
    public static byte[] Rename(ReadOnlySpan<byte> sql, ReadOnlySpan<byte> name)
    {
        var position = EndOfVerb(sql);
        while (position < sql.Length && (char.IsWhiteSpace((char)sql[position]) || OperatorScan.IsCommentStart(sql, position)))
            position = OperatorScan.IsCommentStart(sql, position) ? Math.Max(OperatorScan.EndOfComment(sql, position), position + 1) : position + 1;
        var end = position;
        if (end < sql.Length && sql[end] == '"')
            end = StringScan.EndOfIdentifier(sql, end);
        else
            end = EndOfWord(sql, end);
        return [.. sql[..position], .. name, .. sql[end..]];
    }

    /// <summary>Where the word EXECUTE starts.</summary>
    public static int StartOfVerb(ReadOnlySpan<byte> sql) => EndOfVerb(sql) - "execute".Length;

    // The first word EXECUTE outside of parentheses (EXPLAIN's options), quotes and comments.
    private static int EndOfVerb(ReadOnlySpan<byte> sql)
    {
        var depth = 0;
        for (var position = 0; position < sql.Length;)
        {
            if (sql[position] == '"')
            {
                position = StringScan.EndOfIdentifier(sql, position);
            }
            else if (OperatorScan.IsCommentStart(sql, position))
            {
                position = OperatorScan.EndOfComment(sql, position);
            }
            else if (SqlBytes.IsWordStart(sql[position]))
            {
                var end = EndOfWord(sql, position);
                if (depth == 0 && System.Text.Ascii.EqualsIgnoreCase(sql[position..end], "execute"u8))
                    return end;
                position = end;
            }
            else
            {
                depth += sql[position] == '(' ? 1 : sql[position] == ')' ? -1 : 0;
                position++;
            }
        }
        throw new InvalidOperationException("A text without EXECUTE was planned as one.");
    }

    private static int EndOfWord(ReadOnlySpan<byte> sql, int position)
    {
        while (position < sql.Length && SqlBytes.IsWordByte(sql[position]))
            position++;
        return position;
    }
}
