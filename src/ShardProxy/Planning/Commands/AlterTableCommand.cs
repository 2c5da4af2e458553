using ShardProxy.Directory;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>ALTER TABLE and its kin. The key column of a sharded table may not lose its meaning.</summary>
internal static class AlterTableCommand
{
    private const Traits Ddl = Traits.Writes | Traits.ChangesCatalog;

    public static PlannedStatement Plan(CommandPlanner planner, SyntaxNode node, string verb)
    {
        // ALTER TYPE … ADD ATTRIBUTE.
        if (node.Text("objtype") == "OBJECT_TYPE")
            return new PlannedStatement(new EveryShardPlan(null), Ddl, verb);
        var name = QueryReader.ReadTableName(node.Node("relation"));
        var resolved = planner.Names.Resolve(name);
        var refusal = ForeignKeys.Check(planner, node, name.Name, resolved.Distribution);
        var traits = Ddl;
        foreach (var command in node.List("cmds"))
        {
            refusal ??= CheckKey(command, resolved.Distribution) ?? UniqueKeys.CheckChange(command, resolved) ?? CheckPart(planner, command, resolved) ?? SequenceCommands.CheckIdentity(command, resolved.Distribution);
            if (command.Text("subtype") == "AT_DetachPartition" && command.Node("def").Flag("concurrent"))
                traits |= Traits.NotInTransaction;
        }
        if (refusal is not null)
            return new PlannedStatement(refusal, traits, verb);
        var changed = Numbering.TryPlan(planner, node, resolved) ?? NewColumns.TryPlan(planner, node, resolved);
        if (UniqueKeys.KeepTriggers(node, resolved) is { } kept)
            changed = changed is null ? WithCommands(planner, kept, name.Name) : Refusals.Of("columns are filled and triggers changed all together in one statement", "Write two ALTER TABLE.");
        if (changed is not null)
            return new PlannedStatement(changed, traits, verb);
        return resolved.Distribution is not null && SequenceCommands.RestartsIdentity(node)
            ? new PlannedStatement(new OneShardPlan(HomeShard.Instance), traits, verb)
            : planner.Placement.Over(name, traits, verb);
    }

    private static EveryShardPlan WithCommands(CommandPlanner planner, string commands, string subject)
    {
        planner.Cacheable = false;
        return new EveryShardPlan(System.Text.Encoding.UTF8.GetString(planner.StatementText.Span).TrimEnd().TrimEnd(';') + commands) { Subject = subject };
    }

    private static RefusedPlan? CheckKey(SyntaxNode command, TableDistribution? table)
    {
        if (table is null || command.Text("name") is not { } key || !table.IsKeyColumn(key))
            return null;
        return command.Text("subtype") switch
        {
            "AT_DropColumn" => Refusals.Of($"{key} is the column by which \"{table.Table.Name}\" is sharded and cannot be dropped", null),
            "AT_AlterColumnType" => Refusals.Of(
                $"{key} is the column by which \"{table.Table.Name}\" is sharded, and rows of another type may belong on other shards",
                "Create a new table with the type wanted and copy the rows."),
            _ => null,
        };
    }

    /// <summary>ATTACH PARTITION and INHERIT: both tables must be on the same shards.</summary>
    private static RefusedPlan? CheckPart(CommandPlanner planner, SyntaxNode command, ResolvedRelation table)
    {
        var other = command.Text("subtype") switch
        {
            "AT_AttachPartition" => command.Node("def").Node("name"),
            "AT_AddInherit" => command.Node("def"),
            _ => default,
        };
        if (!other.Exists || !other.Has("relname"))
            return null;
        var part = QueryReader.ReadTableName(other);
        return planner.Placement.IsEverywhere(part) == planner.Placement.IsEverywhere(table)
            ? null
            : Refusals.Of(
                $"\"{part.Name}\" and \"{table.Name.Name}\" are not on the same shards",
                "Create the partition with CREATE TABLE … PARTITION OF.");
    }
}
