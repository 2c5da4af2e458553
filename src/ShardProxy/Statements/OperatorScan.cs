using System.Buffers;

namespace ShardProxy.Statements;

/// <summary>Where operators and comments end, by scan.l's rules.</summary>
internal static class OperatorScan
{
    private static readonly SearchValues<byte> OwnOperatorBytes = SearchValues.Create("~!@#^&|`?%"u8);

    /// <param name="start">Offset of an operator character at which no comment starts.</param>
    public static int EndOfOperator(ReadOnlySpan<byte> sql, int start)
    {
        var end = start + 1;
        while (end < sql.Length && SqlBytes.IsOperator(sql[end]) && !IsCommentStart(sql, end))
            end++;
        return end - start > 1 && sql[end - 1] is (byte)'+' or (byte)'-' ? TrimSigns(sql, start, end) : end;
    }

    public static bool IsCommentStart(ReadOnlySpan<byte> sql, int position)
    {
        if (position + 1 >= sql.Length)
            return false;
        var first = sql[position];
        return (first == '-' && sql[position + 1] == '-') || (first == '/' && sql[position + 1] == '*');
    }

    /// <summary>The end of the comment that starts at the offset; -1 when the text ends first.</summary>
    public static int EndOfComment(ReadOnlySpan<byte> sql, int start) =>
        sql[start] == '-' ? EndOfLineComment(sql, start) : EndOfBlockComment(sql, start);

    /// <summary>Its line end or the text's.</summary>
    private static int EndOfLineComment(ReadOnlySpan<byte> sql, int start)
    {
        var length = sql[start..].IndexOfAny((byte)'\n', (byte)'\r');
        return length < 0 ? sql.Length : start + length;
    }

    /// <summary>A block comment may hold others.</summary>
    private static int EndOfBlockComment(ReadOnlySpan<byte> sql, int start)
    {
        var depth = 1;
        var position = start + 2;
        while (true)
        {
            var next = sql[position..].IndexOfAny((byte)'*', (byte)'/');
            if (next < 0 || position + next + 1 >= sql.Length)
                return -1;
            position += next;
            var pair = (sql[position], sql[position + 1]);
            if (pair == ((byte)'*', (byte)'/'))
            {
                position += 2;
                if (--depth == 0)
                    return position;
            }
            else if (pair == ((byte)'/', (byte)'*'))
            {
                position += 2;
                depth++;
            }
            else
            {
                position++;
            }
        }
    }

    /// <summary>
    /// An operator of several characters ends in + or - only if it holds a character that no operator of standard SQL has:
    /// so a=-1 is a = -1.
    /// </summary>
    private static int TrimSigns(ReadOnlySpan<byte> sql, int start, int end)
    {
        if (sql[start..(end - 1)].ContainsAny(OwnOperatorBytes))
            return end;
        while (end - start > 1 && sql[end - 1] is (byte)'+' or (byte)'-')
            end--;
        return end;
    }
}
