using System.Collections.Immutable;

namespace ShardProxy.Statements.Syntax;

/// <summary>Reads INSERT, UPDATE, DELETE and MERGE.</summary>
internal static class WriteReader
{
    public static Insert ReadInsert(SyntaxNode node)
    {
        var source = node.Node("selectStmt");
        var conflict = node.Node("onConflictClause");
        return new Insert(
            Target(node),
            Alias(node),
            [.. node.List("cols").Select(static column => column.Text("name") ?? "")],
            source.Exists ? QueryReader.ReadRowQuery(source) : null)
        {
            OnConflict = conflict.Exists ? ReadConflict(conflict) : null,
            Returning = QueryReader.ReadOutputs(node.List("returningList")),
            OverridesSystemValues = node.Text("override") == "OVERRIDING_SYSTEM_VALUE",
            OverridesUserValues = node.Text("override") == "OVERRIDING_USER_VALUE",
        };
    }

    public static Update ReadUpdate(SyntaxNode node) => new(
        Target(node),
        Alias(node),
        ReadAssignments(node.List("targetList")),
        FromReader.ReadAll(node.List("fromClause")),
        ExpressionReader.ReadOptional(node.Node("whereClause")))
    {
        Returning = QueryReader.ReadOutputs(node.List("returningList")),
    };

    public static Delete ReadDelete(SyntaxNode node) => new(
        Target(node),
        Alias(node),
        FromReader.ReadAll(node.List("usingClause")),
        ExpressionReader.ReadOptional(node.Node("whereClause")))
    {
        Returning = QueryReader.ReadOutputs(node.List("returningList")),
    };

    public static Merge ReadMerge(SyntaxNode node) => new(
        Target(node),
        Alias(node),
        FromReader.Read(node.Node("sourceRelation")),
        ExpressionReader.Read(node.Node("joinCondition")),
        [.. node.List("mergeWhenClauses").Select(ReadAction)]);

    private static MergeAction ReadAction(SyntaxNode node)
    {
        var verb = node.Text("commandType") switch
        {
            "CMD_INSERT" => MergeVerb.Insert,
            "CMD_UPDATE" => MergeVerb.Update,
            "CMD_DELETE" => MergeVerb.Delete,
            _ => MergeVerb.Nothing,
        };
        return new MergeAction(
            verb,
            node.Flag("matched"),
            ExpressionReader.ReadOptional(node.Node("condition")),
            verb == MergeVerb.Insert ? [.. node.List("targetList").Select(static column => column.Text("name") ?? "")] : [],
            ExpressionReader.ReadAll(node.List("values")),
            verb == MergeVerb.Update ? ReadAssignments(node.List("targetList")) : []);
    }

    private static ConflictAction ReadConflict(SyntaxNode node) => new(
        ReadAssignments(node.List("targetList")),
        [.. ExpressionReader.ReadAll([node.Node("infer")]), .. ExpressionReader.ReadAll([node.Node("whereClause")])])
    {
        Columns = [.. node.Node("infer").List("indexElems").Select(static element => element.Text("name") ?? "")],
        Constraint = node.Node("infer").Text("conname"),
    };

    private static ImmutableArray<Assignment> ReadAssignments(IEnumerable<SyntaxNode> targets)
    {
        var assignments = ImmutableArray.CreateBuilder<Assignment>();
        foreach (var target in targets)
        {
            var value = target.Node("val");
            assignments.Add(new Assignment(
                target.Text("name") ?? "",
                value.Is("MultiAssignRef") ? ElementOf(value) : ExpressionReader.Read(value),
                !target.List("indirection").Any()));
        }
        return assignments.ToImmutable();
    }

    /// <summary>(a, b) = (x, y): the value for this column. (a, b) = (SELECT …) keeps the whole query.</summary>
    private static Expression ElementOf(SyntaxNode reference)
    {
        var source = ExpressionReader.Read(reference.Node("source"));
        var index = reference.Number("colno", 1) - 1;
        return source is RowExpression row && index < row.Elements.Length
            ? row.Elements[index]
            : new OtherExpression("MultiAssignRef", null, [source], source.Location);
    }

    private static TableName Target(SyntaxNode node) => QueryReader.ReadTableName(node.Node("relation"));

    private static string? Alias(SyntaxNode node) => node.Node("relation").Node("alias").Text("aliasname");
}
