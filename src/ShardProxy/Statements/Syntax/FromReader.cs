using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace ShardProxy.Statements.Syntax;

/// <summary>Reads what stands in FROM and USING.</summary>
internal static class FromReader
{
    public static ImmutableArray<FromItem> ReadAll(IEnumerable<SyntaxNode> nodes) => [.. nodes.Select(Read)];

    public static FromItem Read(SyntaxNode node)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var alias = node.Node("alias");
        var name = alias.Text("aliasname");
        ImmutableArray<string> columns = [.. alias.Names("colnames")];
        return node.Kind switch
        {
            "RangeVar" => new FromTable(QueryReader.ReadTableName(node), name, columns) { Location = node.Location, Only = !node.Flag("inh") },
            "RangeTableSample" => (FromTable)Read(node.Node("relation")) with { Sample = ExpressionReader.ReadAll([.. node.List("args"), node.Node("repeatable")]) },
            "RangeSubselect" => new FromQuery(QueryReader.Read(node.Node("subquery")), node.Flag("lateral"), name, columns),
            "JoinExpr" => ReadJoin(node, name, columns),
            "RangeFunction" => ReadFunctions(node, name, columns),
            // XMLTABLE and what later grammars add: all expressions inside are kept.
            _ => new FromFunction(
                ExpressionReader.ReadAll(node.Children().Where(static child => !child.Is("alias"))),
                [.. node.List("columns").Select(static column => column.Text("colname") ?? "")],
                null,
                name,
                columns),
        };
    }

    private static FromJoin ReadJoin(SyntaxNode node, string? alias, ImmutableArray<string> columns) => new(
        node.Text("jointype") switch
        {
            "JOIN_LEFT" => JoinForm.Left,
            "JOIN_RIGHT" => JoinForm.Right,
            "JOIN_FULL" => JoinForm.Full,
            _ => JoinForm.Inner,
        },
        node.Flag("isNatural"),
        Read(node.Node("larg")),
        Read(node.Node("rarg")),
        [.. node.Names("usingClause")],
        node.Node("join_using_alias").Text("aliasname"),
        ExpressionReader.ReadOptional(node.Node("quals")),
        alias,
        columns);

    private static FromFunction ReadFunctions(SyntaxNode node, string? alias, ImmutableArray<string> columns)
    {
        // Each function is a pair: the call and its column definitions.
        var calls = node.List("functions").SelectMany(static pair => pair.Items()).Where(static item => item.Exists).ToList();
        var single = calls.Count == 1 && !node.Flag("ordinality") && calls[0].Is("FuncCall") ? alias ?? calls[0].Names("funcname").LastOrDefault() : null;
        return new FromFunction(
            ExpressionReader.ReadAll(calls),
            [.. node.List("coldeflist").Select(static column => column.Text("colname") ?? "")],
            single,
            alias,
            columns);
    }
}
