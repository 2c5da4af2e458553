using System.Collections.Immutable;

namespace ShardProxy.Planning;

/// <summary>What the planner made of a text: holds for every text of the same shape whose sensitive slots are the same, under the same search_path and routing version.</summary>
/// <param name="Statements">In the order of the text; empty for an empty query.</param>
/// <param name="SensitiveSlots">Literal slots whose value shaped the plans; texts that differ there need a template of their own.</param>
/// <param name="Cacheable">False when the plans depend on more than the shape.</param>
public sealed record StatementTemplate(
    ImmutableArray<PlannedStatement> Statements,
    ImmutableArray<int> SensitiveSlots,
    bool Cacheable);
