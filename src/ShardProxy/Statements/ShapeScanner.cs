namespace ShardProxy.Statements;

/// <summary>
/// The data path's only look at SQL text: one pass that folds it to its shape, notes where its literals stand, cuts it
/// into statements and reads a routing hint. The tokens are those of PostgreSQL's lexer (src/backend/parser/scan.l) for
/// every encoding in which an ASCII byte is always that character. It never throws on bad text: where versions of
/// PostgreSQL disagree the bytes become part of the shape, and a text that ends inside a token is not
/// <see cref="IsComplete"/>. A session owns one and reuses it; in steady state a scan allocates nothing.
/// All results are those of the last <see cref="Scan"/>.
/// </summary>
public sealed class ShapeScanner
{
    private readonly ShapeWriter _writer = new();
    private readonly StatementBounds _bounds = new();

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

    /// <summary>False when the text ends inside a quote or comment, or holds a control character outside of them: its shape must not be used.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Of <see cref="Shape"/>; differs from process to process.</summary>
    public ulong Hash { get; private set; }

    public ReadOnlySpan<byte> Shape => _writer.Shape;

    public int LiteralCount => _writer.LiteralCount;

    public int SlotCount => _writer.SlotCount;

    /// <summary>Statements that are not empty.</summary>
    public int StatementCount => _bounds.Count;

    public RoutingHint Hint { get; private set; }

    public FirstKeyword FirstKeyword { get; private set; }

    public Literal GetLiteral(int index) => _writer.Literals[index];

    public LiteralSlot GetSlot(int slot) => _writer.Slots[slot];

    /// <summary>A statement's bytes from its first token to its last, without the semicolon.</summary>
    public (int Start, int End) GetStatement(int index) => _bounds[index];

    /// <summary>The slot that holds the literal at a byte offset, else the first slot after it (a parser places a negative constant at its sign); -1 when there is none.</summary>
    public int FindSlot(int offset)
    {
        var literals = _writer.Literals;
        var slots = _writer.Slots;
        var (low, high) = (0, slots.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            var slot = slots[middle];
            if (literals[slot.FirstLiteral + slot.LiteralCount - 1].Start < offset)
                low = middle + 1;
            else
                high = middle;
        }
        return low < slots.Length ? low : -1;
    }

    /// <param name="standardConformingStrings">The session's setting: when off, a backslash in '…' escapes. It is part of the shape.</param>
    public void Scan(ReadOnlySpan<byte> sql, bool standardConformingStrings = true)
    {
        _writer.Reset(sql.Length);
        _bounds.Reset();
        _standardStrings = standardConformingStrings;
        _previous = Previous.Other;
        _lastEnd = 0;
        Hint = default;
        FirstKeyword = FirstKeyword.None;

        var position = SkipLeadingSpace(sql);
        IsComplete = position >= 0;
        WriteHeader(sql);
        if (IsComplete)
            IsComplete = ScanTokens(sql, position);
        _bounds.Close(_lastEnd);
        Hash = ShapeHash.Compute(_writer.Shape);
    }

    /// <summary>White space and comments before the first token; the first hint among them counts. -1: a comment does not end.</summary>
    private int SkipLeadingSpace(ReadOnlySpan<byte> sql)
    {
        var position = 0;
        while (position < sql.Length)
        {
            if (SqlBytes.IsSpace(sql[position]))
            {
                position++;
            }
            else if (OperatorScan.IsCommentStart(sql, position))
            {
                var start = position;
                position = SkipComment(sql, position);
                if (position < 0)
                    return -1;
                if (sql[start] == '/' && Hint.Kind == RoutingHintKind.None)
                    Hint = HintReader.Read(sql, start, position);
            }
            else
            {
                break;
            }
        }
        return position;
    }

    private void WriteHeader(ReadOnlySpan<byte> sql) =>
        _writer.Header(_standardStrings, Hint.Kind, Hint.Kind == RoutingHintKind.Shard ? sql.Slice(Hint.Value.Start, Hint.Value.Length) : default);

    private bool ScanTokens(ReadOnlySpan<byte> sql, int position)
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
                position = SkipComment(sql, start);
                if (position < 0)
                    return false;
                continue;
            }
            if (_bounds.IsBetween)
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
        if (_bounds.Count > 0)
            _writer.Symbol((byte)';');
        _bounds.Open(start);
    }

    /// <summary>Semicolons between statements are written when the next one begins, so those at the end are folded away.</summary>
    private void Semicolon()
    {
        _previous = Previous.Other;
        if (_bounds.IsBetween)
            return;
        if (_bounds.EndsAtSemicolon)
            _bounds.Close(_lastEnd);
        else
            _writer.Symbol((byte)';');
    }

    private static int SkipComment(ReadOnlySpan<byte> sql, int start) =>
        sql[start] == '-' ? OperatorScan.EndOfLineComment(sql, start) : OperatorScan.EndOfBlockComment(sql, start);

    private int Word(ReadOnlySpan<byte> sql, int start)
    {
        if (start + 1 < sql.Length && sql[start + 1] is (byte)'\'' or (byte)'&')
        {
            var end = PrefixedString(sql, start);
            if (end != 0)
                return end;
        }
        var position = _writer.Word(sql, start);
        var word = _writer.LastWord;
        var isName = _previous == Previous.DotOrAs;
        if (FirstKeyword == FirstKeyword.None)
            FirstKeyword = FirstKeywords.Find(word);
        if (_bounds.WatchesWords)
            _bounds.OnWord(word, isName);
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
                _writer.National();
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
                _bounds.OpenParenthesis();
                if (previous == Previous.In)
                    _writer.OpenList(symbol);
                else
                    _writer.Symbol(symbol);
                break;
            case SqlByteClass.OpenBracket when previous == Previous.Array:
                _writer.OpenList(symbol);
                break;
            case SqlByteClass.CloseParenthesis:
                _bounds.CloseParenthesis();
                _writer.CloseList(symbol);
                break;
            case SqlByteClass.CloseBracket:
                _writer.CloseList(symbol);
                break;
            case SqlByteClass.Comma:
                _writer.Comma();
                break;
            default:
                _writer.Symbol(symbol);
                break;
        }
    }

    private int Verbatim(ReadOnlySpan<byte> sql, int start, int end)
    {
        NoteOther();
        _writer.Token(sql[start..end]);
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
            _writer.WrittenOutLiteral(sql, literal);
        else
            _writer.FoldedLiteral(literal);
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
        if (_bounds.WatchesWords)
            _bounds.OnOther();
    }
}
