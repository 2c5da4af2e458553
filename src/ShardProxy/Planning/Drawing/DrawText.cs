using System.Text;
using ShardProxy.Planning.Spreading;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements;

namespace ShardProxy.Planning.Drawing;

/// <summary>
/// A statement's text cut at the places where identifiers are drawn: a piece, a slot, a piece, a slot … and a last piece.
/// A plan holds for all texts of a shape, and the places are each text's own, so they are found by its tokens.
/// </summary>
internal sealed class DrawText
{
    private readonly byte[] _sql;
    private readonly DrawPlan _plan;
    private readonly SqlTokens _tokens;
    private readonly List<byte[]> _pieces = [];
    private readonly List<DrawSlot> _slots = [];
    private readonly ByteBuffer _piece = new();
    private int _taken;
    private bool _casts;

    private DrawText(byte[] sql, DrawPlan plan, SqlTokens tokens, int start)
    {
        _sql = sql;
        _plan = plan;
        _tokens = tokens;
        _taken = start;
    }

    public IReadOnlyList<DrawSlot> Slots => _slots;

    /// <param name="start">Where the statement begins.</param>
    /// <returns>Null when the text is not built as expected.</returns>
    public static DrawText? Cut(ReadOnlySpan<byte> sql, int start, int end, DrawPlan plan)
    {
        var bytes = sql[..end].ToArray();
        if (SqlTokens.Read(bytes, start, end) is not { Count: > 2 } tokens)
            return null;
        var text = new DrawText(bytes, plan, tokens, start);
        if (!(plan.OutputName is null ? text.CutInsert() : text.CutSelect()))
            return null;
        text._piece.Write(bytes.AsSpan(text._taken));
        text._pieces.Add(text._piece.Unread.ToArray());
        return text;
    }

    /// <summary>By which a call is found again in another text of the shape.</summary>
    public static string KeyOf(DrawKind kind, IReadOnlyList<string> literals) => $"{kind}\0{string.Join('\0', literals)}";

    /// <summary>The text with the values in it.</summary>
    public byte[] WithValues(IReadOnlyList<long> values) => Join(slot => values[slot].ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>The text with parameters for the values, the first of them <paramref name="first"/>.</summary>
    public byte[] WithParameters(int first) => Join(slot => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"${first + slot}"));

    private byte[] Join(Func<int, string> value)
    {
        var text = new ByteBuffer();
        for (var slot = 0; slot < _slots.Count; slot++)
        {
            text.Write(_pieces[slot]);
            text.Write(Encoding.ASCII.GetBytes(_casts ? $"CAST({value(slot)} AS pg_catalog.int8)" : value(slot)));
        }
        text.Write(_pieces[^1]);
        return text.Unread.ToArray();
    }

    private bool CutSelect()
    {
        // SELECT name ( … ): the call is all there is, so its name is the second token.
        if (ReadCall(1, out var end) is not { } call)
            return false;
        _casts = true;
        Keep(_tokens[1].Start);
        Slot(new DrawSlot(call.Kind, call.Sequence, TypeOid.Int8, IsIdentity: false));
        _taken = _tokens[end].End;
        if (end + 1 >= _tokens.Count || _tokens.IsMark(end + 1, ';'))
            Add($" AS {Identifiers.QuoteAlways(_plan.OutputName!)}");
        return true;
    }

    private bool CutInsert()
    {
        var index = 0;
        while (index < _tokens.Count && !_tokens.IsWord(index, "into"))
            index++;
        // The table's name, in parts; a part may be spelled like a keyword.
        index += 2;
        while (_tokens.IsMark(index, '.'))
            index += 2;
        if (_tokens.IsWord(index, "as"))
            index += 2;
        var omitted = _plan.Columns.Where(static column => column.Ordinal < 0).ToList();
        if (_tokens.IsMark(index, '('))
        {
            index = _tokens.Closing(index);
            if (index < 0)
                return false;
            if (omitted.Count > 0)
            {
                Keep(_tokens[index].Start);
                Add(string.Concat(omitted.Select(static column => $", {Identifiers.QuoteAlways(column.Name)}")));
            }
            index++;
        }
        else if (omitted.Count > 0 && index < _tokens.Count)
        {
            Keep(_tokens[index].Start);
            Add($"({string.Join(", ", _plan.Listed.Concat(omitted.Select(static column => column.Name)).Select(Identifiers.QuoteAlways))}) ");
        }
        if (_tokens.IsWord(index, "default"))
            return CutDefaults(index, omitted);
        if (_tokens.IsWord(index, "overriding"))
            index += 3;
        if (!_tokens.IsWord(index, "values"))
            return false;
        if (_plan.OverridesSystemValues)
        {
            Keep(_tokens[index].Start);
            Add("OVERRIDING SYSTEM VALUE ");
        }
        return CutRows(index + 1, omitted);
    }

