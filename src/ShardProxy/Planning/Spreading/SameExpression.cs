using ShardProxy.Planning.Confinement;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Spreading;

/// <summary>
/// Whether two expressions of one SELECT are the same to PostgreSQL. Says no where it cannot be told: columns count by
/// what they mean, everything else by how it is written.
/// </summary>
internal static class SameExpression
{
    public static bool Are(Expression left, Expression right, Place block)
    {
        if (ReferenceEquals(left, right))
            return true;
        if (left is ColumnReference a && right is ColumnReference b)
            return AreColumns(a, b, block);
        if (left.GetType() != right.GetType() || left is SubqueryExpression)
            return false;
        return HeadsAreSame(left, right, block.Source) && ChildrenAreSame(left, right, block);
    }

    private static bool AreColumns(ColumnReference left, ColumnReference right, Place block)
    {
        if (left.IsStar || right.IsStar)
            return false;
        var variable = block.Columns.Resolve(left).Variable;
        return (variable is not null && ReferenceEquals(variable, block.Columns.Resolve(right).Variable)) || left.Names.SequenceEqual(right.Names);
    }

    private static bool ChildrenAreSame(Expression left, Expression right, Place block)
    {
        var first = ExpressionChildren.Of(left).ToList();
        var second = ExpressionChildren.Of(right).ToList();
        return first.Count == second.Count && first.Zip(second).All(pair => Are(pair.First, pair.Second, block));
    }

    private static bool HeadsAreSame(Expression left, Expression right, SourceText source) => (left, right) switch
    {
        // The library loses the sign of a number, the source has it.
        (Constant a, Constant b) => a.Kind == b.Kind && a.Text == b.Text && source.SensitiveText(a) is var value && value == source.SensitiveText(b) && (value is not null || a.Kind == ConstantKind.Null),
        (Parameter a, Parameter b) => a.Number == b.Number,
        (TypeCast a, TypeCast b) => a.Type.Names.SequenceEqual(b.Type.Names) && a.Type.IsArray == b.Type.IsArray && !a.Type.HasModifiers && !b.Type.HasModifiers,
        (OperatorExpression a, OperatorExpression b) => a.Form == b.Form && a.Form != OperatorForm.Other && a.OperatorNames.SequenceEqual(b.OperatorNames) && a.Left is null == b.Left is null,
        (BooleanExpression a, BooleanExpression b) => a.Connective == b.Connective,
        (NullTest a, NullTest b) => a.IsNull == b.IsNull,
        (BooleanTest a, BooleanTest b) => a.Test == b.Test,
        (FunctionCall a, FunctionCall b) => a.Names.SequenceEqual(b.Names) && a.Window is null && b.Window is null && a.Arguments.Length == b.Arguments.Length
            && a.IsDistinct == b.IsDistinct && a.IsStar == b.IsStar && a.IsVariadic == b.IsVariadic && a.IsOrdered == b.IsOrdered && a.IsFiltered == b.IsFiltered && !a.IsOrdered,
        (RowExpression, RowExpression) or (ArrayExpression, ArrayExpression) or (ExpressionList, ExpressionList) => true,
        _ => false,
    };
}
