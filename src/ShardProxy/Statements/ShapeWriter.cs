using System.Runtime.CompilerServices;

namespace ShardProxy.Statements;

/// <summary>
/// Builds a shape: tokens, each followed by one space. A token is a word in lower case, a quoted identifier or an
/// operator as written, or a placeholder. Placeholders are control bytes, which no other token begins with, so a shape
/// can be read back into tokens in one way only: texts of one shape differ in white space, comments, the case of unquoted
/// words, and the literals at the placeholders.
/// </summary>
internal sealed class ShapeWriter
{
    /// <summary>Largest array that is kept from one text to the next, in bytes.</summary>
    private const int LargestKept = 1 << 20;

    internal const byte Separator = (byte)' ';

    /// <summary>Begins a literal whose bytes follow, because they decide what the text means.</summary>
    internal const byte WrittenOut = 0x07;

    /// <summary>N before '…': the keyword NCHAR to the grammar, but not the word n.</summary>
    internal const byte NationalPrefix = 0x0e;

    /// <summary>Added to a class's placeholder: any number of literals of that class in the list's brackets.</summary>
    internal const byte ListBit = 0x10;

    /// <summary>Placeholder of the widest number; those up to it are numbers, in the order of their width.</summary>
    private const byte NumberClass = 3;

    private byte[] _shape = [];
    private int _length;
    private Literal[] _literals = [];
    private LiteralSlot[] _slots = [];

    private int _lastWordStart;
    private ListState _list;
    private byte _listClass;
    private byte _listClose;
    private int _listShapeStart;
    private int _listFirstSlot;
    private int _listFirstLiteral;

    private enum ListState : byte
    {
        None,
        WantsLiteral,
        HasLiteral,
    }

    public ReadOnlySpan<byte> Shape => _shape.AsSpan(0, _length);

    public int LiteralCount { get; private set; }

    public int SlotCount { get; private set; }

    public ReadOnlySpan<Literal> Literals => _literals.AsSpan(0, LiteralCount);

    public ReadOnlySpan<LiteralSlot> Slots => _slots.AsSpan(0, SlotCount);

    public void Reset(int sqlLength)
    {
        // A one-byte token makes two bytes of shape; literals written out add one, the header a few.
        var capacity = (2 * sqlLength) + 64;
        if (_shape.Length < capacity || (_shape.Length > LargestKept && capacity <= LargestKept))
            _shape = new byte[Math.Max(capacity, 256)];
        if (_literals.Length > LargestKept / Unsafe.SizeOf<Literal>())
            _literals = [];
        if (_slots.Length > LargestKept / Unsafe.SizeOf<LiteralSlot>())
            _slots = [];
        _length = 0;
        LiteralCount = 0;
        SlotCount = 0;
        _list = ListState.None;
    }

    /// <summary>What stands before the tokens: how strings were read, and the hint's kind with a shard's name.</summary>
    public void Header(bool standardConformingStrings, RoutingHintKind hint, ReadOnlySpan<byte> shard)
    {
        _shape[_length++] = (byte)(0x80 | ((byte)hint << 1) | (standardConformingStrings ? 1 : 0));
        if (hint == RoutingHintKind.Shard)
            Append(shard);
    }

    /// <summary>An unquoted identifier or keyword at <paramref name="start"/>; returns its end. <see cref="LastWord"/> is it.</summary>
    public int Word(ReadOnlySpan<byte> sql, int start)
    {
        var shape = _shape;
        var folded = SqlBytes.FoldedWordByte;
        var length = _length;
        _lastWordStart = length;
        var position = start;
        while (position < sql.Length)
        {
            var value = folded[sql[position]];
            if (value == 0)
                break;
            shape[length++] = value;
            position++;
        }
        shape[length++] = Separator;
        _length = length;
        _list = ListState.None;
        return position;
    }

