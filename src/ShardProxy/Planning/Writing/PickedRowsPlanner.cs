using System.Collections.Immutable;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>
/// Plans an UPDATE or DELETE whose subqueries no shard can answer by itself, though the rest could run on each for its own rows: queues
/// (WHERE id IN (SELECT id … LIMIT 5 FOR UPDATE SKIP LOCKED)), batches, rows chosen by tables that are sharded otherwise. PostgreSQL, too,
/// computes such a subquery once.
/// </summary>
internal sealed class PickedRowsPlanner(PlanningContext context, Names names, StatementAnalysis analysis, SourceText source, TextSpan range)
{
    private readonly List<PickedRows> _picks = [];
    private SqlTokens? _tokens;

    /// <summary>Null when there is no such subquery.</summary>
    public WritePlan? TryPlan(Query query)
    {
        var findings = analysis.Findings;
        if (query is not (Update or Delete)
            || (query.With is { } with && (with.Recursive || WithWrites.AreIn(with)))
            || !context.Catalog.AreShardsAlike || !names.SystemFirst
            || findings is not { Refusal: null, HomeFunction: null, Unspreadable: null, ReadsHiddenClock: false, Written: [{ Class: RelationClass.Sharded or RelationClass.Reference or RelationClass.Home }] }
            || findings.Traits != Traits.Writes)
        {
            return null;
        }
        _tokens = SqlTokens.Read(source.Bytes, range.Start, range.End);
        if (_tokens is not { Count: > 0 } || StatementClock.Edits(findings.ClockSites, _tokens) is not { } edits)
            return null;
        var scope = new GatherScope(null);
        foreach (var table in query.With?.Tables ?? [])
        {
            TryPick(table.Query, scope, PickedForm.Rows);
            scope.Add(table.Name);
        }
        var (from, where) = query is Update update ? (update.From, update.Where) : (((Delete)query).Using, ((Delete)query).Where);
        foreach (var item in from)
            Pick(item, scope);
        Pick(where, scope);
        foreach (var assignment in query is Update { Assignments: var assignments } ? assignments : [])
            Pick(assignment.Value, scope);
        return _picks.Count == 0 ? null : new WritePlan(SpreadKeys.All, new PickedRowsDraft([.. _picks.OrderBy(static pick => pick.Start)]) { Edits = edits })
        {
            ReadsTimes = WritePlanner.MayReadTimes(findings, source),
        };
    }

    private void Pick(FromItem item, GatherScope scope)
    {
        if (item is FromJoin join)
        {
            Pick(join.Left, scope);
            Pick(join.Right, scope);
        }
        else if (item is FromQuery { Lateral: false } inner)
        {
            TryPick(inner.Query, scope, PickedForm.Rows);
        }
    }

    private void Pick(Expression? expression, GatherScope scope)
    {
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        if (expression is null)
            return;
        if (expression is SubqueryExpression subquery)
        {
            var isColumn = subquery.Query is Select { Outputs: [{ Value: not ColumnReference { IsStar: true } }] };
            TryPick(subquery.Query, scope, subquery switch
            {
                { Form: SubqueryForm.Any, OperatorNames.IsEmpty: true, Test: not RowExpression } when isColumn => PickedForm.List,
                { Form: SubqueryForm.Scalar, Test: null } when isColumn => PickedForm.Scalar,
                _ => PickedForm.Rows,
            });
        }
        foreach (var child in ExpressionChildren.Of(expression))
            Pick(child, scope);
    }

    private void TryPick(Query query, GatherScope scope, PickedForm form)
    {
        if (query is not Select { With: null, Into: null } select || ClosedQuery.Parentheses(select, _tokens!) is not var (opening, closing))
            return;
        var alone = new StatementAnalysis(context, names);
        alone.Analyze(select, source);
        // What every shard has the same of may stay.
        if ((alone.Findings.Instances.Count == 0 && alone.Findings.HomeRelations.Count == 0) || !ClosedQuery.Is(select, alone, scope))
            return;
        if (form == PickedForm.List && !_tokens!.IsWord(opening - 1, "in"))
            form = PickedForm.Rows;
        _picks.Add(new PickedRows(_tokens![opening].End, _tokens[closing].Start, form));
    }
}
