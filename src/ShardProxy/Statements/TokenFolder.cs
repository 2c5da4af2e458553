namespace ShardProxy.Statements;

/// <summary>
/// Takes a text's tokens one after the other and hands each to the shape and to the statement bounds. What depends on the
/// token before it: a list may follow IN and ARRAY, the string after UESCAPE is part of the shape, and what follows a dot
/// or AS is a name whatever it says.
/// </summary>
internal sealed class TokenFolder(ShapeWriter writer, StatementBounds bounds)
{
    private Previous _previous;
    private int _lastEnd;
    private bool _standardStrings;

    /// <summary>What the token before was, as far as it changes how the next is taken.</summary>
    private enum Previous : byte
    {
        Other,
        DotOrAs,
        In,
        Array,
        Uescape,
    }

    public FirstKeyword FirstKeyword { get; private set; }

    public void Reset(bool standardStrings)
    {
        _standardStrings = standardStrings;
        _previous = Previous.Other;
        _lastEnd = 0;
        FirstKeyword = FirstKeyword.None;
    }

    /// <summary>All tokens from a position on; false when the text ends inside of one or holds a control character.</summary>
    public bool Fold(ReadOnlySpan<byte> sql, int position)
    {
        var complete = FoldTokens(sql, position);
        bounds.Close(complete ? _lastEnd : sql.Length);
        return complete;
    }

    private bool FoldTokens(ReadOnlySpan<byte> sql, int position)
    {
        while (position < sql.Length)
        {
            var start = position;
            var kind = SqlBytes.Class[sql[start]];
            if (kind == SqlByteClass.Space)
            {
                position++;
                continue;
            }
            if (kind == SqlByteClass.Semicolon)
            {
                Semicolon();
                position++;
                continue;
            }
            if (kind == SqlByteClass.Operator && OperatorScan.IsCommentStart(sql, start))
            {
                position = OperatorScan.EndOfComment(sql, start);
                if (position < 0)
                    return false;
                continue;
            }
            if (bounds.IsBetween)
                OpenStatement(start);
            position = kind == SqlByteClass.Word ? Word(sql, start) : OtherToken(sql, start, kind);
            if (position < 0)
                return false;
            _lastEnd = position;
        }
        return true;
    }

    private void OpenStatement(int start)
    {
        if (bounds.Count > 0)
            writer.Symbol((byte)';');
        bounds.Open(start);
    }

    /// <summary>Semicolons between statements are written when the next one begins, so those at the end are folded away.</summary>
    private void Semicolon()
    {
        _previous = Previous.Other;
        if (bounds.IsBetween)
            return;
        if (bounds.EndsAtSemicolon)
            bounds.Close(_lastEnd);
        else
            writer.Symbol((byte)';');
    }

    private int Word(ReadOnlySpan<byte> sql, int start)
    {
        if (start + 1 < sql.Length && sql[start + 1] is (byte)'\'' or (byte)'&')
        {
            var end = PrefixedString(sql, start);
            if (end != 0)
                return end;
        }
        var position = writer.Word(sql, start);
        var word = writer.LastWord;
        var isName = _previous == Previous.DotOrAs;
        if (FirstKeyword == FirstKeyword.None)
            FirstKeyword = FirstKeywords.Find(word);
        if (bounds.WatchesWords)
            bounds.OnWord(word, isName);
        _previous = isName ? Previous.Other : word.Length switch
        {
            2 when word.SequenceEqual("in"u8) => Previous.In,
            2 when word.SequenceEqual("as"u8) => Previous.DotOrAs,
            5 when word.SequenceEqual("array"u8) => Previous.Array,
            7 when word.SequenceEqual("uescape"u8) => Previous.Uescape,
            _ => Previous.Other,
        };
        return position;
    }

    /// <summary>E'…', B'…', X'…', N'…', U&amp;'…' and U&amp;"…" at the offset: the end, -1 when the text ends first, 0 when it is a word after all.</summary>
    private int PrefixedString(ReadOnlySpan<byte> sql, int start)
    {
        var prefix = sql[start] | 0x20;
        if (sql[start + 1] == '&')
        {
            if (prefix != 'u' || start + 2 == sql.Length)
                return 0;
            return sql[start + 2] switch
            {
                (byte)'\'' => String(sql, start, start + 2, LiteralKind.UnicodeString),
                (byte)'"' => QuotedIdentifier(sql, start, start + 2),
                _ => 0,
            };
        }
        switch (prefix)
        {
            case 'e':
                return String(sql, start, start + 1, LiteralKind.EscapedString);
            case 'b':
                return String(sql, start, start + 1, LiteralKind.BitString);
            case 'x':
                return String(sql, start, start + 1, LiteralKind.HexString);
            case 'n':
                NoteOther();
                writer.National();
                return String(sql, start + 1, start + 1, LiteralKind.String);
            default:
                return 0;
        }
    }

