using ShardProxy.Directory;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>Refuses uniqueness that no single server could check: rows with different keys are on different shards.</summary>
internal static class UniqueKeys
{
    /// <param name="definition">CREATE TABLE, ALTER TABLE or CREATE INDEX.</param>
    public static RefusedPlan? Check(SyntaxNode definition, TableDistribution? table)
    {
        foreach (var key in table?.KeyColumns ?? [])
        {
            if (definition.Kind == "IndexStmt" && definition.Flag("unique") && !definition.List("indexParams").Any(element => element.Text("name") == key))
                return Refuse("a unique index", table!.Table.Name, key);
            foreach (var (what, columns) in Constraints(definition, null))
            {
                if (!columns.Contains(key))
                    return Refuse(what, table!.Table.Name, key);
            }
        }
        return null;
    }

    /// <param name="column">The column that the node at hand defines.</param>
    private static IEnumerable<(string What, List<string> Columns)> Constraints(SyntaxNode node, string? column)
    {
        // USING INDEX takes over an index that was checked when it was made.
        if (node.Kind == "Constraint" && node.Text("contype") is "CONSTR_PRIMARY" or "CONSTR_UNIQUE" && !node.Has("indexname"))
        {
            var columns = node.Names("keys");
            yield return (
                node.Text("contype") == "CONSTR_PRIMARY" ? "a primary key" : "a unique constraint",
                columns.Count == 0 && column is not null ? [column] : columns);
        }
        var inside = node.Text("colname") ?? column;
        foreach (var child in node.Children())
        {
            foreach (var inner in Constraints(child, inside))
                yield return inner;
        }
    }

    private static RefusedPlan Refuse(string what, string table, string key) => Refusals.Of(
        $"{what} of \"{table}\" without {key}, by which it is sharded, cannot be checked on one shard",
        $"Put {key} into it, for example PRIMARY KEY ({key}, id).");
}
