using ShardProxy.Control.Loading;
using ShardProxy.Directory;

namespace ShardProxy.Control.Routing;

/// <summary>
/// A foreign key is checked by one server, so the row that it points to must be on the same shard: in a colocated table
/// by the key, or in a reference table.
/// </summary>
internal static class ForeignKeyRule
{
    public const string Hint =
        "Distribute both tables by the columns of the foreign key with colocate_with, make the referenced table a reference table, or drop the foreign key.";

    /// <param name="from">How the referencing table is distributed; null when it lives on the home shard.</param>
    /// <param name="to">How the referenced table is distributed.</param>
    /// <returns>Null when the key can be kept; else why not.</returns>
    public static string? Problem(RelationTree tree, ForeignKey key, TableDistribution? from, TableDistribution? to)
    {
        if (to is null && from is null)
            return null;
        // A reference table is on every shard, the home shard among them.
        if (to?.Kind == TableKind.Reference)
            return null;
        var constraint = $"foreign key \"{key.Name}\" of table {tree.Find(key.Table)?.Name}";
        var target = tree.Find(key.Referenced)?.Name;
        if (to is null)
            return $"{constraint} refers to {target}, which lives on the home shard only";
        if (from?.Kind != TableKind.Sharded)
            return $"{constraint} refers to {target}, whose rows are spread over the shards";
        if (from.Group != to.Group)
            return $"{constraint} refers to {target}, which is not colocated with it";
        foreach (var (own, other) in from.PartingColumns.Zip(to.PartingColumns))
        {
            if (!JoinsKeys(tree, key, own, other))
                return $"{constraint} does not lead from key column \"{own}\" to key column \"{other}\" of {target}";
        }
        return null;
    }

    private static bool JoinsKeys(RelationTree tree, ForeignKey key, string fromColumn, string toColumn)
    {
        var from = tree.Find(key.Table)?.FindColumn(fromColumn)?.Number;
        var to = tree.Find(key.Referenced)?.FindColumn(toColumn)?.Number;
        for (var index = 0; index < key.Columns.Count; index++)
        {
            if (key.Columns[index] == from && key.ReferencedColumns[index] == to)
                return true;
        }
        return false;
    }
}
