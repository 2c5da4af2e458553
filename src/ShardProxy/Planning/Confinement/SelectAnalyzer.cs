using System.Collections.Immutable;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>Analyses one SELECT: FROM, then WHERE, then all that is computed from the rows that pass.</summary>
internal sealed class SelectAnalyzer(StatementAnalysis analysis)
{
    /// <param name="place">The columns around the SELECT, and the scope that is to hold its facts.</param>
    public RowsOfQuery Analyze(Select select, Place place)
    {
        var columns = new ColumnScope(place.Columns);
        var inside = place with { Columns = columns };
        foreach (var item in select.From)
            columns.Add(analysis.From.Analyze(item, inside, place.Columns, place.Facts));
        if (select.Where is not null)
        {
            analysis.Conditions.Assume(select.Where, inside);
            analysis.Walk(select.Where, inside);
        }
        WalkRest(select, inside);
        analysis.Blocks[select] = inside;
        return Rows(select, inside);
    }

    /// <summary>The columns of a list of outputs, stars expanded.</summary>
    public (ImmutableArray<RowsColumn> Columns, bool Complete) Outputs(ImmutableArray<OutputItem> outputs, Place place, Func<ColumnVariable, int, bool> passes)
    {
        var columns = ImmutableArray.CreateBuilder<RowsColumn>();
        foreach (var output in outputs)
        {
            if (output.Value is ColumnReference { IsStar: true } star)
            {
                if (!Expand(star, place.Columns, columns, passes))
                    return (columns.ToImmutable(), false);
                continue;
            }
            columns.Add(Output(output, place, columns.Count, passes));
        }
        return (columns.ToImmutable(), true);
    }

    public static ValueFamily FamilyOf(List<Operand> values)
    {
        ValueFamily? family = null;
        foreach (var value in values)
        {
            if (value.Family is null)
                continue;
            if (family is not null && family != value.Family)
                return ValueFamily.Other;
            family = value.Family;
        }
        return family ?? ValueFamily.Any;
    }

    private RowsColumn Output(OutputItem output, Place place, int position, Func<ColumnVariable, int, bool> passes)
    {
        var name = output.Name ?? OutputNames.Of(output.Value);
        if (output.Value is ColumnReference reference)
        {
            var binding = place.Columns.Resolve(reference);
            return Shown(binding with { Name = name }, position, passes);
        }
        if (analysis.Operands.ColumnOf(output.Value, place) is { } cast && output.Value is TypeCast { Operand: ColumnReference inner })
        {
            // A cast that keeps the value; within one family the type does not matter to comparisons.
            return Shown(new ColumnBinding(name, cast, place.Columns.Resolve(inner).Nullable), position, passes);
        }
        return analysis.Operands.Values([output.Value], place) is { } values
            ? new RowsColumn(name, null, [.. values], Passes: false, FamilyOf(values), Nullable: true)
            : new RowsColumn(name, null, default, Passes: false, ValueFamily.Other, Nullable: true);
    }

    private static RowsColumn Shown(ColumnBinding binding, int position, Func<ColumnVariable, int, bool> passes) => new(
        binding.Name,
        binding.Variable,
        default,
        binding.Variable is not null && passes(binding.Variable, position),
        binding.Variable?.Family ?? ValueFamily.Other,
        binding.Nullable);

    /// <summary>False when a star stands for columns that are not known.</summary>
    private static bool Expand(ColumnReference star, ColumnScope scope, ImmutableArray<RowsColumn>.Builder columns, Func<ColumnVariable, int, bool> passes)
    {
        IEnumerable<ColumnList> lists = scope.Unqualified;
        if (!star.Names.IsEmpty)
        {
            NamedTable? table = null;
            for (var level = scope; level is not null && !level.TryTable(star.Names[^1], out table); level = level.Parent)
            {
            }
            lists = [table?.Columns ?? ColumnList.Unknown];
        }
        foreach (var list in lists)
        {
            foreach (var column in list.Columns)
                columns.Add(Shown(column, columns.Count, passes));
            if (!list.Complete)
                return false;
        }
        return true;
    }

    private void WalkRest(Select select, Place place)
    {
        analysis.Walk(select.Outputs, place);
        analysis.Walk(select.DistinctOn, place);
        analysis.Walk(select.Groups, place);
        analysis.Walk(select.Having, place);
        analysis.Walk(select.Windows.SelectMany(static window => ExpressionChildren.Of(window)), place);
        analysis.Walk(select.Order, place);
        analysis.Walk(select.Limits, place);
    }

    private RowsOfQuery Rows(Select select, Place place)
    {
        var fromRows = !select.HasGroupingSets && (!select.Groups.IsEmpty || !MayBeAggregate(select, place.Columns));
        var passing = new PassingColumns(select, place);
        var (columns, complete) = Outputs(select.Outputs, place, (variable, position) => fromRows && passing.Contains(variable, position));
        return new RowsOfQuery(place.Facts, columns, complete, fromRows);
    }

    /// <summary>
    /// An aggregate without GROUP BY gives a row from no rows. One that also shows a plain column of its own FROM is an
    /// error in PostgreSQL, so such a column says that there is none; else any function may be one.
    /// </summary>
    private static bool MayBeAggregate(Select select, ColumnScope scope)
    {
        if (select.Having is not null)
            return true;
        foreach (var output in select.Outputs)
        {
            if (output.Value is ColumnReference column && IsOwn(column, scope))
                return false;
        }
        return select.Outputs.Any(static output => HasCall(output.Value)) || select.Order.Any(HasCall);
    }

    private static bool IsOwn(ColumnReference column, ColumnScope scope)
    {
        if (column.IsStar)
            return column.Names.IsEmpty || scope.TryTable(column.Names[^1], out _);
        var variable = scope.Resolve(column).Variable;
        return variable is not null && scope.Unqualified.Exists(list => list.Columns.Any(own => ReferenceEquals(own.Variable, variable)));
    }

    /// <summary>A function anywhere inside, also in a subquery: an aggregate there may be of this level.</summary>
    private static bool HasCall(Expression expression) =>
        expression is FunctionCall or SubqueryExpression || ExpressionChildren.Of(expression).Any(HasCall);
}
