using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>Lists the expressions directly inside another; the query of a subquery is not among them.</summary>
internal static class ExpressionChildren
{
    public static IEnumerable<Expression> Of(Expression expression) => expression switch
    {
        TypeCast cast => [cast.Operand],
        OperatorExpression comparison => Present(comparison.Left, comparison.Right),
        BooleanExpression boolean => boolean.Operands,
        NullTest test => [test.Operand],
        BooleanTest test => [test.Operand],
        FunctionCall call => [.. call.Arguments, .. call.Inner, .. Of(call.Window)],
        SubqueryExpression subquery => Present(subquery.Test, null),
        RowExpression row => row.Elements,
        ArrayExpression array => array.Elements,
        ExpressionList list => list.Elements,
        NamedArgument argument => [argument.Value],
        OtherExpression other => other.Operands,
        _ => [],
    };

    public static IEnumerable<Expression> Of(WindowDefinition? window) => window is null ? [] : [.. window.Partition, .. window.Others];

    private static IEnumerable<Expression> Present(Expression? first, Expression? second)
    {
        if (first is not null)
            yield return first;
        if (second is not null)
            yield return second;
    }
}
