using System.Collections.Immutable;
using ShardProxy.Statements;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>The parts that together analyse one statement; they call each other, as queries, FROM items and expressions nest.</summary>
internal sealed class StatementAnalysis
{
    public StatementAnalysis(PlanningContext context, Names names)
    {
        Context = context;
        Names = names;
        Findings.ReadsClock = context.HasClockValues;
        Operands = new OperandReader(names, SubqueryColumns);
        Conditions = new ConditionReader(names, Operands, SubqueryColumns);
        Functions = new FunctionSurvey(context, names, Findings);
        Relations = new RelationAnalyzer(this);
        From = new FromAnalyzer(this);
        Selects = new SelectAnalyzer(this);
        Queries = new QueryAnalyzer(this);
        Writes = new WriteAnalyzer(this);
    }

    public PlanningContext Context { get; }
    public Names Names { get; }
    public Findings Findings { get; } = new();
    public OperandReader Operands { get; }
    public ConditionReader Conditions { get; }
    public FunctionSurvey Functions { get; }
    public RelationAnalyzer Relations { get; }
    public FromAnalyzer From { get; }
    public SelectAnalyzer Selects { get; }
    public QueryAnalyzer Queries { get; }
    public WriteAnalyzer Writes { get; }

    /// <summary>The rows that a statement changes, and where its expressions stand; of MERGE the rows of its source.</summary>
    public Dictionary<Query, WriteBlock> WriteBlocks { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>The table that each statement writes.</summary>
    public Dictionary<Query, ResolvedRelation> WriteTargets { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>What names mean in each SELECT, as it was analysed last.</summary>
    public Dictionary<Select, Place> Blocks { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>In which place of FROM a column of a table stands; not of views and subqueries, whose columns are those of the tables inside.</summary>
    public Dictionary<ColumnVariable, FromTable> Origins { get; } = [];

    /// <summary>What stands in the place of a view that FROM names, as it was analysed last.</summary>
    public Dictionary<FromTable, Query> ViewQueries { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>What a name means; a table that must not be used is noted as the reason to refuse.</summary>
    public ResolvedRelation Resolve(TableName name)
    {
        var relation = Names.Resolve(name);
        if (Names.ProblemOf(relation) is { } problem)
            Findings.Refuse(problem.Reason, problem.Hint);
        if (relation.Relation is { } known)
            Findings.Relations.Add(known);
        return relation;
    }

    /// <summary>Looks at a whole statement.</summary>
    public RowsOfQuery Analyze(Query query, SourceText source) =>
        Queries.Analyze(query, new Place(new ColumnScope(null), new FactScope(null), null, source));

    /// <summary>The columns of a subquery in an expression; it is analysed the first time.</summary>
    /// <param name="joined">The condition holds only because of a row of the subquery, so the two are joined like FROM items.</param>
    public ColumnList SubqueryColumns(SubqueryExpression subquery, Place place, bool joined)
    {
        if (!place.Subqueries.TryGetValue(subquery, out var columns))
        {
            columns = Queries.AsItem(subquery.Query, place, place.Facts, joined);
            place.Subqueries.Add(subquery, columns);
        }
        return columns;
    }

    /// <summary>Misses no function and no subquery of an expression.</summary>
    public void Walk(Expression? expression, Place place)
    {
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (expression)
        {
            case null:
                return;
            case FunctionCall call:
                if (!DistributedCall.TryAdd(this, call, place))
                    Functions.Survey(call, place.Source);
                NoteClocks(call, place);
                break;
            case Constant { Kind: ConstantKind.Text, Text: { } text } when ClockWords.AreIn(text):
                Findings.ReadsClock = true;
                break;
            case SubqueryExpression subquery:
                SubqueryColumns(subquery, place, joined: false);
                break;
            case TypeCast cast when cast.Type.Names[^1].StartsWith("reg", StringComparison.Ordinal):
                // regclass and its kin: object ids differ from shard to shard.
                Findings.PrefersHome = true;
                Findings.Unspreadable ??= "an object id";
                break;
            case TypeCast cast:
                NoteCast(ClockCasts.MayReadClock(cast, place));
                break;
            case OtherExpression { Kind: "SQLValueFunction" }:
                // current_timestamp and its kin; also current_user, for which it does no harm.
                Findings.ReadsClock = true;
                NoteClock(expression.Location, place.Source);
                break;
            case OtherExpression { Kind: "CollateClause" }:
                Findings.Collates = true;
                break;
            case ColumnReference { IsStar: false, Names: [.., "ctid" or "tableoid" or "xmin" or "xmax" or "cmin" or "cmax"] }:
                Findings.Unspreadable ??= "a system column";
                break;
        }
        foreach (var child in ExpressionChildren.Of(expression))
            Walk(child, place);
    }

    private void NoteClocks(FunctionCall call, Place place)
    {
        NoteCast(ClockCasts.MayReadClock(call, place));
        if (BuiltInFunctions.IsStatementClock(call.Names[^1]) && call.Arguments.IsEmpty)
            NoteClock(call.Location, place.Source);
        else if (call.Names[^1] == "age" && call.Arguments.Length == 1)
            Findings.ReadsHiddenClock = true;
    }

    private void NoteCast(bool readsClock)
    {
        Findings.ReadsClock |= readsClock;
        Findings.ReadsHiddenClock |= readsClock;
    }

    private void NoteClock(int location, SourceText source)
    {
        if (source.IsView || location < 0)
            Findings.ReadsHiddenClock = true;
        else
            Findings.ClockSites.Add(location);
    }

    public void Walk(IEnumerable<Expression> expressions, Place place)
    {
        foreach (var expression in expressions)
            Walk(expression, place);
    }

    public void Walk(ImmutableArray<OutputItem> outputs, Place place) => Walk(outputs.Select(static output => output.Value), place);
}
