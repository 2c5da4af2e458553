using ShardProxy.Directory;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>
/// Uniqueness that no single server could check: rows with different keys are on different shards. Indexes of plain columns
/// become global; what those have to be and are not is looked at when the shards have made them, in the same transaction.
/// </summary>
internal static class UniqueKeys
{
    /// <summary>Names of triggers that keep an index unique over all shards begin so; its id follows, and what they fire on.</summary>
    public const string UniqueTriggers = "shardproxy_unique_";

    private const string TriggerKinds = "iudt";

    /// <summary>CREATE INDEX.</summary>
    public static RefusedPlan? CheckIndex(SyntaxNode definition, TableDistribution? table)
    {
        if (table is not { Kind: TableKind.Sharded } || !definition.Flag("unique") || !definition.Flag("concurrent")
            || table.PartingColumns.All(key => definition.List("indexParams").Any(element => element.Text("name") == key)))
        {
            return null;
        }
        return Refusals.Of(
            $"a unique index of \"{table.Table.Name}\" without {table.KeyText}, by which it is sharded, cannot be made while rows come and go on other shards",
            "Leave out CONCURRENTLY.");
    }

    /// <summary>
    /// Further commands for an ALTER TABLE that disables or enables the table's triggers all together, as loaders of fixtures and
    /// dumps do: those by which indexes are kept unique over all shards go on as they were. Null when it does not.
    /// </summary>
    public static string? KeepTriggers(SyntaxNode alter, ResolvedRelation table)
    {
        if (table.Relation is not { GlobalIndexes: { Count: > 0 } indexes })
            return null;
        var commands = alter.List("cmds").Select(static command => command.Text("subtype")).ToList();
        var reachesAll = commands.Exists(static command => command is "AT_DisableTrigAll" or "AT_EnableTrigAll");
        // The system's are no user's.
        if (!reachesAll && (indexes[0].HasSystemTriggers || !commands.Exists(static command => command is "AT_DisableTrigUser" or "AT_EnableTrigUser")))
            return null;
        return string.Concat(indexes.SelectMany(static index => TriggerKinds.Select(kind => $", ENABLE ALWAYS TRIGGER {UniqueTriggers}{index.Id}_{kind}")));
    }

    /// <summary>ALTER TABLE: what would make a global index's entries wrong, or let rows change unseen.</summary>
    public static RefusedPlan? CheckChange(SyntaxNode command, ResolvedRelation table)
    {
        if (table.Relation is not { GlobalIndexes: { Count: > 0 } indexes })
            return null;
        switch (command.Text("subtype"))
        {
            case "AT_AlterColumnType" when indexes.FirstOrDefault(index => index.Columns.Contains(command.Text("name") ?? "")) is { } index:
                return Refusals.Of(
                    $"the type of {command.Text("name")} cannot be changed, because \"{index.Name}\" keeps it unique over all shards",
                    "Drop the index or constraint, change the type, and make it again.");
            default:
                return null;
        }
    }
}
