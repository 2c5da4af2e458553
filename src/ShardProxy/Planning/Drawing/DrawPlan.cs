using System.Collections.Immutable;

namespace ShardProxy.Planning.Drawing;

/// <summary>
/// A statement that draws identifiers, which must be known before it is routed: its text is rewritten with a value (or a
/// parameter) in the place of each draw, and planned again as one that gives them itself.
/// </summary>
/// <param name="Columns">Of an INSERT: the columns whose default draws from a sequence and for which some row gives no value, in the table's order.</param>
/// <param name="Calls">nextval(), currval() and lastval() that stand as a whole value, by what their argument's literal says; lastval's is empty.</param>
internal sealed record DrawPlan(ImmutableArray<DrawnColumn> Columns, ImmutableDictionary<string, DrawnCall> Calls) : Plan
{
    /// <summary>The INSERT lists no columns and its rows end before some of <see cref="Columns"/>: the list that it then needs, without those.</summary>
    public ImmutableArray<string> Listed { get; init; } = [];

    /// <summary>A column GENERATED ALWAYS is drawn.</summary>
    public bool OverridesSystemValues { get; init; }

    /// <summary>SELECT nextval(…) by itself: the name that its column has; null for an INSERT.</summary>
    public string? OutputName { get; init; }

    /// <summary>What runs when the session cannot know the value, because the last draw was made on a server in the block that is open.</summary>
    public Plan? Otherwise { get; init; }
}

/// <param name="Ordinal">Its place among the values of a row, from 0; -1 when rows have none for it.</param>
/// <param name="Sequence">Object id on the home shard.</param>
/// <param name="Type">int2, int4 or int8.</param>
/// <param name="IsIdentity">Whoever may insert may draw from it.</param>
internal sealed record DrawnColumn(string Name, int Ordinal, uint Sequence, uint Type, bool IsIdentity);

/// <param name="Sequence">Object id on the home shard; 0 for lastval.</param>
internal sealed record DrawnCall(DrawKind Kind, uint Sequence);

internal enum DrawKind
{
    Next,
    Current,
    Last,
}

/// <summary>One value to be drawn.</summary>
/// <param name="Type">Of the value: int2, int4 or int8.</param>
/// <param name="IsIdentity">The sequence is an identity column's, and needs no privilege of its own.</param>
internal readonly record struct DrawSlot(DrawKind Kind, uint Sequence, uint Type, bool IsIdentity);
