namespace ShardProxy.Statements;

/// <summary>Where a literal stands in the text: byte offsets of the whole token, prefix and quotes included.</summary>
public readonly record struct Literal(int Start, int Length, LiteralKind Kind)
{
    public int End => Start + Length;
}

/// <summary>A place in a shape that literals fill: one literal, or all literals of a folded list.</summary>
public readonly record struct LiteralSlot(int FirstLiteral, int LiteralCount);
