using ShardProxy.Statements;

namespace ShardProxy.Planning.Commands;

/// <summary>Finds where the statement inside PREPARE begins: after AS, the first one outside parentheses.</summary>
internal static class PreparedBody
{
    public static int Find(ReadOnlySpan<byte> sql, int start, int end)
    {
        var depth = 0;
        var position = start;
        while (position < end)
        {
            var value = sql[position];
            if (value == '"')
            {
                position = StringScan.EndOfIdentifier(sql, position);
                if (position < 0)
                    return end;
                continue;
            }
            if (OperatorScan.IsCommentStart(sql, position))
            {
                position = OperatorScan.EndOfComment(sql, position);
                if (position < 0)
                    return end;
                continue;
            }
            if (SqlBytes.IsWordStart(value))
            {
                var wordEnd = position;
                while (wordEnd < end && SqlBytes.IsWordByte(sql[wordEnd]))
                    wordEnd++;
                // The name itself may be no keyword AS: that word is reserved.
                if (depth == 0 && wordEnd - position == 2 && (sql[position] | 0x20) == 'a' && (sql[position + 1] | 0x20) == 's')
                    return wordEnd;
                position = wordEnd;
                continue;
            }
            depth += value == '(' ? 1 : value == ')' ? -1 : 0;
            position++;
        }
        return end;
    }
}
