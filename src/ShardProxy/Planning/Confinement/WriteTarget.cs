namespace ShardProxy.Planning.Confinement;

/// <summary>The table that a statement writes: its columns, and its place among the findings.</summary>
internal sealed class WriteTarget(StatementAnalysis analysis, ResolvedRelation target)
{
    /// <param name="instanceFacts">What confines the rows to be changed; null for INSERT, which changes none.</param>
    public ColumnList Columns(FactScope? instanceFacts, out ShardedInstance? instance)
    {
        instance = null;
        analysis.Findings.Written.Add(target);
        switch (target.Class)
        {
            case RelationClass.Reference:
                analysis.Findings.WrittenReference ??= target.Name.Name;
                return RelationAnalyzer.ColumnsOf(target.Relation);
            case RelationClass.View:
                return View();
            case RelationClass.Sharded when instanceFacts is not null || target.Relation is null:
                return analysis.Relations.AddSharded(target, instanceFacts ?? new FactScope(null), out instance);
            case RelationClass.Sharded:
                if (!RelationAnalyzer.TryKeyType(target.Relation, target.Distribution!, out _, out var refusal))
                    analysis.Findings.Refuse(refusal!.Reason, refusal.Hint);
                return RelationAnalyzer.ColumnsOf(target.Relation, target.Distribution);
            default:
                return analysis.Relations.Read(target, new FactScope(null));
        }
    }

    /// <summary>A view over the home shard's tables is written there; one over others has no key that we could follow.</summary>
    private ColumnList View()
    {
        var probe = new StatementAnalysis(analysis.Context, analysis.Names);
        var columns = probe.Relations.Read(target, new FactScope(null));
        if (probe.Findings.Instances.Count > 0 || probe.Findings.ReadsReference || probe.Findings.Refusal is not null)
        {
            analysis.Findings.Refuse(
                $"\"{target.Name.Name}\" is a view over sharded or reference tables and cannot be written through",
                "Write to the table itself.");
        }
        analysis.Findings.AddHome(target.Name.Name);
        return columns with { Columns = [.. columns.Columns.Select(static column => column with { Variable = null })] };
    }
}
