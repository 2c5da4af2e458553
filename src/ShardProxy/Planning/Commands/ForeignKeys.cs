using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>Refuses foreign keys that no single server could check.</summary>
internal static class ForeignKeys
{
    /// <param name="from">How the table with the constraint is distributed; null on the home shard only.</param>
    public static RefusedPlan? Check(CommandPlanner planner, SyntaxNode definition, string table, TableDistribution? from)
    {
        foreach (var (constraint, column) in Constraints(definition, null))
        {
            var target = QueryReader.ReadTableName(constraint.Node("pktable"));
            var resolved = planner.Names.Resolve(target);
            var to = target.Schema is null && target.Name == table ? from : resolved.Distribution;
            if (from?.Kind == TableKind.Sharded && to?.Kind == TableKind.Sharded)
            {
                if (from.Group != to.Group || !PairsKeys(constraint, column, from, to, resolved.Relation))
                    return RefuseUnaligned(table, from, target, to);
                continue;
            }
            // A reference table is beside every row.
            if (to?.Kind != TableKind.Reference && (from is not null || to is not null))
            {
                return Refusals.Of(
                    $"a foreign key from \"{table}\" ({Describe(from)}) to \"{target.Name}\" ({Describe(to)}) cannot be checked on one shard",
                    "Make the referenced table a reference table with create_reference_table, or distribute both by the same key.");
            }
        }
        return null;
    }

    /// <summary>The two keys stand opposite each other, so that a row and the row it refers to are on one shard.</summary>
    private static bool PairsKeys(SyntaxNode constraint, string? column, TableDistribution from, TableDistribution to, Relation? target)
    {
        var columns = column is null ? constraint.Names("fk_attrs") : [column];
        var targets = constraint.Names("pk_attrs");
        // Without a list the primary key is meant.
        var isPrimaryGlobal = target?.GlobalIndexes.Any(static index => index.IsPrimary) == true;
        return from.PartingColumns.Zip(to.PartingColumns).All(pair =>
        {
            var place = columns.IndexOf(pair.First);
            return place >= 0 && ((targets.Count == 0 && !isPrimaryGlobal) || (place < targets.Count && targets[place] == pair.Second));
        });
    }

    private static RefusedPlan RefuseUnaligned(string table, TableDistribution from, TableName target, TableDistribution to) => Refusals.Of(
        $"a foreign key from \"{table}\" to \"{target.Name}\" cannot be checked on one shard, because it does not pair their keys, {from.KeyText} and {to.KeyText}",
        from.Group == to.Group ? $"Make it ({string.Join(", ", from.KeyColumns)}, …) REFERENCES \"{target.Name}\" ({string.Join(", ", to.KeyColumns)}, …)." : "Colocate the tables: create_distributed_table(…, colocate_with => …).");

    /// <param name="column">The column that the node at hand defines.</param>
    private static IEnumerable<(SyntaxNode Constraint, string? Column)> Constraints(SyntaxNode node, string? column)
    {
        if (node.Kind == "Constraint" && node.Text("contype") == "CONSTR_FOREIGN")
            yield return (node, column);
        var inside = node.Text("colname") ?? column;
        foreach (var child in node.Children())
        {
            foreach (var inner in Constraints(child, inside))
                yield return inner;
        }
    }

    private static string Describe(TableDistribution? table) => table?.Kind switch
    {
        TableKind.Sharded => "sharded",
        TableKind.Reference => "a reference table",
        _ => "on the home shard only",
    };
}
