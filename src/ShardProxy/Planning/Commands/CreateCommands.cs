using ShardProxy.Directory;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Gathering;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>New relations: a declared name goes to every shard, another to the home shard.</summary>
internal static class CreateCommands
{
    private const Traits Ddl = Traits.Writes | Traits.ChangesCatalog;
    private const Traits Temporary = Ddl | Traits.Pins | Traits.CreatesTemporary;

    public static PlannedStatement Plan(CommandPlanner planner, SyntaxNode node, string verb) => node.Kind switch
    {
        "CreateStmt" => PlanTable(planner, node, verb),
        "CreateForeignTableStmt" => Home(QueryReader.ReadTableName(node.Node("base").Node("relation")), verb),
        "CreateTableAsStmt" => PlanFromQuery(planner, node, verb),
        "ViewStmt" => PlanView(planner, node, verb),
        _ => Home(QueryReader.ReadTableName(node.Node("sequence")), verb),
    };

    private static PlannedStatement Home(TableName name, string verb) =>
        new(new OneShardPlan(HomeShard.Instance), IsTemporary(name) ? Temporary : Ddl, verb) { TemporaryRelation = IsTemporary(name) ? name.Name : null };

    private static bool IsTemporary(TableName name) => name.IsTemporary || name.Schema == "pg_temp";

    private static PlannedStatement PlanTable(CommandPlanner planner, SyntaxNode node, string verb)
    {
        var name = QueryReader.ReadTableName(node.Node("relation"));
        if (IsTemporary(name))
            return Home(name, verb);
        var table = planner.Context.Directory.Find(planner.Names.ForCreation(name.Schema, name.Name));
        foreach (var parent in node.List("inhRelations").Select(QueryReader.ReadTableName))
        {
            // A part of a distributed table is distributed like it.
            table ??= planner.Names.Resolve(parent).Distribution;
        }
        if (ForeignKeys.Check(planner, node, name.Name, table) is { } refusal)
            return new PlannedStatement(refusal, Ddl, verb);
        return table is null ? Home(name, verb) : new PlannedStatement(new EveryShardPlan(null), Ddl, verb);
    }

    private static PlannedStatement PlanFromQuery(CommandPlanner planner, SyntaxNode node, string verb)
    {
        var target = QueryReader.ReadTableName(node.Node("into").Node("rel"));
        var query = node.Node("query");
        if (QueryReader.IsQuery(query) && node.Text("objtype") == "OBJECT_MATVIEW")
            return MaterializedView.PlanCreate(planner.Queries, QueryReader.Read(query), target, planner.Source, planner.Context, !node.Node("into").Flag("skipData"), verb);
        if (QueryReader.IsQuery(query))
            return TableFromQuery.Plan(planner.Queries, QueryReader.Read(query), target, planner.Source, verb);
        Plan plan = planner.Context.Directory.HasShardedTables
            ? Refusals.Of($"{verb.ToUpperInvariant()} EXECUTE is not supported", "Write the query out.")
            : new OneShardPlan(HomeShard.Instance);
        return new PlannedStatement(plan, IsTemporary(target) ? Temporary : Ddl, verb) { TemporaryRelation = IsTemporary(target) ? target.Name : null };
    }

    private static PlannedStatement PlanView(CommandPlanner planner, SyntaxNode node, string verb)
    {
        var name = QueryReader.ReadTableName(node.Node("view"));
        var findings = planner.Placement.Examine(QueryReader.Read(node.Node("query")), planner.Source);
        if (findings.Refusal is { } refusal)
            return new PlannedStatement(refusal, Ddl | findings.Traits, verb);
        if (IsTemporary(name) || findings.ReadsTemporary)
        {
            return findings.Instances.Count == 0
                ? Home(name with { IsTemporary = true }, verb)
                : new PlannedStatement(Refusals.Of($"a temporary view over the sharded table \"{findings.Instances[0].Table.Table.Name}\" is not supported", "Make it a view."), Ddl, verb);
        }
        if (findings.Instances.Count > 0 && Placement.NeedsHome(findings))
        {
            var home = findings.HomeRelations.Count > 0 ? findings.HomeRelations[0] : findings.HomeFunction!;
            return new PlannedStatement(Refusals.MixesHome(findings.Instances[0].Table, home), Ddl, verb);
        }
        var plan = Placement.NeedsHome(findings)
            ? new PlannedStatement(new OneShardPlan(HomeShard.Instance), Ddl | findings.Traits, verb)
            : new PlannedStatement(new EveryShardPlan(null), Ddl, verb);
        return plan with { Defines = name.Name, DefinesOverShards = findings.Instances.Count > 0 };
    }
}
