using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>The name of an output column without AS (FigureColname in PostgreSQL's parse_target.c); null where it looks further than we do.</summary>
internal static class OutputNames
{
    public static string? Of(Expression value) => value switch
    {
        ColumnReference { Names.IsEmpty: false } column => column.Names[^1],
        FunctionCall call => call.Names[^1],
        TypeCast cast => cast.Operand is Constant or Parameter or OperatorExpression ? cast.Type.Names[^1] : Of(cast.Operand),
        SubqueryExpression { Form: SubqueryForm.Exists } => "exists",
        SubqueryExpression { Form: SubqueryForm.Array } => "array",
        SubqueryExpression => null,
        RowExpression => "row",
        ArrayExpression => "array",
        Constant or Parameter or OperatorExpression or BooleanExpression or NullTest or BooleanTest => "?column?",
        OtherExpression other => other.ColumnName,
        _ => null,
    };
}
