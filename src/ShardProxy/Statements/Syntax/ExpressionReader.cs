using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace ShardProxy.Statements.Syntax;

/// <summary>Reads expressions. A node that it does not know keeps its operands, so that no table in it is missed.</summary>
internal static class ExpressionReader
{
    public static Expression? ReadOptional(SyntaxNode node) => node.Exists ? Read(node) : null;

    public static ImmutableArray<Expression> ReadAll(IEnumerable<SyntaxNode> nodes) =>
        [.. nodes.Where(static node => node.Exists).Select(Read)];

    public static Expression Read(SyntaxNode node)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return node.Kind switch
        {
            "ColumnRef" => new ColumnReference([.. node.Names("fields")], node.List("fields").Any(static field => field.Is("A_Star")), node.Location),
            "A_Const" => ReadConstant(node),
            "ParamRef" => new Parameter(node.Number("number", 0), node.Location),
            "TypeCast" => new TypeCast(Read(node.Node("arg")), ReadType(node.Node("typeName")), node.Location),
            "A_Expr" => ReadOperator(node),
            "BoolExpr" => new BooleanExpression(ReadConnective(node), ReadAll(node.List("args")), node.Location),
            "NullTest" => new NullTest(Read(node.Node("arg")), node.Text("nulltesttype") == "IS_NULL", node.Location),
            "BooleanTest" => new BooleanTest(Read(node.Node("arg")), node.Text("booltesttype") ?? "", node.Location),
            "FuncCall" => ReadCall(node),
            "SubLink" => ReadSubquery(node),
            "RowExpr" => new RowExpression(ReadAll(node.List("args")), node.Location),
            "A_ArrayExpr" => new ArrayExpression(ReadAll(node.List("elements")), node.Location),
            "List" => new ExpressionList(ReadAll(node.Items())),
            "SetToDefault" => new DefaultValue(node.Location),
            "NamedArgExpr" => new NamedArgument(node.Text("name") ?? "", Read(node.Node("arg")), node.Location),
            "CurrentOfExpr" => new CurrentOfCursor(node.Text("cursor_name") ?? ""),
            _ when QueryReader.IsQuery(node) => new SubqueryExpression(SubqueryForm.Other, null, [], QueryReader.Read(node), -1),
            _ => new OtherExpression(node.Kind, NameOf(node), ReadAll(node.Children()), node.Location),
        };
    }

    public static TypeName ReadType(SyntaxNode node) => new(
        [.. node.Names("names")],
        node.List("typmods").Any(),
        node.List("arrayBounds").Any(),
        node.Flag("setof"))
    {
        Modifiers = [.. node.List("typmods").Where(static modifier => modifier.Has("ival")).Select(static modifier => modifier.Node("ival").Number("ival", 0))],
    };

    public static WindowDefinition ReadWindow(SyntaxNode node) => new(
        node.Text("name"),
        node.Text("refname"),
        ReadAll(node.List("partitionClause")),
        [.. ReadAll(node.List("orderClause")), .. ReadAll([node.Node("startOffset"), node.Node("endOffset")])]);

    private static Constant ReadConstant(SyntaxNode node)
    {
        if (node.Has("ival"))
            return new Constant(ConstantKind.Integer, node.Node("ival").Number("ival", 0).ToString(System.Globalization.CultureInfo.InvariantCulture), node.Location);
        if (node.Has("fval"))
            return new Constant(ConstantKind.Decimal, node.Node("fval").Text("fval") ?? "", node.Location);
        if (node.Has("boolval"))
            return new Constant(ConstantKind.Boolean, node.Node("boolval").Flag("boolval") ? "true" : "false", node.Location);
        if (node.Has("sval"))
            return new Constant(ConstantKind.Text, node.Node("sval").Text("sval") ?? "", node.Location);
        return node.Has("bsval")
            ? new Constant(ConstantKind.Bits, node.Node("bsval").Text("bsval") ?? "", node.Location)
            : new Constant(ConstantKind.Null, null, node.Location);
    }

    private static OperatorExpression ReadOperator(SyntaxNode node) => new(
        node.Text("kind") switch
        {
            "AEXPR_OP" => OperatorForm.Plain,
            "AEXPR_OP_ANY" => OperatorForm.Any,
            "AEXPR_OP_ALL" => OperatorForm.All,
            "AEXPR_IN" => OperatorForm.In,
            "AEXPR_DISTINCT" => OperatorForm.Distinct,
            "AEXPR_BETWEEN" => OperatorForm.Between,
            "AEXPR_NOT_DISTINCT" => OperatorForm.NotDistinct,
            _ => OperatorForm.Other,
        },
        [.. node.Names("name")],
        ReadOptional(node.Node("lexpr")),
        ReadOptional(node.Node("rexpr")),
        node.Location);

    private static Connective ReadConnective(SyntaxNode node) => node.Text("boolop") switch
    {
        "OR_EXPR" => Connective.Or,
        "NOT_EXPR" => Connective.Not,
        _ => Connective.And,
    };

    private static FunctionCall ReadCall(SyntaxNode node)
    {
        var window = node.Node("over");
        return new FunctionCall(
            [.. node.Names("funcname")],
            ReadAll(node.List("args")),
            [.. ReadAll(node.List("agg_order")), .. ReadAll([node.Node("agg_filter")])],
            window.Exists ? ReadWindow(window) : null,
            node.Location)
        {
            IsDistinct = node.Flag("agg_distinct"),
            IsStar = node.Flag("agg_star"),
            IsVariadic = node.Flag("func_variadic"),
            IsOrdered = node.List("agg_order").Any(),
            IsFiltered = node.Has("agg_filter"),
        };
    }

    private static SubqueryExpression ReadSubquery(SyntaxNode node) => new(
        node.Text("subLinkType") switch
        {
            "EXISTS_SUBLINK" => SubqueryForm.Exists,
            "ANY_SUBLINK" => SubqueryForm.Any,
            "ALL_SUBLINK" => SubqueryForm.All,
            "EXPR_SUBLINK" => SubqueryForm.Scalar,
            "ARRAY_SUBLINK" => SubqueryForm.Array,
            _ => SubqueryForm.Other,
        },
        ReadOptional(node.Node("testexpr")),
        [.. node.Names("operName")],
        QueryReader.Read(node.Node("subselect")),
        node.Location);

    /// <summary>The names that FigureColname (parse_target.c) gives; null where it looks further than we do.</summary>
    private static string? NameOf(SyntaxNode node) => node.Kind switch
    {
        "CoalesceExpr" => "coalesce",
        "MinMaxExpr" => node.Text("op") == "IS_LEAST" ? "least" : "greatest",
        "GroupingFunc" => "grouping",
        _ => null,
    };
}
