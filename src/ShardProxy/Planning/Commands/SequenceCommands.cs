using ShardProxy.Directory;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>
/// Changes to the sequences of distributed tables. Such a sequence is on every shard, each with a stretch of the numbers of
/// its own, and identifiers are drawn from the home shard's: where that one goes on is the home shard's matter alone, and
/// how far it may go cannot be changed.
/// </summary>
internal static class SequenceCommands
{
    private const Traits Ddl = Traits.Writes | Traits.ChangesCatalog;

    private const string Hint = "Give the column a sequence of your own, made before the table is distributed.";

    public static PlannedStatement Plan(CommandPlanner planner, SyntaxNode node, string verb)
    {
        var name = QueryReader.ReadTableName(node.Node("sequence"));
        if (Numbering.TryPlanOwner(planner, node) is { } owner)
            return new PlannedStatement(owner, Ddl, verb);
        if (!planner.Placement.IsEverywhere(name))
            return planner.Placement.Over(name, Ddl, verb);
        var options = node.List("options").Select(static option => option.Text("defname") ?? "").ToList();
        if (options.Find(static option => option is "maxvalue" or "minvalue" or "cycle" or "as") is { } fixedOption)
        {
            var refusal = Refusals.Of($"the numbers of sequence \"{name.Name}\" are divided among the shards, and {fixedOption.ToUpperInvariant()} would have them overlap", Hint);
            return new PlannedStatement(refusal, Ddl, verb);
        }
        if (!options.Exists(IsPosition))
            return planner.Placement.Over(name, Ddl, verb);
        return options.TrueForAll(IsPosition)
            ? new PlannedStatement(new OneShardPlan(HomeShard.Instance), Ddl, verb)
            : new PlannedStatement(
                Refusals.Of($"where sequence \"{name.Name}\" goes on is changed on the home shard, and its other properties on every shard", "Write two ALTER SEQUENCE."),
                Ddl,
                verb);
    }

    /// <summary>ALTER TABLE … ALTER COLUMN … RESTART (or SET START), and nothing else.</summary>
    public static bool RestartsIdentity(SyntaxNode node) =>
        node.List("cmds").Any()
        && node.List("cmds").All(static command =>
            command.Text("subtype") == "AT_SetIdentity" && command.Node("def").Items().All(static option => IsPosition(option.Text("defname"))));

    /// <summary>ALTER COLUMN … SET of an identity column's sequence, which is the shards' own but for where it goes on.</summary>
    public static RefusedPlan? CheckIdentity(SyntaxNode command, TableDistribution? table)
    {
        if (table is null || command.Text("subtype") != "AT_SetIdentity")
            return null;
        var options = command.Node("def").Items().Select(static option => option.Text("defname") ?? "").ToList();
        if (options.Find(static option => option is "maxvalue" or "minvalue" or "cycle") is { } fixedOption)
            return Refusals.Of($"the numbers of {command.Text("name")} are divided among the shards, and {fixedOption.ToUpperInvariant()} would have them overlap", Hint);
        return options.Exists(IsPosition) && !options.TrueForAll(IsPosition)
            ? Refusals.Of($"where {command.Text("name")} goes on is changed on the home shard, and its other properties on every shard", "Write two ALTER TABLE.")
            : null;
    }

    private static bool IsPosition(string? option) => option is "restart" or "start";
}
