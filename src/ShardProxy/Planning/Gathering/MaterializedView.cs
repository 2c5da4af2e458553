using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>
/// Fills a materialized view over sharded tables. It stands on the home shard, with the definition that its maker wrote, and
/// that definition keeps to the tables' identities, so no other table can be put in their places. Instead the other shards'
/// rows stand beside the home shard's own while the statement runs: in temporary tables that inherit from the sharded ones.
/// </summary>
internal static class MaterializedView
{
    private const Traits Ddl = Traits.Writes | Traits.ChangesCatalog;

    /// <param name="queries">Its range is the whole statement.</param>
    /// <param name="query">What the view is made of.</param>
    public static PlannedStatement PlanCreate(QueryPlanner queries, Query query, TableName target, SourceText source, PlanningContext context, bool hasData, string verb)
    {
        var analysis = queries.Analyze(query, source);
        var findings = analysis.Findings;
        var traits = findings.Traits | Ddl;
        var statement = source.Bytes[queries.Range.Start..queries.Range.End].ToArray();
        if (findings.Refusal is { } refusal)
            return new PlannedStatement(refusal, traits, verb);
        if (queries.IsDeclared(target))
            return new PlannedStatement(Refusals.Of($"\"{target.Name}\" is declared as distributed and cannot be a materialized view", "Give it another name."), traits, verb);
        if (findings.Instances.Count == 0 || !hasData)
            return new PlannedStatement(new OneShardPlan(HomeShard.Instance), traits, verb);
        var plan = queries.TryGather(query, analysis, source) is var gathered && gathered is GatherPlan gather
            ? Extend(gather, context.Catalog, statement, isKnownBefore: !gather.Views.IsEmpty)
            : gathered ?? Refusals.NotConfined(findings.Instances[0].Table);
        return new PlannedStatement(plan, traits, verb);
    }

    /// <param name="statement">REFRESH MATERIALIZED VIEW, as written.</param>
    public static PlannedStatement PlanRefresh(PlanningContext context, Names names, ResolvedRelation view, bool hasData, ReadOnlyMemory<byte> statement, string verb)
    {
        var home = new PlannedStatement(new OneShardPlan(HomeShard.Instance), Traits.Writes, verb);
        if (!hasData || !context.Directory.HasShardedTables || view is { Relation: not null and not { Kind: RelationKind.MaterializedView } })
            return home;
        if (view.Relation is null)
        {
            // It could be one that the client's block has made, whose definition nobody else sees yet.
            var missing = Refusals.MissingRelation(view.Name) with { Hint = "If it was made in this transaction, refresh it in another." };
            return new PlannedStatement(missing, Traits.Writes | Traits.NamesUnknownRelation, verb);
        }
        if (GatherContext.QueryOf(view) is not { } query)
            return new PlannedStatement(Refusals.Of($"the definition of \"{view.Name.Name}\" cannot be read", null), Traits.Writes, verb);
        if (!names.SystemFirst)
            return new PlannedStatement(Refusals.Of($"the definition of \"{view.Name.Name}\" cannot be read while pg_catalog is not first in search_path", "SET search_path without pg_catalog."), Traits.Writes, verb);
        var source = SourceText.OfView(view.Relation.ViewDefinition!);
        var queries = new QueryPlanner(context, names) { Range = (0, source.Bytes.Length) };
        var analysis = queries.Analyze(query, source);
        var findings = analysis.Findings;
        if (findings.Refusal is { } refusal)
            return new PlannedStatement(refusal, Traits.Writes, verb);
        if (findings.Instances.Count == 0)
            return home with { Traits = Traits.Writes | findings.Traits };
        var plan = queries.TryGather(query, analysis, source) is var gathered && gathered is GatherPlan gather
            ? Extend(gather, context.Catalog, statement, isKnownBefore: true)
            : gathered ?? Refusals.NotConfined(findings.Instances[0].Table);
        return new PlannedStatement(plan, Traits.Writes | findings.Traits, verb);
    }

    /// <summary>One temporary table for each sharded one, in an order that all who do this keep.</summary>
    private static Plan Extend(GatherPlan gather, CatalogSnapshot catalog, ReadOnlyMemory<byte> statement, bool isKnownBefore)
    {
        var reads = new List<GatherRead>();
        foreach (var table in gather.Reads.GroupBy(static read => read.Table).OrderBy(static group => group.Key.ToString(), StringComparer.Ordinal))
        {
            if (Problem(table.Key, table.Any(static read => read.Only), gather, catalog) is { } problem)
                return problem;
            var conditions = table.Select(static read => read.Condition).Distinct().ToList();
            reads.Add(new GatherRead(
                table.Key,
                Only: false,
                [.. catalog.FindRelation(table.Key)!.Columns.Where(static column => !column.IsGenerated).Select(static column => column.Name)],
                conditions.Contains(null) ? [] : [ReadCondition.Of($"({string.Join(" OR ", conditions.Select(static condition => $"({condition})"))})")]));
        }
        return new GatherPlan([.. reads], [new GatherPiece(statement, -1)], gather.Views) { Extends = true, RestsOnDefinitions = isKnownBefore };
    }

    private static RefusedPlan? Problem(QualifiedName table, bool only, GatherPlan gather, CatalogSnapshot catalog)
    {
        const string Hint = "Use CREATE TABLE … AS, and again when it is to be fresh.";
        var relation = catalog.FindRelation(table);
        if (only)
            return Refusals.Of($"a materialized view of ONLY \"{table.Name}\" cannot be filled from several shards", "Leave ONLY out.");
        if (relation is not { Kind: RelationKind.Table } || (relation.Parent is { } parent && catalog.FindRelation(parent) is not { Kind: RelationKind.Table }))
            return Refusals.Of($"a materialized view cannot be filled from the partitions of \"{table.Name}\" on several shards", Hint);
        for (var above = relation.Parent; above is { } name; above = catalog.FindRelation(name)?.Parent)
        {
            // The temporary table would be a descendant of both.
            if (gather.Reads.Any(read => read.Table == name))
                return Refusals.Of($"a materialized view cannot be filled from \"{name.Name}\" and \"{table.Name}\", which inherits from it, on several shards", Hint);
        }
        return null;
    }
}
