using System.Text;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Spreading;
using ShardProxy.Planning.Writing;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>
/// Finds the subqueries that are read as a whole (<see cref="PushedQuery"/>): those that group, name nothing of what is around them, and by
/// themselves would run on each shard for its own rows, by the very proof that spreads a statement. Others are read table by
/// table, so that the keys of what is around them can cut their tables down.
/// </summary>
/// <param name="text">The statement's, of which the subquery is a stretch.</param>
internal sealed class QueryPusher(GatherContext context, SourceText source, SplicedText text)
{
    // No table has columns of these names.
    private static readonly HashSet<string> SystemColumns = new(StringComparer.Ordinal) { "ctid", "tableoid", "xmin", "xmax", "cmin", "cmax" };

    private SqlTokens? _tokens;

    /// <summary>Puts a temporary table in the subquery's place, if it can be read as a whole; its tables are not looked at then.</summary>
    /// <param name="isShared">It stands inside of WITH.</param>
    public bool TryPush(Query query, GatherScope? scope, bool isShared)
    {
        if (query is not Select { With: null, Into: null, Locks: false, HasGroupingSets: false, Order.IsEmpty: true, Limits.IsEmpty: true } select
            || (select.Groups.IsEmpty && !select.IsDistinct)
            || !context.Names.SystemFirst
            || context.Analysis.Findings is not { VolatileFunction: null, HomeFunction: null, Traits: Traits.None }
            || ClosedQuery.FirstTable(select.From) is not { Location: >= 0 } first
            || !TryRange(select, out var start, out var end))
        {
            return false;
        }
        var sql = source.Bytes[start..end].ToArray();
        // It is put into texts of the proxy's own, and must come out of them as it was.
        if (ParameterTokens.Find(sql).Any() || !Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(sql)).AsSpan().SequenceEqual(sql))
            return false;
        var analysis = new StatementAnalysis(context.Planning, context.Names);
        var rows = analysis.Analyze(select, source);
        if (!rows.Complete || !ClosedQuery.Is(select, analysis, scope)
            || new SpreadPlanner(analysis, rows, source, new TextSpan(start, end)).TryPlan(select, mayRewrite: false) is not { Merge: null })
        {
            return false;
        }
        var columns = rows.Columns.Select(static column => column.Name).ToList();
        if (columns.Count == 0 || columns.Exists(static name => name is null || SystemColumns.Contains(name)) || columns.Distinct(StringComparer.Ordinal).Count() < columns.Count)
            return false;
        var relation = context.Names.Resolve(first.Name);
        if (relation.Relation is null)
            return false;
        var shown = rows.Columns.Where(column => column.Variable is { } variable && variable.Name == column.Name && analysis.Origins.TryGetValue(variable, out var table) && ReferenceEquals(table, first));
        var use = new TableUse(first, relation) { IsShared = isShared, Pushed = new PushedQuery(Encoding.UTF8.GetString(sql), [.. columns.OfType<string>()], [.. shown.Select(static column => column.Name!)]) };
        context.Survey.Uses.Add(use);
        text.Replace(start, start, "SELECT * FROM ");
        text.Replace(start, end, use);
        return true;
    }

    private bool TryRange(Select select, out int start, out int end)
    {
        (start, end) = (0, 0);
        _tokens ??= SqlTokens.Read(source.Bytes, text.Start, text.End);
        if (_tokens is not { } tokens || ClosedQuery.Parentheses(select, tokens) is not var (opening, closing))
            return false;
        (start, end) = (tokens[opening].End, tokens[closing].Start);
        return true;
    }
}
