using System.Collections.Frozen;
using ShardProxy.Planning.Confinement;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Spreading;

/// <summary>Finds aggregate calls. A user's aggregate never gets here: calling one makes a statement unspreadable.</summary>
internal static class Aggregates
{
    // pg_proc.dat, prokind 'a', of PostgreSQL 15 and what 16 to 18 added.
    private static readonly FrozenSet<string> Names = FrozenSet.Create(
        StringComparer.Ordinal,
        "count", "sum", "avg", "min", "max", "bool_and", "bool_or", "every", "bit_and", "bit_or", "bit_xor", "stddev", "stddev_pop", "stddev_samp",
        "variance", "var_pop", "var_samp", "corr", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept", "regr_r2",
        "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "string_agg", "array_agg", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg",
        "json_agg_strict", "jsonb_agg_strict", "json_object_agg_strict", "jsonb_object_agg_strict", "json_object_agg_unique", "jsonb_object_agg_unique",
        "json_object_agg_unique_strict", "jsonb_object_agg_unique_strict", "xmlagg", "mode", "percentile_cont", "percentile_disc", "rank", "dense_rank",
        "percent_rank", "cume_dist", "range_agg", "range_intersect_agg", "any_value");

    public static bool IsAggregate(Expression expression) =>
        expression is FunctionCall { Window: null, Names: [.., var name] } && Names.Contains(name)
        || expression is OtherExpression { Kind: "GroupingFunc" or "JsonObjectAgg" or "JsonArrayAgg" };

    /// <summary>The SELECT has aggregates of its own, or HAVING: without GROUP BY it gives one row.</summary>
    public static bool AreUsed(Select select) =>
        select.Having is not null || OwnExpressions(select).Any(Holds);

    /// <summary>An aggregate outside of subqueries.</summary>
    public static bool Holds(Expression expression) => IsAggregate(expression) || ExpressionChildren.Of(expression).Any(Holds);

    /// <summary>
    /// An aggregate in a subquery is the outer query's when its arguments name columns of the outer query only. Says yes
    /// when that cannot be excluded for any SELECT but <paramref name="outermost"/>.
    /// </summary>
    public static bool MayBelongOutside(Select outermost, StatementAnalysis analysis)
    {
        foreach (var (select, place) in analysis.Blocks)
        {
            if (!ReferenceEquals(select, outermost) && OwnExpressions(select).SelectMany(Calls).Any(call => !IsOwn(call, place)))
                return true;
        }
        return false;
    }

    private static IEnumerable<Expression> OwnExpressions(Select select) =>
        select.Outputs.Select(static output => output.Value)
            .Concat(select.Order)
            .Concat(select.DistinctOn)
            .Concat(select.Having is null ? [] : [select.Having]);

    private static IEnumerable<Expression> Calls(Expression expression)
    {
        if (IsAggregate(expression))
            yield return expression;
        foreach (var child in ExpressionChildren.Of(expression))
        {
            foreach (var call in Calls(child))
                yield return call;
        }
    }

    private static bool IsOwn(Expression call, Place place)
    {
        var columns = Columns(call).ToList();
        var own = new ColumnScope(null);
        own.Tables.AddRange(place.Columns.Tables);
        own.Unqualified.AddRange(place.Columns.Unqualified);
        return columns.Count == 0 || columns.Exists(column => own.Resolve(column) != default);
    }

    private static IEnumerable<ColumnReference> Columns(Expression expression)
    {
        if (expression is ColumnReference column)
            yield return column;
        foreach (var child in ExpressionChildren.Of(expression))
        {
            foreach (var inner in Columns(child))
                yield return inner;
        }
    }
}
