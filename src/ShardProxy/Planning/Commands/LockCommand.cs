using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>LOCK TABLE: each relation where it is, also when the list has relations of every shard and of the home shard, as pg_dump's has.</summary>
internal static class LockCommand
{
    // lockdefs.h: the modes by number, from 1.
    private static readonly string[] Modes =
    [
        "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE",
    ];

    public static PlannedStatement Plan(CommandPlanner planner, SyntaxNode node, string verb)
    {
        var relations = node.List("relations").Where(static item => item.Is("RangeVar")).ToList();
        var names = relations.ConvertAll(QueryReader.ReadTableName);
        var everywhere = relations.Where((_, index) => planner.Placement.IsEverywhere(names[index])).ToList();
        var mode = node.Number("mode", 0);
        if (everywhere.Count == 0 || everywhere.Count == relations.Count || mode is < 1 or > 8)
            return planner.Placement.Over(names, Traits.OnlyInTransaction, verb);
        var list = string.Join(", ", everywhere.Select(item => Text(planner, item)));
        return new PlannedStatement(
            new EveryShardPlan(null) { Elsewhere = $"LOCK TABLE {list} IN {Modes[mode - 1]} MODE{(node.Flag("nowait") ? " NOWAIT" : "")}" },
            Traits.OnlyInTransaction,
            verb);
    }

    /// <summary>A table as LOCK and TRUNCATE name it, whatever the search_path.</summary>
    internal static string Text(CommandPlanner planner, SyntaxNode item)
    {
        var name = planner.Names.Resolve(QueryReader.ReadTableName(item)).Name;
        return $"{(item.Flag("inh") ? "" : "ONLY ")}{Identifiers.QuoteAlways(name.Schema)}.{Identifiers.QuoteAlways(name.Name)}";
    }
}
