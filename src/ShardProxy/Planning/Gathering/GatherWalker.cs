using System.Runtime.CompilerServices;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>Walks one text (a statement, or a view's query): every query and every expression, once.</summary>
internal sealed class GatherWalker
{
    // Columns that every table has and a temporary table in its place has others (pg_attribute with attnum < 0).
    private static readonly HashSet<string> SystemColumns = new(StringComparer.Ordinal) { "ctid", "tableoid", "xmin", "xmax", "cmin", "cmax" };

    // What a row's parts are, not which type it has.
    private static readonly HashSet<string> PartFunctions = new(StringComparer.Ordinal) { "count", "row_to_json", "to_json", "to_jsonb", "json_agg", "jsonb_agg" };

    private readonly GatherFrom _from;
    private readonly GatherSurvey _survey;
    private readonly bool _isView;

    public GatherWalker(GatherContext context, SplicedText text, SourceText source, int viewDepth)
    {
        Text = text;
        Source = source;
        Context = context;
        ViewDepth = viewDepth;
        _survey = context.Survey;
        _isView = viewDepth > 0;
        _from = new GatherFrom(this);
    }

    public SplicedText Text { get; }

    public SourceText Source { get; }

    public GatherContext Context { get; }

    /// <summary>What is walked now is a query of WITH.</summary>
    public bool IsInCommonTable { get; set; }

    /// <summary>Null where only tables are read.</summary>
    public QueryPusher? Pusher { get; init; }

    /// <summary>0 in the statement itself.</summary>
    public int ViewDepth { get; }

    /// <param name="ignoresCopies">It stands where equal rows count as one.</param>
    public void Walk(Query query, GatherScope? outer, bool isExists = false, bool isOutermost = false, bool ignoresCopies = false)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var scope = Declare(query.With, outer);
        if (Context.Server is not null)
            ServerSurvey.Note(query, _survey);
        if (query is not RowQuery rows)
        {
            _survey.Refuse("the statement writes, and reads sharded tables on several shards", "Read first, and write in a statement of its own.");
            return;
        }
        if (rows.Locks && !(isOutermost && rows is Select))
            RowLocks.Refuse(_survey, "they are those of a subquery");
        switch (rows)
        {
            case Select select:
                WalkSelect(select, scope, isExists, isOutermost, ignoresCopies);
                break;
            case SetOperation operation:
                Walk(operation.Left, scope);
                Walk(operation.Right, scope);
                break;
            case ValuesQuery values:
                foreach (var row in values.Rows)
                    WalkAll(row, scope);
                break;
        }
        WalkAll(rows.Order, scope);
        WalkAll(rows.Limits, scope);
    }

    public void WalkAll(IEnumerable<Expression> expressions, GatherScope? scope)
    {
        foreach (var expression in expressions)
            Walk(expression, scope);
    }

    /// <param name="looksAtParts">A row that stands here is only taken apart.</param>
    public void Walk(Expression? expression, GatherScope? scope, bool looksAtParts = false)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        Context.Server?.Note(expression, Source, _survey);
        switch (expression)
        {
            case null:
                return;
            case ColumnReference column:
                Note(column, looksAtParts);
                return;
            case FunctionCall { Names: [.., "current_query"] }:
                _survey.Refuse("current_query() would show the text that runs on the home shard", "Leave it out.");
                break;
            case SubqueryExpression subquery:
                Walk(subquery.Test, scope);
                if (subquery.Form == SubqueryForm.Exists || Pusher?.TryPush(subquery.Query, scope, IsInCommonTable) != true)
                    Walk(subquery.Query, scope, isExists: subquery.Form == SubqueryForm.Exists, ignoresCopies: subquery.Form is SubqueryForm.Exists or SubqueryForm.Any or SubqueryForm.All);
                return;
        }
        var parts = expression is NullTest || (expression is FunctionCall { Names: var names } && PartFunctions.Contains(names[^1]));
        foreach (var child in Confinement.ExpressionChildren.Of(expression))
            Walk(child, scope, parts);
    }

    private void WalkSelect(Select select, GatherScope? scope, bool isExists, bool isOutermost, bool ignoresCopies)
    {
        if (select.Into is not null)
            _survey.Refuse("SELECT INTO of several shards' rows is not supported", "Create the table first, and fill it with COPY.");
        var tables = _from.Walk(select, scope, isExists);
        if (select.Locks)
            RowLocks.Apply(select, scope, tables, Context);
        if (ignoresCopies && GivesRowsAlone(select) && Context.Analysis.Findings is { VolatileFunction: null, HomeFunction: null })
        {
            foreach (var table in tables)
                table.IgnoresCopies = table.Item.Sample is null;
        }
        // EXISTS does not look at its outputs.
        var ignoresStar = isExists && select is { IsDistinct: false, Groups.IsEmpty: true };
        foreach (var output in select.Outputs)
        {
            if (output.Value is not ColumnReference { IsStar: true, Names.IsEmpty: true } star)
            {
                Walk(output.Value, scope, looksAtParts: isOutermost);
                continue;
            }
            if (star.Location < 0)
                _from.SpliceTableCommand(select);
            foreach (var table in tables)
                table.NeedsAllColumns |= !ignoresStar;
        }
        Walk(select.Where, scope);
        WalkAll(select.DistinctOn, scope);
        WalkAll(select.Groups, scope);
        Walk(select.Having, scope);
        foreach (var window in select.Windows)
            WalkAll(Confinement.ExpressionChildren.Of(window), scope);
    }

    // What counts rows, or takes some of them, would notice that some are left out.
    private static bool GivesRowsAlone(Select select) =>
        select is { Having: null, HasGroupingSets: false, Groups.IsEmpty: true, Windows.IsEmpty: true, Limits.IsEmpty: true, DistinctOn.IsEmpty: true }
        && select.Outputs.Select(static output => output.Value).Concat(select.Order).All(static value => value is ColumnReference or Constant);

    private GatherScope? Declare(WithClause? with, GatherScope? outer)
    {
        if (with is null)
            return outer;
        var shared = with.Recursive ? new GatherScope(outer) : null;
        foreach (var table in with.Tables)
            shared?.Add(table.Name);
        var scope = shared ?? outer;
        foreach (var table in with.Tables)
        {
            var outside = IsInCommonTable;
            IsInCommonTable = true;
            if (with.Recursive || Pusher?.TryPush(table.Query, scope, isShared: true) != true)
                Walk(table.Query, scope);
            IsInCommonTable = outside;
            if (shared is not null)
                continue;
            scope = new GatherScope(scope);
            scope.Add(table.Name);
        }
        return scope;
    }

    private void Note(ColumnReference column, bool looksAtParts)
    {
        foreach (var name in column.Names)
            _survey.Names.Add(name);
        if (column.IsStar)
        {
            if (column.Names.IsEmpty)
                _survey.Refuse("a star in an expression is not supported over several shards", "Name the columns.");
            else
                _survey.StarNames.Add(column.Names[^1]);
        }
        else if (SystemColumns.Contains(column.Names[^1]))
        {
            _survey.Refuse($"the system column {column.Names[^1]} means something on one shard only", "Use the table's own key.");
        }
        else if (column.Names.Length == 1)
        {
            _survey.LoneNames.Add(new GatherSurvey.LoneName(column.Names[0], looksAtParts));
        }
        // schema.table.column: the table goes by its bare name now.
        var qualifiers = column.Names.Length - (column.IsStar ? 1 : 2);
        if (qualifiers > 0 && column.Location >= 0)
            DropQualifiers(column, qualifiers);
    }

    private void DropQualifiers(ColumnReference column, int count)
    {
        if (!Context.IsSpliced(Context.Names.Resolve(column.Names[count - 1], column.Names[count])))
            return;
        var end = column.Location;
        for (var part = 0; part < count && end >= 0; part++)
        {
            end = TextTokens.EndOfName(Text.Bytes, end, 1);
            end = end < 0 ? end : TextTokens.SkipDot(Text.Bytes, end);
        }
        if (end < 0)
            _survey.Refuse("a name is written in a way that is not followed here", "Write it without U&.");
        else
            Text.Replace(column.Location, end, "");
    }

    /// <summary>A view's definition has every name of a user's table qualified; others could mean something else where it is put.</summary>
    public bool MayStay(FromTable table) => !_isView || table.Name.Schema is not null;
}
