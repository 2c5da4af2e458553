using ShardProxy.Catalog;
using ShardProxy.Planning.Gathering;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>Commands about relations that exist: each runs where the relation is.</summary>
internal static class TableCommands
{
    private const Traits Ddl = Traits.Writes | Traits.ChangesCatalog;

    public static PlannedStatement? TryPlan(CommandPlanner planner, SyntaxNode node)
    {
        var verb = Verbs.Of(node);
        var placement = planner.Placement;
        switch (node.Kind)
        {
            case "CreateStmt":
            case "CreateForeignTableStmt":
            case "CreateTableAsStmt":
            case "ViewStmt":
            case "CreateSeqStmt":
                return CreateCommands.Plan(planner, node, verb);
            case "AlterTableStmt":
                return AlterTableCommand.Plan(planner, node, verb);
            case "IndexStmt":
                return UniqueKeys.CheckIndex(node, planner.Names.Resolve(Relation(node)).Distribution) is { } refusal
                    ? new PlannedStatement(refusal, Ddl, verb)
                    : NamedIndex(planner, node, placement.Over(Relation(node), Ddl | NotInBlock(node.Flag("concurrent")), verb));
            case "AlterSeqStmt" when node.Has("sequence"):
                return SequenceCommands.Plan(planner, node, verb);
            case "CreateTrigStmt":
                return TriggerCommand.Check(planner, node) is { } stray ? new PlannedStatement(stray, Ddl, verb) : placement.Over(Relation(node), Ddl, verb);
            case "RefreshMatViewStmt":
                return MaterializedView.PlanRefresh(planner.Context, planner.Names, planner.Names.Resolve(Relation(node)), !node.Flag("skipData"), planner.StatementText, verb);
            case "RuleStmt":
                return placement.Over(Relation(node), Ddl, verb);
            case "CreatePolicyStmt":
            case "AlterPolicyStmt":
                return placement.Over(QueryReader.ReadTableName(node.Node("table")), Ddl, verb);
            case "LockStmt":
                return LockCommand.Plan(planner, node, verb);
            case "TruncateStmt":
                return TruncateCommand.Plan(planner, node, TraitsOf(node), verb);
            case "CreateStatsStmt":
                return placement.Over(
                    node.List("relations").Where(static item => item.Is("RangeVar")).Select(QueryReader.ReadTableName),
                    TraitsOf(node),
                    verb);
            case "RenameStmt":
            case "AlterObjectSchemaStmt":
            case "AlterOwnerStmt":
            case "AlterObjectDependsStmt":
                return node.Has("relation") && node.Text("renameType") != "OBJECT_ATTRIBUTE"
                    ? NewNames.Note(planner, node, placement.Over(Relation(node), Ddl, verb))
                    : null;
            case "DropStmt":
            case "CommentStmt":
            case "SecLabelStmt":
                return NamedObjects.Plan(planner, node, verb);
            case "VacuumStmt":
                return PlanVacuum(placement, node, verb);
            case "ClusterStmt":
                return node.Has("relation") ? placement.Over(Relation(node), Traits.Writes, verb) : Everywhere(verb);
            case "ReindexStmt":
                return PlanReindex(planner, node, verb);
            default:
                return null;
        }
    }

    private static PlannedStatement NamedIndex(CommandPlanner planner, SyntaxNode node, PlannedStatement planned)
    {
        if (planned.Plan is not EveryShardPlan plan || node.Text("idxname") is not { } name)
            return planned;
        var table = planner.Names.Resolve(Relation(node)).Name;
        var index = table with { Name = name };
        return planned with
        {
            Plan = plan with { NewIndex = new NewIndex(index, table), Index = node.Flag("concurrent") ? new ConcurrentIndex(index, IsDrop: false) : null },
        };
    }

    private static Traits TraitsOf(SyntaxNode node) => node.Kind switch
    {
        "CreateStatsStmt" => Ddl,
        // Identifiers that were drawn ahead are given up, as when the schema changes.
        "TruncateStmt" when node.Flag("restart_seqs") => Ddl,
        _ => Traits.Writes,
    };

    private static PlannedStatement PlanVacuum(Placement placement, SyntaxNode node, string verb)
    {
        var relations = node.List("rels").Select(static item => QueryReader.ReadTableName(item.Node("relation"))).ToList();
        var traits = Traits.Writes | NotInBlock(node.Flag("is_vacuumcmd"));
        return relations.Count == 0 ? new PlannedStatement(new EveryShardPlan(null), traits, verb) : placement.Over(relations, traits, verb);
    }

    private static PlannedStatement PlanReindex(CommandPlanner planner, SyntaxNode node, string verb)
    {
        if (!node.Has("relation"))
            return Everywhere(verb);
        var concurrently = node.List("params").Any(static option => option.Text("defname") == "concurrently" && SessionCommands.IsOn(option));
        var relation = planner.Names.Resolve(Relation(node)).Relation;
        // Each partition is a transaction of its own.
        var isParted = (relation?.Table is { } table ? planner.Names.Resolve(table.Schema, table.Name).Relation : relation)?.Kind == RelationKind.PartitionedTable;
        return planner.Placement.Over(Relation(node), Traits.Writes | NotInBlock(concurrently || isParted), verb);
    }

    private static PlannedStatement Everywhere(string verb) => new(new EveryShardPlan(null), Traits.Writes | Traits.NotInTransaction, verb);

    private static TableName Relation(SyntaxNode node) =>
        QueryReader.ReadTableName(node.Has("relation") ? node.Node("relation") : node.Node("sequence"));

    private static Traits NotInBlock(bool condition) => condition ? Traits.NotInTransaction : Traits.None;
}
