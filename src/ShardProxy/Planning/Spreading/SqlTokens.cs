using System.Text;
using ShardProxy.Statements;

namespace ShardProxy.Planning.Spreading;

internal enum TokenKind
{
    Word,

    /// <summary>A quoted name.</summary>
    Name,

    /// <summary>A string, a number, a parameter.</summary>
    Value,

    /// <summary>An operator or a punctuation mark.</summary>
    Mark,
}

/// <param name="Depth">Parentheses and brackets around it; an opening one counts as outside of itself, and so does a closing one.</param>
internal readonly record struct SqlToken(TokenKind Kind, int Start, int End, int Depth);

/// <summary>A statement's text as tokens with their places: enough to cut it into clauses, whose meaning the tree has.</summary>
internal sealed class SqlTokens
{
    private readonly byte[] _sql;
    private readonly List<SqlToken> _tokens;

    private SqlTokens(byte[] sql, List<SqlToken> tokens)
    {
        _sql = sql;
        _tokens = tokens;
    }

    public int Count => _tokens.Count;

    public SqlToken this[int index] => _tokens[index];

    /// <summary>Null for a text that it cannot read.</summary>
    public static SqlTokens? Read(ReadOnlySpan<byte> text, int start, int end)
    {
        var sql = text[..end].ToArray();
        return TryScan(sql, start, end, out var tokens) is 0 ? new SqlTokens(sql, tokens) : null;
    }

    /// <summary>The tokens of a stretch, whose parentheses need not match; up to where it cannot be read.</summary>
    public static IReadOnlyList<SqlToken> Scan(byte[] sql, int start, int end)
    {
        TryScan(sql, start, end, out var tokens);
        return tokens;
    }

    /// <returns>Parentheses left open; null for what cannot be read.</returns>
    private static int? TryScan(byte[] sql, int start, int end, out List<SqlToken> tokens)
    {
        tokens = [];
        var depth = 0;
        for (var position = start; position < end;)
        {
            if (SqlBytes.IsSpace(sql[position]))
            {
                position++;
                continue;
            }
            if (OperatorScan.IsCommentStart(sql, position))
            {
                position = OperatorScan.EndOfComment(sql, position);
                if (position < 0)
                    return null;
                continue;
            }
            var (kind, next) = Next(sql, position);
            if (next <= position || next > end)
                return null;
            if (kind == TokenKind.Mark && sql[position] is (byte)')' or (byte)']')
                depth--;
            tokens.Add(new SqlToken(kind, position, next, depth));
            if (kind == TokenKind.Mark && sql[position] is (byte)'(' or (byte)'[')
                depth++;
            position = next;
        }
        return depth;
    }

    public string Text(int start, int end) => Encoding.UTF8.GetString(_sql, start, end - start);

    public bool IsWord(int index, string word) =>
        index >= 0 && index < Count && _tokens[index].Kind == TokenKind.Word && Ascii.EqualsIgnoreCase(_sql.AsSpan(_tokens[index].Start, _tokens[index].End - _tokens[index].Start), word);

    public bool IsMark(int index, char mark) =>
        index >= 0 && index < Count && _tokens[index].Kind == TokenKind.Mark && _tokens[index].End == _tokens[index].Start + 1 && _sql[_tokens[index].Start] == mark;

    /// <summary>The token that starts at an offset; -1 when none does.</summary>
    public int At(int start) => _tokens.FindIndex(token => token.Start == start);

    /// <summary>The closing parenthesis or bracket of the opening one.</summary>
    public int Closing(int opening)
    {
        var depth = _tokens[opening].Depth;
        for (var index = opening + 1; index < Count; index++)
        {
            if (_tokens[index].Depth == depth && (IsMark(index, ')') || IsMark(index, ']')))
                return index;
        }
        return -1;
    }

    private static (TokenKind Kind, int End) Next(byte[] sql, int position)
    {
        var value = sql[position];
        switch (SqlBytes.Class[value])
        {
            case SqlByteClass.Quote:
                return (TokenKind.Value, StringScan.EndOfString(sql, position, backslashEscapes: false, doubling: true, out _));
            case SqlByteClass.DoubleQuote:
                return (TokenKind.Name, StringScan.EndOfIdentifier(sql, position));
            case SqlByteClass.Word:
                return Word(sql, position);
            case SqlByteClass.Digit:
                return (TokenKind.Value, NumberScan.End(sql, position, out _));
            case SqlByteClass.Dot when position + 1 < sql.Length && SqlBytes.IsDigit(sql[position + 1]):
                return (TokenKind.Value, NumberScan.End(sql, position, out _));
            case SqlByteClass.Dollar:
                return Dollar(sql, position);
            case SqlByteClass.Operator:
                return (TokenKind.Mark, OperatorScan.EndOfOperator(sql, position));
            case SqlByteClass.Colon:
                return (TokenKind.Mark, position + 1 < sql.Length && sql[position + 1] is (byte)':' or (byte)'=' ? position + 2 : position + 1);
            case SqlByteClass.Control or SqlByteClass.Other:
                return (TokenKind.Mark, -1);
            default:
                return (TokenKind.Mark, position + 1);
        }
    }

    private static (TokenKind Kind, int End) Word(byte[] sql, int position)
    {
        var end = position;
        while (end < sql.Length && SqlBytes.IsWordByte(sql[end]))
            end++;
        if (end < sql.Length && sql[end] == '\'' && end == position + 1 && (sql[position] | 0x20) is 'e' or 'b' or 'x' or 'n')
        {
            var escapes = (sql[position] | 0x20) == 'e';
            return (TokenKind.Value, StringScan.EndOfString(sql, end, escapes, doubling: (sql[position] | 0x20) is 'e' or 'n', out _));
        }
        // U&'…' and U&"…" may be followed by UESCAPE: too odd to be cut.
        return end == position + 1 && (sql[position] | 0x20) == 'u' && end + 1 < sql.Length && sql[end] == '&' && sql[end + 1] is (byte)'\'' or (byte)'"'
            ? (TokenKind.Value, -1)
            : (TokenKind.Word, end);
    }

    private static (TokenKind Kind, int End) Dollar(byte[] sql, int position)
    {
        if (StringScan.DollarDelimiterLength(sql, position) is var delimiter and > 0)
            return (TokenKind.Value, StringScan.EndOfDollarString(sql, position, delimiter));
        var end = position + 1;
        while (end < sql.Length && SqlBytes.IsDigit(sql[end]))
            end++;
        return (TokenKind.Value, end);
    }
}
