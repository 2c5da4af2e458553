using ShardProxy.Directory;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>
/// Uniqueness that no single server could check: rows with different keys are on different shards. Indexes of plain columns
/// become global; what those have to be and are not is looked at when the shards have made them, in the same transaction.
/// </summary>
internal static class UniqueKeys
{
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
            case "AT_DisableTrigAll" or "AT_DisableTrigUser":
                return Refusals.Of(
                    $"the triggers of \"{table.Name.Name}\" cannot be disabled all together, because \"{indexes[0].Name}\" is kept unique over all shards by some of them",
                    "Disable the triggers by name, or drop the index or constraint first.");
            default:
                return null;
        }
    }
}
