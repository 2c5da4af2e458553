using System.Collections.Immutable;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Drawing;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Spreading;
using ShardProxy.Planning.Writing;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

/// <summary>Where a query runs: decides from what the analysis has found.</summary>
internal sealed class QueryPlanner(PlanningContext context, Names names)
{
    /// <summary>Where the statement stands in its text, with whatever is around the query (EXPLAIN, DECLARE).</summary>
    public (int Start, int End) Range { get; set; }

    public PlannedStatement Plan(Query query, SourceText source)
    {
        if (query is Select { Into: { } into } select)
            return TableFromQuery.PlanInto(this, select, into, source);
        return Plan(query, source, VerbOf(query));
    }

    /// <summary>A query that is a statement by itself.</summary>
    public PlannedStatement PlanStatement(Query query, SourceText source)
    {
        // What is drawn must be known before it can be said where the rows belong.
        if (new DrawPlanner(context, names, source).TryPlan(query) is { } draw)
            return new PlannedStatement(draw, query is Insert ? Traits.Writes : draw.Otherwise is null ? Traits.None : Traits.ReadsSequences, VerbOf(query));
        return query is not Select { Into: not null } ? Plan(query, source, VerbOf(query), mayRunOnSeveral: true) : Plan(query, source);
    }

    public PlannedStatement Plan(Query query, SourceText source, string verb) => Plan(query, source, verb, mayRunOnSeveral: false);

    /// <param name="mayRunOnSeveral">The query is a statement by itself, so that it may run on several shards.</param>
    public PlannedStatement Plan(Query query, SourceText source, string verb, bool mayRunOnSeveral)
    {
        if (SettingFunction.TryRead(query, source, out var setting))
            return new PlannedStatement(setting, Traits.None, verb);
        if (DistributeFunction.TryRead(query, source, context, names, out var distribute))
            return new PlannedStatement(distribute, Traits.ChangesCatalog | (distribute is EveryShardPlan ? Traits.Writes : Traits.NotInTransaction), verb);
        if (CursorOf(query) is { } cursor)
            return new PlannedStatement(new CursorPlan(CursorVerb.Fetch, cursor, null, WithHold: false), Traits.Writes | Traits.FollowsTransaction, verb);
        var analysis = new StatementAnalysis(context, names);
        var rows = analysis.Analyze(query, source);
        var findings = analysis.Findings;
        var traits = findings.Traits | (findings.Locks ? Traits.Writes : Traits.None);
        var plan = Decide(findings);
        if (context.IsUnconfined && plan is OneShardPlan { Choice: KeyedShard })
            plan = findings.Instances.Count > 0 ? Refusals.NotConfined(findings.Instances[0].Table) : ShardBinder.SeveralShards;
        if (plan is RefusedPlan && !source.HasParameters && context.Catalog.AreShardsAlike && RowCount.IsOf(query, findings, names))
            plan = new CountEverywherePlan();
        else if (plan is RefusedPlan && context.Catalog.AreShardsAlike && GeneratedRows.TryPlan(query, findings, context, names, source) is { } insert)
            plan = insert;
        else if (mayRunOnSeveral && plan is RefusedPlan { SqlState: Refusals.NotSupported } or OneShardPlan { Choice: KeyedShard })
            plan = OnSeveral(plan, query, analysis, rows, source);
        if (plan is RefusedPlan or SpreadPlan { Merge: not null } && GatherPlanner.TryPlan(query, analysis, context, names, source, Range, mayPush: true) is { } gather)
            plan = plan is SpreadPlan spread ? spread with { Fallback = gather } : gather;
        if (mayRunOnSeveral && GlobalIndexWrites.AreIn(query, findings))
            plan = GlobalIndexWrites.WithEntries(plan);
        return new PlannedStatement(plan, traits, verb);
    }

    private Plan OnSeveral(Plan plan, Query query, StatementAnalysis analysis, RowsOfQuery rows, SourceText source)
    {
        var range = new TextSpan(Range.Start, Range.End);
        SeveralShardsPlan? TryPlan(bool mayRewrite) => query is RowQuery && analysis.Findings.Written.Count == 0
            ? new SpreadPlanner(analysis, rows, source, range).TryPlan(query, mayRewrite)
            : new WritePlanner(analysis, rows, source, range).TryPlan(query, mayRewrite)
                ?? (mayRewrite ? new MovedRowsPlanner(context, names, analysis.Findings, source, range).TryPlan(query) : null);
        // A plan that holds for one text only must not make one of a plan that holds for many: that text is planned again.
        if (plan is OneShardPlan one)
            return one with { Otherwise = (Plan?)TryPlan(mayRewrite: false) ?? ReplanPlan.Instance };
        return TryPlan(mayRewrite: true) ?? TryLockByClock(query, analysis.Findings, source)
            ?? new KeyUpdatePlanner(analysis, source, range).TryPlan(query) ?? new PickedRowsPlanner(context, names, analysis, source, range).TryPlan(query)
            ?? SetsKey(analysis.Findings) ?? new StepsPlanner(analysis, source, range).TryPlan(query) ?? WritesInWith(query, analysis.Findings) ?? plan;
    }

