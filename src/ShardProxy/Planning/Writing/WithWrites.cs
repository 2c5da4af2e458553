using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>
/// Statements whose WITH writes, on several shards: each part must fall apart by its key, and wherever the rows that one
/// returns are used, they must be joined by the key like a sharded table. Then each shard runs the whole statement for its
/// own rows, under one snapshot of its own, as PostgreSQL runs the parts under one.
/// </summary>
internal sealed class WithWrites(StatementAnalysis analysis, SpreadProof proof, SpreadPlanner spreads)
{
    public static bool AreIn(WithClause with) => with.Tables.Any(static table => table.Query is not RowQuery);

    /// <summary>Null when a part needs rows of other shards.</summary>
    public SpreadKeys? KeysOf(Query query, WithClause with)
    {
        // What PostgreSQL computes once must not be computed once per shard.
        if (with.Recursive || analysis.Findings.VolatileFunction is not null)
            return null;
        var parts = new List<(Place Block, ShardedInstance Anchor)>();
        foreach (var table in with.Tables)
        {
            if (table.Query is not RowQuery && !TryPart(table.Query, parts))
                return null;
        }
        return TryPart(query, parts) && proof.Holds(parts) ? SpreadPlanner.KeysOf(parts) : null;
    }

    private bool TryPart(Query query, List<(Place Block, ShardedInstance Anchor)> parts)
    {
        var table = analysis.WriteTargets.GetValueOrDefault(query)?.Relation;
        switch (query)
        {
            case Update update when ClockDefaults.AreUnused(table, update.Assignments):
            case Delete:
                if (!analysis.WriteBlocks.TryGetValue(query, out var block) || block.Target is not { } target)
                    return false;
                parts.Add((block.Place, target));
                return true;
            case Insert { Source: { } source and not ValuesQuery } insert
                when ClockDefaults.AreGiven(table, insert.Columns, []) && ClockDefaults.AreUnused(table, insert.OnConflict?.Updates ?? []):
                return TryRows(source, parts);
            case RowQuery rows:
                return TryRows(rows, parts);
            default:
                return false;
        }
    }

    /// <summary>Each shard's rows are some of the query's, and together they are all.</summary>
    private bool TryRows(RowQuery rows, List<(Place Block, ShardedInstance Anchor)> parts)
    {
        var branches = new List<Select>();
        return rows.Order.IsEmpty && rows.Limits.IsEmpty && spreads.TryBranches(rows, branches, isTop: true) && branches.TrueForAll(branch => TryBranch(branch, parts));
    }

    private bool TryBranch(Select select, List<(Place Block, ShardedInstance Anchor)> parts)
    {
        var block = analysis.Blocks[select];
        foreach (var anchor in proof.AnchorsOf(block))
        {
            if (!RowsByKey.AreApart(select, block, anchor, analysis) || !RowsByKey.AreDistinct(select, block, anchor))
                continue;
            parts.Add((block, anchor));
            return true;
        }
        return false;
    }
}
