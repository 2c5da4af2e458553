using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>Subqueries that name nothing of what is around them, so that each could be a statement by itself.</summary>
internal static class ClosedQuery
{
    /// <summary>Every name in it, at any depth, is a column of its own tables, and no table is one of WITH.</summary>
    /// <param name="analysis">Of this query alone.</param>
    /// <param name="scope">The names of WITH that are known around it.</param>
    public static bool Is(Query query, StatementAnalysis analysis, GatherScope? scope)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return query is Select { With: null } select
            && analysis.Blocks.TryGetValue(select, out var place)
            && place.Columns.Unqualified.TrueForAll(static list => list.Complete)
            && select.From.All(item => Knows(item, place, analysis, scope))
            && select.Outputs.Select(static output => output.Value)
                .Concat(select.DistinctOn).Concat(select.Groups).Concat(select.Order).Concat(select.Limits)
                .Concat(select.Windows.SelectMany(static window => ExpressionChildren.Of(window)))
                .Append(select.Where).Append(select.Having)
                .All(expression => Knows(expression, place, analysis, scope));
    }

    /// <summary>The first table directly in a FROM; null when there is none.</summary>
    public static FromTable? FirstTable(ImmutableArray<FromItem> items)
    {
        foreach (var item in items)
        {
            if (item is FromTable table)
                return table;
            if (item is FromJoin join && FirstTable([join.Left, join.Right]) is { } inner)
                return inner;
        }
        return null;
    }

    /// <summary>
    /// The parentheses of a SELECT, as indexes of tokens: the innermost around a table of its FROM that begin with that word. Null where
    /// they are not found.
    /// </summary>
    public static (int Opening, int Closing)? Parentheses(Select select, SqlTokens tokens)
    {
        if (FirstTable(select.From) is not { Location: >= 0 and var location })
            return null;
        for (var index = tokens.At(location) - 1; index >= 0; index--)
        {
            if (tokens.IsMark(index, '(') && tokens.IsWord(index + 1, "select") && tokens.Closing(index) is > 0 and var closing && tokens[closing].Start >= location)
                return (index, closing);
        }
        return null;
    }

    private static bool Knows(FromItem item, Place place, StatementAnalysis analysis, GatherScope? scope) => item switch
    {
        FromTable table => table.Sample is null && (table.Name.Schema is not null || scope?.Contains(table.Name.Name) != true),
        FromQuery inner => Is(inner.Query, analysis, scope),
        FromJoin join => Knows(join.Left, place, analysis, scope) && Knows(join.Right, place, analysis, scope) && Knows(join.On, place, analysis, scope),
        _ => false,
    };

    private static bool Knows(Expression? expression, Place place, StatementAnalysis analysis, GatherScope? scope) => expression switch
    {
        null => true,
        ColumnReference { IsStar: true } star => star.Names.IsEmpty || place.Columns.TryTable(star.Names[^1], out _),
        ColumnReference column => place.Columns.Resolve(column).Name is not null,
        SubqueryExpression subquery => Knows(subquery.Test, place, analysis, scope) && Is(subquery.Query, analysis, scope),
        _ => ExpressionChildren.Of(expression).All(child => Knows(child, place, analysis, scope)),
    };
}