    // DEFAULT VALUES.
    private bool CutDefaults(int index, List<DrawnColumn> omitted)
    {
        if (!_tokens.IsWord(index + 1, "values"))
            return false;
        Keep(_tokens[index].Start);
        Add(_plan.OverridesSystemValues ? "OVERRIDING SYSTEM VALUE VALUES (" : "VALUES (");
        for (var i = 0; i < omitted.Count; i++)
        {
            if (i > 0)
                Add(", ");
            Slot(omitted[i]);
        }
        Add(")");
        _taken = _tokens[index + 1].End;
        return true;
    }

    private bool CutRows(int index, List<DrawnColumn> omitted)
    {
        while (_tokens.IsMark(index, '('))
        {
            var closing = _tokens.Closing(index);
            if (closing < 0)
                return false;
            CutFields(index, closing);
            if (omitted.Count > 0)
                Keep(_tokens[closing].Start);
            foreach (var column in omitted)
            {
                Add(", ");
                Slot(column);
            }
            if (!_tokens.IsMark(closing + 1, ','))
                return true;
            index = closing + 2;
        }
        return false;
    }

    private void CutFields(int opening, int closing)
    {
        var ordinal = 0;
        var first = opening + 1;
        var depth = _tokens[opening].Depth + 1;
        for (var index = first; index <= closing; index++)
        {
            if (index < closing && !(_tokens[index].Depth == depth && _tokens.IsMark(index, ',')))
                continue;
            CutField(first, index, ordinal++);
            first = index + 1;
        }
    }

    private void CutField(int first, int after, int ordinal)
    {
        if (after == first + 1 && _tokens.IsWord(first, "default"))
        {
            if (_plan.Columns.FirstOrDefault(column => column.Ordinal == ordinal) is not { } column)
                return;
            Keep(_tokens[first].Start);
            Slot(column);
            _taken = _tokens[first].End;
        }
        else if (!_plan.Calls.IsEmpty && ReadCall(first, out var end) is { } call && end + 1 == after)
        {
            Keep(_tokens[first].Start);
            Slot(new DrawSlot(call.Kind, call.Sequence, TypeOid.Int8, IsIdentity: false));
            _taken = _tokens[end].End;
        }
    }

    /// <summary>The call that starts at a token, if it is one of the plan's.</summary>
    private DrawnCall? ReadCall(int index, out int end)
    {
        end = -1;
        if (_tokens.IsWord(index, "pg_catalog") && _tokens.IsMark(index + 1, '.'))
            index += 2;
        DrawKind kind;
        if (_tokens.IsWord(index, "nextval"))
            kind = DrawKind.Next;
        else if (_tokens.IsWord(index, "currval"))
            kind = DrawKind.Current;
        else if (_tokens.IsWord(index, "lastval"))
            kind = DrawKind.Last;
        else
            return null;
        if (!_tokens.IsMark(index + 1, '(') || (end = _tokens.Closing(index + 1)) < 0)
            return null;
        var literals = new List<string>();
        for (var at = index + 2; at < end; at++)
        {
            if (_tokens[at].Kind == TokenKind.Value)
                literals.Add(Decode(_tokens[at]));
        }
        return _plan.Calls.GetValueOrDefault(KeyOf(kind, literals));
    }

    private string Decode(SqlToken token)
    {
        var scanner = new ShapeScanner();
        var text = _sql.AsSpan(token.Start, token.End - token.Start);
        scanner.Scan(text);
        return scanner.LiteralCount == 1 && LiteralText.TryDecode(text, scanner.GetLiteral(0), new ByteBuffer(), out var value)
            ? Encoding.UTF8.GetString(value)
            : "";
    }

    private void Slot(DrawnColumn column) => Slot(new DrawSlot(DrawKind.Next, column.Sequence, column.Type, column.IsIdentity));

    private void Slot(DrawSlot slot)
    {
        _pieces.Add(_piece.Unread.ToArray());
        _piece.Clear();
        _slots.Add(slot);
    }

    private void Keep(int until)
    {
        _piece.Write(_sql.AsSpan(_taken, until - _taken));
        _taken = until;
    }

    private void Add(string text) => _piece.Write(Encoding.UTF8.GetBytes(text));
}