    /// <summary>The word written last, in lower case; valid directly after <see cref="Word"/>.</summary>
    public ReadOnlySpan<byte> LastWord => _shape.AsSpan(_lastWordStart, _length - 1 - _lastWordStart);

    /// <summary>Any other token that stays as it is.</summary>
    public void Token(ReadOnlySpan<byte> token)
    {
        Append(token);
        _list = ListState.None;
    }

    public void Symbol(byte symbol)
    {
        _shape[_length++] = symbol;
        _shape[_length++] = Separator;
        _list = ListState.None;
    }

    public void National() => Symbol(NationalPrefix);

    public void Comma()
    {
        var list = _list == ListState.HasLiteral ? ListState.WantsLiteral : ListState.None;
        Symbol((byte)',');
        _list = list;
    }

    /// <summary>The bracket directly after IN or ARRAY: what it holds is folded if it turns out to be literals only.</summary>
    public void OpenList(byte bracket)
    {
        _listShapeStart = _length;
        _listFirstSlot = SlotCount;
        _listFirstLiteral = LiteralCount;
        _listClass = 0;
        _listClose = (byte)(bracket == '(' ? ')' : ']');
        Symbol(bracket);
        _list = ListState.WantsLiteral;
    }

    /// <summary>A closing bracket: folds the list when one is pending.</summary>
    public void CloseList(byte bracket)
    {
        if (_list != ListState.HasLiteral || bracket != _listClose)
        {
            Symbol(bracket);
            return;
        }
        _length = _listShapeStart;
        SlotCount = _listFirstSlot;
        AddSlot(new LiteralSlot(_listFirstLiteral, LiteralCount - _listFirstLiteral));
        Symbol((byte)(ListBit | _listClass));
    }

    public void FoldedLiteral(Literal literal)
    {
        AddLiteral(literal);
        var placeholder = PlaceholderOf(literal.Kind);
        _shape[_length++] = placeholder;
        _shape[_length++] = Separator;
        _list = _list == ListState.WantsLiteral && JoinsList(placeholder) ? ListState.HasLiteral : ListState.None;
    }

    /// <summary>A literal that has a slot like any other, but whose bytes are part of the shape.</summary>
    public void WrittenOutLiteral(ReadOnlySpan<byte> sql, Literal literal)
    {
        AddLiteral(literal);
        _shape[_length++] = WrittenOut;
        Append(sql.Slice(literal.Start, literal.Length));
        _list = ListState.None;
    }

    /// <summary>Numbers of several sizes make one list, of the widest class: PostgreSQL finds the list's common type so too.</summary>
    private bool JoinsList(byte placeholder)
    {
        var joins = _listClass == 0 || _listClass == placeholder || (_listClass <= NumberClass && placeholder <= NumberClass);
        _listClass = Math.Max(_listClass, placeholder);
        return joins;
    }

    /// <summary>One placeholder for each kind of literal that the grammar tells apart. How a string was quoted is not such a difference.</summary>
    private static byte PlaceholderOf(LiteralKind kind) => kind switch
    {
        LiteralKind.Integer => 1,
        LiteralKind.BigInteger => 2,
        LiteralKind.Decimal => NumberClass,
        LiteralKind.BitString => 5,
        LiteralKind.HexString => 6,
        _ => 4,
    };

    private void AddLiteral(Literal literal)
    {
        if (LiteralCount == _literals.Length)
            Array.Resize(ref _literals, Math.Max(8, LiteralCount * 2));
        AddSlot(new LiteralSlot(LiteralCount, 1));
        _literals[LiteralCount++] = literal;
    }

    private void AddSlot(LiteralSlot slot)
    {
        if (SlotCount == _slots.Length)
            Array.Resize(ref _slots, Math.Max(8, SlotCount * 2));
        _slots[SlotCount++] = slot;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_shape.AsSpan(_length));
        _length += bytes.Length;
        _shape[_length++] = Separator;
    }
}
