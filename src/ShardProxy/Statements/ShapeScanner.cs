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
    private readonly TokenFolder _tokens;

    public ShapeScanner() => _tokens = new TokenFolder(_writer, _bounds);

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

    public FirstKeyword FirstKeyword => _tokens.FirstKeyword;

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
        _tokens.Reset(standardConformingStrings);
        Hint = default;

        var position = SkipLeadingSpace(sql);
        var shard = Hint.Kind == RoutingHintKind.Shard ? sql.Slice(Hint.Value.Start, Hint.Value.Length) : default;
        _writer.Header(standardConformingStrings, Hint.Kind, shard);
        IsComplete = position >= 0 && _tokens.Fold(sql, position);
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
                position = OperatorScan.EndOfComment(sql, position);
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
}
