using System.Collections.Immutable;

namespace ShardProxy.Planning.Writing;

/// <summary>
/// A statement whose WITH writes, as statements that run one after the other in one transaction: each later one is given the rows
/// that the earlier ones have returned, and reads no tables, so it does not matter that it sees what they have done.
/// </summary>
/// <param name="Steps">In their order; the last is the statement itself.</param>
public sealed record StepsDraft(ImmutableArray<WriteStep> Steps) : WriteDraft
{
    /// <summary>SELECT, INSERT: as PostgreSQL names the whole statement.</summary>
    public string Command { get; init; } = "";
}

/// <param name="Name">Of the part of WITH; empty for the statement itself.</param>
/// <param name="Columns">The names that WITH gives to the first of its columns.</param>
/// <param name="Before">The step's text up to the place where a WITH goes.</param>
/// <param name="After">The text from there on.</param>
/// <param name="Tables">What stands in that WITH; empty: none is needed.</param>
public sealed record WriteStep(string Name, ImmutableArray<string> Columns, string Before, string After, ImmutableArray<StepTable> Tables)
{
    /// <summary>INSERT … VALUES without a subquery.</summary>
    public bool HasValues { get; init; }
}

/// <param name="Text">A part of WITH that only reads, as written; null for the rows of an earlier step.</param>
/// <param name="Step">Which one.</param>
public sealed record StepTable(string? Text, int Step);
