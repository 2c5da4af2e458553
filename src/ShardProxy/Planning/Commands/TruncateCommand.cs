using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>TRUNCATE: each table where it is, also when the list has tables of every shard and of the home shard, as frameworks that empty a database have.</summary>
internal static class TruncateCommand
{
    public static PlannedStatement Plan(CommandPlanner planner, SyntaxNode node, Traits traits, string verb)
    {
        var relations = node.List("relations").Where(static item => item.Is("RangeVar")).ToList();
        var names = relations.ConvertAll(QueryReader.ReadTableName);
        var everywhere = relations.Where((_, index) => planner.Placement.IsEverywhere(names[index])).ToList();
        if (everywhere.Count == 0 || everywhere.Count == relations.Count)
            return planner.Placement.Over(names, traits, verb);
        if (names.Exists(name => planner.Names.Resolve(name).Class == RelationClass.Unknown))
            traits |= Traits.NamesUnknownRelation;
        var list = string.Join(", ", everywhere.Select(item => LockCommand.Text(planner, item)));
        // The home shard has them all, and says whether a foreign key stands in the way.
        var elsewhere = $"TRUNCATE TABLE {list}{(node.Flag("restart_seqs") ? " RESTART IDENTITY" : "")}{(node.Text("behavior") == "DROP_CASCADE" ? " CASCADE" : "")}";
        return new PlannedStatement(new EveryShardPlan(null) { Elsewhere = elsewhere }, traits, verb);
    }
}
