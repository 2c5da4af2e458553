using System.Collections.Immutable;

namespace ShardProxy.Planning.Writing;

/// <summary>
/// An UPDATE or DELETE with subqueries that name nothing around them: each runs as a statement by itself first, and its rows, as
/// constants, take its place in the text, which is then planned again.
/// </summary>
public sealed record PickedRowsDraft(ImmutableArray<PickedRows> Picks) : WriteDraft;

/// <param name="Start">Byte offset of the subquery in the text, within its parentheses.</param>
/// <param name="End">Behind it.</param>
public readonly record struct PickedRows(int Start, int End, PickedForm Form);

public enum PickedForm
{
    /// <summary>A query: in FROM, in WITH, behind an operator with ANY.</summary>
    Rows,

    /// <summary>Behind IN, of one column.</summary>
    List,

    /// <summary>A value of one column.</summary>
    Scalar,
}
