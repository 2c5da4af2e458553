using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Planning.Confinement;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>Writes to tables with global indexes, whose entries may be on other shards than the rows.</summary>
internal static class GlobalIndexWrites
{
    /// <summary>Whether a statement may change entries. What this is not sure of it says yes to; should it say no in vain (a trigger changes a column), the shard refuses the statement.</summary>
    public static bool AreIn(Query query, Findings findings)
    {
        if (findings.Written.Exists(static target => target.Relation is { ReachesGlobalIndexes: true }) && query is not Insert { OnConflict: null, With: null })
            return true;
        if (!findings.Written.Exists(static target => target.Relation is { GlobalIndexes.Count: > 0 }))
            return false;
        return query is not Update update || findings.Written is not [{ Relation: { } table, Distribution: { } distribution }]
            || update.Assignments.Any(assignment => distribution.IsKeyColumn(assignment.Column) || table.GlobalIndexes.Any(index => index.Columns.Contains(assignment.Column)));
    }

    /// <summary>The same plan, which keeps the entries.</summary>
    public static Plan WithEntries(Plan plan) => plan switch
    {
        WritePlan write => write with { KeepsEntries = true },
        InsertEverywherePlan insert => insert with { KeepsEntries = true },
        OneShardPlan { Choice: KeyedShard keyed } one => new WritePlan(
            new SpreadKeys(keyed.Relations),
            new OneShardDraft(one with { Otherwise = one.Otherwise is null ? null : WithEntries(one.Otherwise) }))
        {
            KeepsEntries = true,
        },
        _ => plan,
    };

    /// <summary>The unique index of a table that a conflict action is for, when no one shard can say whether there is a conflict; null when each can.</summary>
    public static GlobalIndex? ArbiterOf(ConflictAction conflict, Relation table) => ArbitersOf(conflict, table).FirstOrDefault();

    /// <summary>All of them. Which of several indexes with expressions or conditions PostgreSQL takes is not looked into: those that it might take are among them.</summary>
    public static IEnumerable<GlobalIndex> ArbitersOf(ConflictAction conflict, Relation table) =>
        table.GlobalIndexes.Where(index => index.IsPlain ? IsMeant(conflict, index) : MayBeMeant(conflict, index)).OrderByDescending(static index => index.IsPlain);

    private static bool IsMeant(ConflictAction conflict, GlobalIndex index) =>
        conflict is { Columns.IsEmpty: true, Constraint: null }
        || conflict.Constraint == index.Name
        || (!conflict.Columns.IsEmpty && conflict.Columns.ToImmutableHashSet().SetEquals(index.Columns));

    private static bool MayBeMeant(ConflictAction conflict, GlobalIndex index) =>
        conflict.Constraint is null && (conflict.Columns.IsEmpty || conflict.Columns.Contains("") || conflict.Columns.All(index.Columns.Contains));
}
