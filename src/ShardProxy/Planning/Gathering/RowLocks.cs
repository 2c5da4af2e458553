using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>
/// FOR UPDATE and its kin where rows are gathered: a shard locks the rows of a table that the statement names when it reads
/// them, so that what is brought together are rows as they are then and stay. They are at least the rows that the answer is
/// made of; which of them an answer in the end has is known only where they are brought together. So what asks for the locks of
/// exactly those (LIMIT, NOWAIT) is refused. SKIP LOCKED leaves out what others hold, which the answer would be without as well.
/// </summary>
internal static class RowLocks
{
    // From the weakest: a table that several clauses name gets the strongest.
    private static readonly string[] Strengths = ["FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR UPDATE"];

    private const string SkipLocked = " SKIP LOCKED";

    /// <param name="tables">The sharded tables directly in the SELECT's FROM.</param>
    public static void Apply(Select select, GatherScope? scope, List<TableUse> tables, GatherContext context)
    {
        if (!select.Limits.IsEmpty)
            Refuse(context.Survey, "LIMIT says how many of them");
        foreach (var clause in select.LockClauses)
        {
            if (clause.Fails)
                Refuse(context.Survey, "NOWAIT would fail for rows that are not in the answer");
            foreach (var item in select.From)
                Apply(clause, item, scope, tables, context);
        }
    }

    /// <summary>Null, or why the locks would be too many: nothing would say of the rows of a table which of them the answer can need.</summary>
    public static RefusedPlan? Refusal(GatherPlan plan)
    {
        if (!plan.Locks)
            return null;
        var confined = Enumerable.Range(0, plan.Reads.Length).Where(read => !plan.Reads[read].Conditions.IsEmpty).ToHashSet();
        // In READ COMMITTED only reads are sources of keys.
        while (plan.Links.Any(link => confined.Contains(link.Source.Read) && confined.Add(link.Read)))
        {
        }
        return Enumerable.Range(0, plan.Reads.Length).Where(read => plan.Reads[read].Lock is not null && !confined.Contains(read)).Select(read => Refusals.Of(
            $"every row of \"{plan.Reads[read].Table.Name}\" would be locked, because no condition says which of them the rows of several shards can need before they are brought together",
            "Add a condition on the table, or lock its rows by their keys.")).FirstOrDefault();
    }

    public static void Refuse(GatherSurvey survey, string reason) =>
        survey.Refuse($"rows that must be brought together from several shards cannot be locked: {reason}", "Lock them by their keys, one shard after the other.");

    private static string Combine(string? known, LockClause clause)
    {
        var skips = clause.Skips || known?.EndsWith(SkipLocked, StringComparison.Ordinal) == true;
        var strength = Math.Max(Array.FindIndex(Strengths, words => known?.StartsWith(words, StringComparison.Ordinal) == true), Array.IndexOf(Strengths, clause.Words));
        return Strengths[strength] + (skips ? SkipLocked : "");
    }

    private static void Apply(LockClause clause, FromItem item, GatherScope? scope, List<TableUse> tables, GatherContext context)
    {
        if (item is FromJoin join)
        {
            Apply(clause, join.Left, scope, tables, context);
            Apply(clause, join.Right, scope, tables, context);
            return;
        }
        if (!clause.Of.IsEmpty && !clause.Of.Contains(item.Alias ?? (item as FromTable)?.Name.Name ?? ""))
            return;
        switch (item)
        {
            // A name of WITH is passed by, as PostgreSQL does.
            case FromTable table when table.Name.Schema is not null || scope?.Contains(table.Name.Name) != true:
                if (tables.Find(use => ReferenceEquals(use.Item, table)) is { } use)
                    use.Lock = Combine(use.Lock, clause);
                else if (context.IsSpliced(context.Names.Resolve(table.Name)))
                    Refuse(context.Survey, "they are those of a view");
                break;
            case FromQuery:
                Refuse(context.Survey, "they are those of a subquery");
                break;
        }
    }
}
