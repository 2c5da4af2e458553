using ShardProxy.Directory;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>Refuses foreign keys that no single server could check.</summary>
internal static class ForeignKeys
{
    /// <param name="from">How the table with the constraint is distributed; null on the home shard only.</param>
    public static RefusedPlan? Check(CommandPlanner planner, SyntaxNode definition, string table, TableKind? from)
    {
        foreach (var constraint in Constraints(definition))
        {
            var target = QueryReader.ReadTableName(constraint.Node("pktable"));
            if (target.Schema is null && target.Name == table)
                continue;
            var to = planner.Names.Resolve(target).Distribution?.Kind;
            // A reference table is beside every row; a sharded one only beside rows of its own group.
            var works = to == TableKind.Reference || to == from && from != TableKind.Reference;
            if (!works)
            {
                return Refusals.Of(
                    $"a foreign key from \"{table}\" ({Describe(from)}) to \"{target.Name}\" ({Describe(to)}) cannot be checked on one shard",
                    "Make the referenced table a reference table with create_reference_table, or distribute both by the same key.");
            }
        }
        return null;
    }

    private static IEnumerable<SyntaxNode> Constraints(SyntaxNode node)
    {
        if (node.Kind == "Constraint" && node.Text("contype") == "CONSTR_FOREIGN")
            yield return node;
        foreach (var child in node.Children())
        {
            foreach (var inner in Constraints(child))
                yield return inner;
        }
    }

    private static string Describe(TableKind? kind) => kind switch
    {
        TableKind.Sharded => "sharded",
        TableKind.Reference => "a reference table",
        _ => "on the home shard only",
    };
}