    private int OtherToken(ReadOnlySpan<byte> sql, int start, SqlByteClass kind)
    {
        switch (kind)
        {
            case SqlByteClass.Digit:
                return Number(sql, start);
            case SqlByteClass.Quote:
                return String(sql, start, start, _standardStrings ? LiteralKind.String : LiteralKind.EscapedString);
            case SqlByteClass.DoubleQuote:
                return QuotedIdentifier(sql, start, start);
            case SqlByteClass.Dollar:
                return Dollar(sql, start);
            case SqlByteClass.Dot:
                return Dot(sql, start);
            case SqlByteClass.Operator:
                return Verbatim(sql, start, OperatorScan.EndOfOperator(sql, start));
            case SqlByteClass.Colon:
                return Verbatim(sql, start, start + (start + 1 < sql.Length && sql[start + 1] is (byte)':' or (byte)'=' ? 2 : 1));
            case SqlByteClass.Control:
                return -1;
            default:
                Punctuation(sql[start], kind);
                return start + 1;
        }
    }

    private void Punctuation(byte symbol, SqlByteClass kind)
    {
        var previous = _previous;
        NoteOther();
        switch (kind)
        {
            case SqlByteClass.OpenParenthesis:
                bounds.OpenParenthesis();
                if (previous == Previous.In)
                    writer.OpenList(symbol);
                else
                    writer.Symbol(symbol);
                break;
            case SqlByteClass.OpenBracket when previous == Previous.Array:
                writer.OpenList(symbol);
                break;
            case SqlByteClass.CloseParenthesis:
                bounds.CloseParenthesis();
                writer.CloseList(symbol);
                break;
            case SqlByteClass.CloseBracket:
                writer.CloseList(symbol);
                break;
            case SqlByteClass.Comma:
                writer.Comma();
                break;
            default:
                writer.Symbol(symbol);
                break;
        }
    }

    private int Verbatim(ReadOnlySpan<byte> sql, int start, int end)
    {
        NoteOther();
        writer.Token(sql[start..end]);
        return end;
    }

    private int QuotedIdentifier(ReadOnlySpan<byte> sql, int start, int quote)
    {
        var end = StringScan.EndOfIdentifier(sql, quote);
        return end < 0 ? -1 : Verbatim(sql, start, end);
    }

    private int String(ReadOnlySpan<byte> sql, int start, int quote, LiteralKind kind)
    {
        var isBits = kind is LiteralKind.BitString or LiteralKind.HexString;
        var end = StringScan.EndOfString(sql, quote, kind == LiteralKind.EscapedString, doubling: !isBits, out var plain);
        if (end < 0)
            return -1;
        if (kind == LiteralKind.String && !plain)
            kind = LiteralKind.QuotedString;
        return Literal(sql, new Literal(start, end - start, kind));
    }

    private int Number(ReadOnlySpan<byte> sql, int start)
    {
        var end = NumberScan.End(sql, start, out var kind);
        return Literal(sql, new Literal(start, end - start, kind));
    }

    private int Literal(ReadOnlySpan<byte> sql, Literal literal)
    {
        var writtenOut = _previous == Previous.Uescape || literal.Kind is LiteralKind.OddNumber or LiteralKind.UnicodeString;
        NoteOther();
        if (writtenOut)
            writer.WrittenOutLiteral(sql, literal);
        else
            writer.FoldedLiteral(literal);
        return literal.End;
    }

    /// <summary>$1, a dollar quote, or a dollar alone. Letters after $1 are an error or a word, by version: they stay part of the token.</summary>
    private int Dollar(ReadOnlySpan<byte> sql, int start)
    {
        var position = start + 1;
        if (position < sql.Length && SqlBytes.IsDigit(sql[position]))
        {
            while (position < sql.Length && SqlBytes.IsDigit(sql[position]))
                position++;
            if (position < sql.Length && SqlBytes.IsWordStart(sql[position]))
            {
                while (position < sql.Length && SqlBytes.IsWordByte(sql[position]))
                    position++;
            }
            return Verbatim(sql, start, position);
        }
        var delimiter = StringScan.DollarDelimiterLength(sql, start);
        if (delimiter == 0)
            return Verbatim(sql, start, position);
        var end = StringScan.EndOfDollarString(sql, start, delimiter);
        return end < 0 ? -1 : Literal(sql, new Literal(start, end - start, LiteralKind.DollarString));
    }

    private int Dot(ReadOnlySpan<byte> sql, int start)
    {
        if (start + 1 < sql.Length)
        {
            if (SqlBytes.IsDigit(sql[start + 1]))
                return Number(sql, start);
            if (sql[start + 1] == '.')
                return Verbatim(sql, start, start + 2);
        }
        Verbatim(sql, start, start + 1);
        _previous = Previous.DotOrAs;
        return start + 1;
    }

    /// <summary>The token at hand is no unquoted word.</summary>
    private void NoteOther()
    {
        _previous = Previous.Other;
        if (FirstKeyword == FirstKeyword.None)
            FirstKeyword = FirstKeyword.Other;
        if (bounds.WatchesWords)
            bounds.OnOther();
    }
}
