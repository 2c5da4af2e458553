using System.Text;
using ShardProxy.Protocol.Framing;
using ShardProxy.Statements;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

/// <summary>The text that a tree was read from: where its constants stand. The statement's own, or a view's definition.</summary>
internal sealed class SourceText
{
    private readonly byte[] _sql;
    private readonly ShapeScanner _scanned;
    private readonly bool _isView;
    private readonly SortedSet<int>? _sensitive;
    private readonly ByteBuffer _scratch = new();

    private SourceText(byte[] sql, ShapeScanner scanned, SortedSet<int>? sensitive)
    {
        _sql = sql;
        _scanned = scanned;
        _sensitive = sensitive;
        _isView = sensitive is null;
    }

    public static SourceText OfStatement(byte[] sql, ShapeScanner scanned, SortedSet<int> sensitive) => new(sql, scanned, sensitive);

    public static SourceText OfView(string definition)
    {
        var sql = Encoding.UTF8.GetBytes(definition);
        var scanner = new ShapeScanner();
        scanner.Scan(sql);
        return new SourceText(sql, scanner, null);
    }

    /// <summary>A view's definition, whose offsets are not the statement's.</summary>
    public bool IsView => _isView;

    public ReadOnlySpan<byte> Bytes => _sql;

    /// <summary>False when $1 and its kin surely do not stand in the text.</summary>
    public bool HasParameters => _sql.AsSpan().Contains((byte)'$');

    /// <summary>
    /// A term for the constant. Numbers are read here and not in the tree: the library drops the sign of a negative
    /// integer. Null when the constant's literal is not found or cannot be read.
    /// </summary>
    public KeyTerm? TermOf(Constant constant, uint castTo)
    {
        if (constant.Kind is ConstantKind.Null or ConstantKind.Boolean)
            return new ConstantTerm(constant.Text, castTo);
        if (FindLiteral(constant.Location) is not { } slot || LiteralAt(constant.Location) is not { } literal)
            return null;
        if (constant.Kind == ConstantKind.Bits || !IsReadable(literal.Kind))
            return null;
        // Some words make constants without a literal: extract(year from …).
        if (literal.Start != constant.Location && _sql[constant.Location] != '-')
            return null;
        var negated = IsNegated(constant.Location, literal.Start);
        if (!_isView)
            return new LiteralTerm(slot, negated, castTo);
        // A number says its type, for as text it would be read as the key's.
        if (castTo == 0 && constant.Kind is ConstantKind.Integer or ConstantKind.Decimal)
            castTo = Protocol.Values.TypeOid.Numeric;
        // A folded list: each constant of a view is its own.
        return TextAt(constant.Location) is { } text ? new ConstantTerm(negated ? "-" + text : text, castTo) : null;
    }

    /// <summary>The constant's value as text; a statement that differs there needs a plan of its own.</summary>
    public string? SensitiveText(Constant constant)
    {
        if (constant.Kind is ConstantKind.Null or ConstantKind.Boolean)
            return constant.Text;
        MarkSensitive(constant.Location);
        if (constant.Kind == ConstantKind.Text)
            return constant.Text;
        return TextAt(constant.Location) is { } text ? (IsNegated(constant.Location, LiteralStart(constant.Location)) ? "-" + text : text) : null;
    }

    /// <summary>The plan depends on the value of the literal there.</summary>
    public void MarkSensitive(int location)
    {
        if (_sensitive is not null && FindLiteral(location) is { } slot)
            _sensitive.Add(slot);
    }

    /// <summary>Every literal in a stretch of the text shaped the plan.</summary>
    public void MarkSensitive(int start, int end)
    {
        for (var slot = 0; _sensitive is not null && slot < _scanned.SlotCount; slot++)
        {
            var at = _scanned.GetLiteral(_scanned.GetSlot(slot).FirstLiteral).Start;
            if (at >= start && at < end)
                _sensitive.Add(slot);
        }
    }

    /// <summary>Byte offsets of the first literal at or after a location; null when there is none.</summary>
    public (int Start, int End)? LiteralRange(int location) => LiteralAt(location) is { } literal ? (literal.Start, literal.End) : null;

    private static bool IsReadable(LiteralKind kind) =>
        kind is not (LiteralKind.OddNumber or LiteralKind.UnicodeString or LiteralKind.BitString or LiteralKind.HexString);

    private int? FindLiteral(int location)
    {
        if (location < 0)
            return null;
        var slot = _scanned.FindSlot(location);
        return slot < 0 ? null : slot;
    }

    private int LiteralStart(int location) => LiteralAt(location)?.Start ?? location;

    private Literal? LiteralAt(int location)
    {
        if (FindLiteral(location) is not { } slot)
            return null;
        var place = _scanned.GetSlot(slot);
        for (var index = place.FirstLiteral; index < place.FirstLiteral + place.LiteralCount; index++)
        {
            var literal = _scanned.GetLiteral(index);
            if (literal.Start >= location)
                return literal;
        }
        return null;
    }

    private string? TextAt(int location) =>
        LiteralAt(location) is { } literal && LiteralText.TryDecode(_sql, literal, _scratch, out var value)
            ? Encoding.UTF8.GetString(value)
            : null;

    /// <summary>An odd number of minus signs stands before the literal (the grammar folds them into the constant).</summary>
    private bool IsNegated(int from, int to)
    {
        var negated = false;
        for (var position = from; position < to; position++)
        {
            if (_sql[position] == '-' && position + 1 < to && _sql[position + 1] == '-')
            {
                while (position < to && _sql[position] is not ((byte)'\n' or (byte)'\r'))
                    position++;
            }
            else if (_sql[position] == '/' && position + 1 < to && _sql[position + 1] == '*')
            {
                position = SkipBlockComment(position, to);
            }
            else if (_sql[position] == '-')
            {
                negated = !negated;
            }
        }
        return negated;
    }

    /// <summary>Offset of the comment's last byte; block comments nest.</summary>
    private int SkipBlockComment(int start, int limit)
    {
        var depth = 0;
        for (var position = start; position + 1 < limit; position++)
        {
            if (_sql[position] == '/' && _sql[position + 1] == '*')
            {
                depth++;
                position++;
            }
            else if (_sql[position] == '*' && _sql[position + 1] == '/')
            {
                depth--;
                position++;
                if (depth == 0)
                    return position;
            }
        }
        return limit;
    }
}
