using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>DROP, COMMENT and SECURITY LABEL, which name any kind of object by a list of names.</summary>
internal static class NamedObjects
{
    private const Traits Ddl = Traits.Writes | Traits.ChangesCatalog;

    public static PlannedStatement Plan(CommandPlanner planner, SyntaxNode node, string verb)
    {
        var isDrop = node.Is("DropStmt");
        var traits = isDrop ? Ddl | (node.Flag("concurrent") ? Traits.NotInTransaction : Traits.None) : Traits.Writes;
        var type = node.Text(isDrop ? "removeType" : "objtype");
        var objects = isDrop ? node.List("objects").Select(static item => item.Items()) : [node.Node("object").Items()];
        if (isDrop && type == "OBJECT_INDEX")
            return PlanIndexes(planner, [.. objects.Select(static names => Name(names, 0))], node.Flag("concurrent"), traits, verb);
        return type switch
        {
            "OBJECT_TABLE" or "OBJECT_VIEW" or "OBJECT_MATVIEW" or "OBJECT_FOREIGN_TABLE" or "OBJECT_INDEX" or "OBJECT_SEQUENCE"
                => planner.Placement.Over(objects.Select(static names => Name(names, 0)), traits, verb),
            // The table's name, and then that of a column, trigger, policy, rule or constraint.
            "OBJECT_COLUMN" or "OBJECT_TRIGGER" or "OBJECT_POLICY" or "OBJECT_RULE" or "OBJECT_TABCONSTRAINT"
                => planner.Placement.Over(objects.Select(static names => Name(names, 1)), traits, verb),
            "OBJECT_PUBLICATION" or "OBJECT_SUBSCRIPTION" or "OBJECT_FDW" or "OBJECT_FOREIGN_SERVER" or "OBJECT_TABLESPACE" or "OBJECT_DATABASE" or "OBJECT_LARGEOBJECT"
                => new PlannedStatement(new OneShardPlan(HomeShard.Instance), traits, verb),
            _ => new PlannedStatement(new EveryShardPlan(null), traits, verb),
        };
    }

    /// <summary>The home shard comes last when an index is made CONCURRENTLY, so one that it does not know may be left on others.</summary>
    private static PlannedStatement PlanIndexes(CommandPlanner planner, List<TableName> names, bool isConcurrent, Traits traits, string verb)
    {
        var planned = planner.Placement.Over(names, traits, verb);
        if (planner.Context.Directory.HasShardedTables && names.TrueForAll(name => planner.Names.Resolve(name).Class == RelationClass.Unknown))
            planned = planned with { Plan = new EveryShardPlan(null) };
        return isConcurrent && names is [var one] && planned.Plan is EveryShardPlan plan
            ? planned with { Plan = plan with { Index = new ConcurrentIndex(planner.Names.Resolve(one).Name, IsDrop: true) } }
            : planned;
    }

    /// <param name="left">Names at the end that are not the relation's.</param>
    private static TableName Name(IEnumerable<SyntaxNode> parts, int left)
    {
        var names = parts.Select(static part => part.StringValue ?? "").SkipLast(left).ToList();
        return new TableName(null, names.Count > 1 ? names[^2] : null, names.Count > 0 ? names[^1] : "", IsTemporary: false);
    }
}
