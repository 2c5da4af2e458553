using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>
/// Reads what a condition says when it is true (not: false or NULL, the other two of three values). NOT is pushed down to
/// the comparisons; what says nothing about a column's value gives no fact.
/// </summary>
internal sealed class ConditionReader(Names names, OperandReader operands, Func<SubqueryExpression, Place, bool, ColumnList> subqueryColumns)
{
    /// <summary>Adds the condition's facts to the place's scope.</summary>
    public void Assume(Expression condition, Place place) => place.Facts.Facts.AddRange(Read(condition, negated: false, place, whole: true));

    /// <param name="whole">The condition is one that every row must meet, not a part of an OR.</param>
    private List<Fact> Read(Expression condition, bool negated, Place place, bool whole)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return condition switch
        {
            BooleanExpression { Connective: Connective.Not } not => Read(not.Operands[0], !negated, place, whole),
            BooleanExpression boolean => (boolean.Connective == Connective.And) != negated
                ? All(boolean.Operands, negated, place, whole)
                : Any(boolean.Operands, negated, place),
            BooleanTest { Test: "IS_TRUE" } test when !negated => Read(test.Operand, negated: false, place, whole),
            BooleanTest { Test: "IS_NOT_TRUE" } test when negated => Read(test.Operand, negated: false, place, whole),
            BooleanTest { Test: "IS_FALSE" } test when !negated => Read(test.Operand, negated: true, place, whole),
            BooleanTest { Test: "IS_NOT_FALSE" } test when negated => Read(test.Operand, negated: true, place, whole),
            NullTest test => test.IsNull != negated ? IsNull(test.Operand, place) : [],
            Constant { Kind: ConstantKind.Null } => [NeverTrue.Instance],
            Constant { Kind: ConstantKind.Boolean } constant => (constant.Text == "true") == negated ? [NeverTrue.Instance] : [],
            OperatorExpression comparison => ReadComparison(comparison, negated, place),
            SubqueryExpression subquery when !negated => ReadSubquery(subquery, place, whole),
            _ => [],
        };
    }

    private List<Fact> All(ImmutableArray<Expression> conditions, bool negated, Place place, bool whole)
    {
        var facts = new List<Fact>();
        foreach (var condition in conditions)
            facts.AddRange(Read(condition, negated, place, whole));
        return facts;
    }

    private List<Fact> Any(ImmutableArray<Expression> conditions, bool negated, Place place)
    {
        var branches = ImmutableArray.CreateBuilder<ImmutableArray<Fact>>();
        var telling = true;
        foreach (var condition in conditions)
        {
            var facts = Read(condition, negated, place, whole: false);
            telling &= facts.Count > 0;
            if (!facts.Contains(NeverTrue.Instance))
                branches.Add([.. facts]);
        }
        if (!telling)
            return [];
        return branches.Count == 0 ? [NeverTrue.Instance] : [new Either(branches.ToImmutable())];
    }

    /// <summary>A stored key is never NULL; one that an outer join filled up may be.</summary>
    private static List<Fact> IsNull(Expression operand, Place place) =>
        operand is ColumnReference column && place.Columns.Resolve(column) is { Nullable: false, Variable.IsKey: true }
            ? [NeverTrue.Instance]
            : [];

    private List<Fact> ReadComparison(OperatorExpression comparison, bool negated, Place place)
    {
        if (comparison.Left is not { } left || comparison.Right is not { } right)
            return [];
        var equals = IsOperator(comparison.OperatorNames, "=");
        var differs = IsOperator(comparison.OperatorNames, "<>");
        return comparison.Form switch
        {
            // NOT (a <> b) is true exactly where a = b is. A row that differs is an OR, which NOT makes an AND.
            OperatorForm.Plain when (negated ? differs : equals) => Equal(left, right, place),
            OperatorForm.Plain when ComparisonOf(comparison.OperatorNames, negated) is { } order => Compare(left, order, right, place),
            OperatorForm.Between when !negated && right is ExpressionList { Elements: [var low, var high] } && names.SystemFirst =>
            [
                .. Compare(left, KeyComparison.GreaterOrEqual, low, place),
                .. Compare(left, KeyComparison.LessOrEqual, high, place),
            ],
            OperatorForm.In when (negated ? differs : equals) && right is ExpressionList list => IsIn(left, list, place),
            OperatorForm.Any when equals && !negated => IsAny(left, right, place),
            OperatorForm.All when differs && negated => IsAny(left, right, place),
            OperatorForm.NotDistinct when equals && !negated => NotDistinct(left, right, place),
            OperatorForm.Distinct when equals && negated => NotDistinct(left, right, place),
            _ => [],
        };
    }

    private List<Fact> Equal(Expression left, Expression right, Place place)
    {
        if (left is RowExpression leftRow && right is RowExpression rightRow)
        {
            if (leftRow.Elements.Length != rightRow.Elements.Length)
                return [];
            var facts = new List<Fact>();
            for (var index = 0; index < leftRow.Elements.Length; index++)
                facts.AddRange(Equal(leftRow.Elements[index], rightRow.Elements[index], place));
            return facts;
        }
        var leftColumn = operands.ColumnOf(left, place);
        var rightColumn = operands.ColumnOf(right, place);
        if (leftColumn is not null && rightColumn is not null)
            return TypeIds.Compare(leftColumn.Family, rightColumn.Family) ? [new SameValue(leftColumn, rightColumn)] : [];
        if (leftColumn is not null)
            return Among(leftColumn, operands.Values([right], place));
        if (rightColumn is not null)
            return Among(rightColumn, operands.Values([left], place));
        return NeverEqual(left, right, place) ? [NeverTrue.Instance] : [];
    }

    /// <summary>Rows are compared column after column, which says nothing of a column by itself.</summary>
    private List<Fact> Compare(Expression left, KeyComparison comparison, Expression right, Place place)
    {
        if (operands.ColumnOf(left, place) is { } column)
            return Compare(column, comparison, right, place);
        return operands.ColumnOf(right, place) is { } turned ? Compare(turned, Turn(comparison), left, place) : [];
    }

    private List<Fact> Compare(ColumnVariable column, KeyComparison comparison, Expression other, Place place)
    {
        if (!column.OrdersByBytes || operands.ValueOf(other, place) is not { IsArray: false } value)
            return [];
        if (value.Family is { } family && !TypeIds.Compare(family, column.Family))
            return [];
        return [new Compared(column, comparison, column.TypeOid == TypeIds.Numeric ? OperandReader.As(value, TypeIds.Numeric) : value)];
    }

    /// <summary>NOT (a &lt; b) is true exactly where a >= b is.</summary>
    private KeyComparison? ComparisonOf(ImmutableArray<string> operatorNames, bool negated)
    {
        if (IsOperator(operatorNames, "<"))
            return negated ? KeyComparison.GreaterOrEqual : KeyComparison.Less;
        if (IsOperator(operatorNames, "<="))
            return negated ? KeyComparison.Greater : KeyComparison.LessOrEqual;
        if (IsOperator(operatorNames, ">"))
            return negated ? KeyComparison.LessOrEqual : KeyComparison.Greater;
        if (IsOperator(operatorNames, ">="))
            return negated ? KeyComparison.Less : KeyComparison.GreaterOrEqual;
        return null;
    }

    private static KeyComparison Turn(KeyComparison comparison) => comparison switch
    {
        KeyComparison.Less => KeyComparison.Greater,
        KeyComparison.LessOrEqual => KeyComparison.GreaterOrEqual,
        KeyComparison.Greater => KeyComparison.Less,
        _ => KeyComparison.LessOrEqual,
    };

    /// <summary>WHERE 1 = 0, with which tools ask for columns only. Both literals then belong to the plan.</summary>
    private static bool NeverEqual(Expression left, Expression right, Place place) =>
        left is Constant { Kind: ConstantKind.Integer } first
        && right is Constant { Kind: ConstantKind.Integer } second
        && long.TryParse(place.Source.SensitiveText(first), out var a)
        && long.TryParse(place.Source.SensitiveText(second), out var b)
        && a != b;

    private List<Fact> NotDistinct(Expression left, Expression right, Place place)
    {
        // A NULL would match NULL keys, which outer joins make.
        var isValue = left is Constant { Kind: not ConstantKind.Null } || right is Constant { Kind: not ConstantKind.Null };
        return isValue ? Equal(left, right, place) : [];
    }

    private List<Fact> IsIn(Expression left, ExpressionList list, Place place)
    {
        if (left is RowExpression row)
            return IsRowIn(row, list, place);
        return operands.ColumnOf(left, place) is { } column ? Among(column, operands.Values(list.Elements, place)) : [];
    }

    private List<Fact> IsRowIn(RowExpression row, ExpressionList list, Place place)
    {
        var branches = ImmutableArray.CreateBuilder<ImmutableArray<Fact>>();
        foreach (var element in list.Elements)
        {
            var facts = Equal(row, element, place);
            if (facts.Count == 0)
                return [];
            branches.Add([.. facts]);
        }
        return [new Either(branches.ToImmutable())];
    }

    private List<Fact> IsAny(Expression left, Expression right, Place place) =>
        operands.ColumnOf(left, place) is { } column ? Among(column, operands.ElementsOf(right, place)) : [];

    private static List<Fact> Among(ColumnVariable column, List<Operand>? values)
    {
        if (values is null)
            return [];
        foreach (var value in values)
        {
            if (value.Family is { } family && !TypeIds.Compare(family, column.Family))
                return [];
        }
        // Only numeric has values that the other types of its family cannot read.
        return [new OneOf(column, [.. values.Select(value => column.TypeOid == TypeIds.Numeric ? OperandReader.As(value, TypeIds.Numeric) : value)])];
    }

    /// <summary>IN (SELECT …) and EXISTS are true because of a row of the subquery, for which the subquery's facts hold.</summary>
    private List<Fact> ReadSubquery(SubqueryExpression subquery, Place place, bool whole)
    {
        if (subquery.Form == SubqueryForm.Exists)
        {
            if (whole)
                subqueryColumns(subquery, place, true);
            return [];
        }
        if (subquery.Form != SubqueryForm.Any || subquery.Test is null || !(subquery.OperatorNames.IsEmpty ? names.SystemFirst : IsOperator(subquery.OperatorNames, "=")))
            return [];
        var columns = subqueryColumns(subquery, place, whole);
        var tests = subquery.Test is RowExpression row ? row.Elements : [subquery.Test];
        var facts = new List<Fact>();
        for (var index = 0; index < tests.Length; index++)
        {
            if (columns.At(index) is not { Family: not ValueFamily.Other } shown)
                continue;
            if (operands.ColumnOf(tests[index], place) is { } column)
            {
                if (TypeIds.Compare(column.Family, shown.Family))
                    facts.Add(new SameValue(column, shown));
            }
            else
            {
                facts.AddRange(Among(shown, operands.Values([tests[index]], place)));
            }
        }
        return facts;
    }

    /// <summary>The built-in operator, and no other of that name.</summary>
    private bool IsOperator(ImmutableArray<string> operatorNames, string name) => operatorNames.Length switch
    {
        1 => names.SystemFirst && operatorNames[0] == name,
        2 => operatorNames[0] == "pg_catalog" && operatorNames[1] == name,
        _ => false,
    };
}