    /// <summary>
    /// What locks rows by the clock (a queue: run_at &lt;= now()) must run where the rows are, with one time for all shards: it is planned as it
    /// will be when the time stands in its text. Other reads of the clock are gathered.
    /// </summary>
    private SpreadPlan? TryLockByClock(Query query, Findings findings, SourceText source)
    {
        if (query is not RowQuery || findings is not { Locks: true, ReadsClock: true, ReadsHiddenClock: false }
            || SqlTokens.Read(source.Bytes, Range.Start, Range.End) is not { Count: > 0 } tokens
            || StatementClock.Edits(findings.ClockSites, tokens) is not { IsEmpty: false } edits)
        {
            return null;
        }
        var text = System.Text.Encoding.UTF8.GetString(TextEdits.Apply(source.Bytes, Range.Start, Range.End, edits));
        if (SqlParser.Parse(System.Text.Encoding.UTF8.GetBytes(text)) is not SyntaxTree { Statements: [{ Statement: QueryStatement { Query: RowQuery marked } }] })
            return null;
        var timed = SourceText.OfView(text);
        var analysis = new StatementAnalysis(context, names);
        var rows = analysis.Analyze(marked, timed);
        return new SpreadPlanner(analysis, rows, timed, new TextSpan(0, timed.Bytes.Length)).TryPlan(marked, mayRewrite: true) is { } plan ? plan with { ClockText = text } : null;
    }

    private static RefusedPlan? WritesInWith(Query query, Findings findings) =>
        findings.Refusal is null && query.With is { } with && WithWrites.AreIn(with) && findings.Written.Find(static target => target.Class == RelationClass.Sharded) is { Distribution: { } table }
            ? Refusals.WritesInWith(table)
            : null;

    /// <summary>A key that is set is what stands in the way, whatever else was found first.</summary>
    private static RefusedPlan? SetsKey(Findings findings) =>
        findings.Refusal is null && findings.StoredKeys.Find(static stored => stored.By is StoredBy.Conflict or StoredBy.Merge) is { } set
            ? Refusals.SetsKey(set.Table, set.By == StoredBy.Merge)
            : null;

    /// <summary>The query runs on the home shard over the gathered rows of its sharded tables, each of them read by itself; null when it cannot.</summary>
    public Plan? TryGather(Query query, StatementAnalysis analysis, SourceText source) => GatherPlanner.TryPlan(query, analysis, context, names, source, Range, mayPush: false);

    public StatementAnalysis Analyze(Query query, SourceText source)
    {
        var analysis = new StatementAnalysis(context, names);
        analysis.Analyze(query, source);
        return analysis;
    }

    /// <summary>A table of that name would be one that the directory has.</summary>
    public bool IsDeclared(TableName target) =>
        !target.IsTemporary && context.Directory.Find(names.ForCreation(target.Schema, target.Name)) is not null;

    public static Plan Decide(Findings findings)
    {
        if (findings.Refusal is not null)
            return findings.Refusal;
        if (findings.WrittenReference is { } written)
            return Refusals.WritesReference(written);
        if (findings.Instances.Count > 0 || findings.StoredKeys.Count > 0)
            return Keyed(findings);
        var home = findings.HomeRelations.Count > 0
            || findings.HomeFunction is not null
            || findings.PrefersHome
            // Whoever locks a row of a reference table must meet the others who do.
            || findings.Locks;
        return new OneShardPlan(home ? HomeShard.Instance : AnyShard.Instance);
    }

    public static string VerbOf(Query query) => query switch
    {
        Insert => "insert",
        Update => "update",
        Delete => "delete",
        Merge => "merge",
        ValuesQuery => "values",
        _ => "select",
    };

    private static Plan Keyed(Findings findings)
    {
        var table = findings.Instances.Count > 0 ? findings.Instances[0].Table : findings.StoredKeys[0].Table;
        if (findings.HomeRelations.Count > 0)
            return Refusals.MixesHome(table, findings.HomeRelations[0]);
        if (findings.HomeFunction is { } function)
            return Refusals.MixesHomeFunction(table, function);
        var sets = ImmutableArray.CreateBuilder<KeySet>();
        foreach (var stored in findings.StoredKeys)
        {
            if (stored.Set() is not { } set)
                return Refusals.KeyNotConstant(stored.Table);
            Add(sets, set);
        }
        foreach (var instance in findings.Instances)
        {
            if (instance.Confine() is not { } set)
                return Refusals.NotConfined(instance.Table);
            Add(sets, set);
        }
        return new OneShardPlan(new KeyedShard(sets.ToImmutable(), findings.RequiresKey));
    }

    private static void Add(ImmutableArray<KeySet>.Builder sets, KeySet set)
    {
        foreach (var known in sets)
        {
            if (KeySets.Same(known, set))
                return;
        }
        sets.Add(set);
    }

    /// <summary>WHERE CURRENT OF: the row is where the cursor is.</summary>
    private static string? CursorOf(Query query)
    {
        var where = query switch
        {
            Update update => update.Where,
            Delete delete => delete.Where,
            _ => null,
        };
        return where is CurrentOfCursor cursor ? cursor.Name : null;
    }
}
