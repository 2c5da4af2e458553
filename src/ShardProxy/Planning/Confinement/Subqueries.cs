using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>Whether an expression holds a query.</summary>
internal static class Subqueries
{
    public static bool AreIn(Expression expression)
    {
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        return expression is SubqueryExpression || ExpressionChildren.Of(expression).Any(AreIn);
    }
}
