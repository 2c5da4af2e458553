using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>
/// A name that a transaction gives to what reads or holds rows of several shards: until COMMIT the catalog from which statements are
/// planned does not have it, and would take it for a name of the home shard's.
/// </summary>
internal static class NewNames
{
    /// <param name="node">RENAME or SET SCHEMA of a relation or of a column.</param>
    public static PlannedStatement Note(CommandPlanner planner, SyntaxNode node, PlannedStatement planned)
    {
        var isRelation = node.Kind == "RenameStmt" && node.Text("renameType") is "OBJECT_TABLE" or "OBJECT_VIEW" or "OBJECT_MATVIEW" or "OBJECT_FOREIGN_TABLE";
        var name = QueryReader.ReadTableName(node.Node("relation"));
        var relation = planner.Names.Resolve(name);
        // What the transaction itself has made is known by its name alone.
        if (relation.Distribution is null && relation.Class != RelationClass.View)
            return isRelation && node.Text("newname") is { } known ? planned with { Defines = known } : planned;
        return node switch
        {
            { Kind: "AlterObjectSchemaStmt" } => Defines(planned, name.Name),
            // Another column would be taken for the key.
            { Kind: "RenameStmt" } when node.Text("renameType") == "OBJECT_COLUMN" =>
                relation.Distribution is { } table && node.Text("newname") is { } column && table.IsKeyColumn(column) ? Defines(planned, name.Name) : planned,
            _ => isRelation && node.Text("newname") is { } other ? Defines(planned, other) : planned,
        };
    }

    /// <param name="node">RENAME of what is no relation: functions, and schemas with all that is in them.</param>
    public static PlannedStatement NoteObject(CommandPlanner planner, SyntaxNode node, PlannedStatement planned) =>
        planner.Context.Directory.HasShardedTables && node.Kind == "RenameStmt"
        && node.Text("renameType") is "OBJECT_FUNCTION" or "OBJECT_PROCEDURE" or "OBJECT_ROUTINE" or "OBJECT_SCHEMA" && node.Text("newname") is { } name
            ? Defines(planned, name)
            : planned;

    private static PlannedStatement Defines(PlannedStatement planned, string name) => planned with { Defines = name, DefinesOverShards = true };
}
