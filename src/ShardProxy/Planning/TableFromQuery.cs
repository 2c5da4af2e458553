using ShardProxy.Planning.Commands;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

/// <summary>
/// SELECT INTO and CREATE TABLE AS: the rows land where the query runs, which must be the home shard. What reads sharded
/// tables is gathered there.
/// </summary>
internal static class TableFromQuery
{
    public static PlannedStatement PlanInto(QueryPlanner queries, Select select, TableName into, SourceText source) =>
        Plan(queries, select with { Into = null }, into, source, "select into");

    public static PlannedStatement Plan(QueryPlanner queries, Query query, TableName target, SourceText source, string verb)
    {
        var analysis = queries.Analyze(query, source);
        var findings = analysis.Findings;
        var traits = findings.Traits | Traits.Writes | Traits.ChangesCatalog;
        if (target.IsTemporary)
            traits |= Traits.Pins | Traits.CreatesTemporary;
        Plan plan;
        if (findings.Refusal is not null)
            plan = findings.Refusal;
        else if (findings.WrittenReference is { } written)
            plan = Refusals.WritesReference(written);
        else if (queries.IsDeclared(target))
            plan = Refusals.Of($"\"{target.Name}\" is declared as distributed and cannot be made of a query", "Create it with its columns first.");
        else if (findings.Instances.Count > 0 || findings.StoredKeys.Count > 0)
            plan = queries.TryGather(query, analysis, source) ?? FromSharded(findings.Instances.Count > 0 ? findings.Instances[0].Table : findings.StoredKeys[0].Table, target);
        else
            plan = new OneShardPlan(HomeShard.Instance);
        return new PlannedStatement(plan, traits, verb) { TemporaryRelation = target.IsTemporary ? target.Name : null };
    }

    private static RefusedPlan FromSharded(Directory.TableDistribution table, TableName target) => Refusals.Of(
        $"\"{table.Table.Name}\" is sharded by {table.KeyText}, and the new table \"{target.Name}\" would be on the home shard only",
        $"Create \"{target.Name}\", distribute it with create_distributed_table, and fill it with INSERT … SELECT or COPY.");
}
