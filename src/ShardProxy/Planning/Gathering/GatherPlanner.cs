using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Planning.Confinement;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>Plans a gather: the last resort for a query that one shard cannot answer and that does not decompose.</summary>
internal static class GatherPlanner
{
    /// <param name="analysis">Of the same query.</param>
    /// <param name="range">Where the statement stands in the text: all of it, with what may be around the query (EXPLAIN, DECLARE).</param>
    /// <returns>A <see cref="GatherPlan"/>, or why there is none; null when the query is none to be gathered.</returns>
    /// <param name="mayPush">Subqueries may be read as a whole, and not only tables.</param>
    public static Plan? TryPlan(Query query, StatementAnalysis analysis, PlanningContext context, Names names, SourceText source, (int Start, int End) range, bool mayPush)
    {
        var findings = analysis.Findings;
        if (findings is not { Refusal: null, WrittenReference: null, StoredKeys.Count: 0, Instances.Count: > 0 } || query is not RowQuery)
            return null;
        var shared = new GatherContext(context, names, analysis);
        var text = new SplicedText(source.Bytes.ToArray(), range.Start, range.End);
        new GatherWalker(shared, text, source, viewDepth: 0) { Pusher = mayPush ? new QueryPusher(shared, source, text) : null }.Walk(query, null, isOutermost: true);
        var survey = shared.Survey;
        survey.CheckWholeRows();
        if (survey.Refusal is not null)
            return survey.Refusal;
        var reads = new List<GatherRead>();
        var readOf = new Dictionary<TableUse, int>(ReferenceEqualityComparer.Instance);
        ShareReads(survey);
        foreach (var use in survey.Uses)
            readOf[use] = Add(reads, ReadFor(use, survey));
        var plan = new GatherPlan([.. reads], text.ToPieces(use => readOf[use]), [.. survey.Views])
        {
            MayRunAnywhere = findings is { HomeRelations.Count: 0, HomeFunction: null, PrefersHome: false, ReadsTemporary: false, Unspreadable: null, VolatileFunction: null, Locks: false }
                && findings.Traits == Traits.None,
            Lookups = shared.Links.Lookups(use => readOf[use]),
            Links = shared.Links.Resolve([.. survey.Uses, .. survey.Others], use => readOf[use]),
        };
        return RowLocks.Refusal(plan) ?? (Plan)(plan with { Beside = TryPlanBeside(query, shared, source, range) });
    }

    /// <summary>For a server beside the shards: null unless the statement means there what it means at home.</summary>
    private static GatherPlan? TryPlanBeside(Query query, GatherContext home, SourceText source, (int Start, int End) range)
    {
        // A view has rights of its own, which are asked for where it is.
        if (!home.Planning.GathersBeside || home.Survey.Views.Count > 0 || !ServerSurvey.MayLeaveHome(home.Analysis.Findings, home.Names))
            return null;
        var server = new ServerSurvey();
        var shared = new GatherContext(home.Planning, home.Names, home.Analysis) { Server = server };
        var text = new SplicedText(source.Bytes.ToArray(), range.Start, range.End);
        new GatherWalker(shared, text, source, viewDepth: 0).Walk(query, null, isOutermost: true);
        var survey = shared.Survey;
        survey.CheckWholeRows();
        if (survey.Refusal is not null || survey.Views.Count > 0)
            return null;
        var reads = new List<GatherRead>();
        var readOf = new Dictionary<TableUse, int>(ReferenceEqualityComparer.Instance);
        ShareReads(survey);
        foreach (var use in survey.Uses)
            readOf[use] = Add(reads, ReadFor(use, survey) with { Place = PlaceOf(use.Relation.Class) });
        return new GatherPlan([.. reads], text.ToPieces(use => readOf[use]), [])
        {
            Lookups = shared.Links.Lookups(use => readOf[use]),
            Links = shared.Links.Resolve([.. survey.Uses], use => readOf[use]),
            Needs = server.Needs(home.Analysis.Findings.ReadsClock),
        };
    }

    // One read serves all places of a table that need the same rows.
    private static void ShareReads(GatherSurvey survey)
    {
        foreach (var use in survey.Uses)
            use.IgnoresCopies &= !survey.Uses.Exists(other => other.Relation.Name == use.Relation.Name && !other.IgnoresCopies);
    }

    private static ReadPlace PlaceOf(RelationClass kind) => kind switch
    {
        RelationClass.Sharded => ReadPlace.EveryShard,
        RelationClass.Reference => ReadPlace.OneShard,
        _ => ReadPlace.Home,
    };

    private static GatherRead ReadFor(TableUse use, GatherSurvey survey)
    {
        // All rows of another use are read anyway, so this one may look at the same.
        if (use.Pushed is { } pushed)
            return new GatherRead(use.Relation.Name, Only: false, pushed.Columns, [.. use.Conditions]) { Pushed = pushed };
        var all = survey.Uses.Exists(other => AreOfOneKind(other, use) && other.Conditions.Count == 0);
        var same = survey.Uses.Where(other => AreOfOneKind(other, use) && (all || SameConditions(other, use)));
        var columns = same.SelectMany(other => survey.ColumnsOf(other)).ToHashSet(StringComparer.Ordinal);
        ImmutableArray<Column> read = [.. use.Relation.Relation!.Columns.Where(column => columns.Contains(column.Name))];
        return new GatherRead(use.Relation.Name, use.Item.Only, [.. read.Select(static column => column.Name)], all ? [] : [.. use.Conditions])
        {
            Lock = use.Lock,
            IsDistinct = use.IgnoresCopies && use.Lock is null && !read.IsEmpty && read.All(column => IsPlain(column) && use.Relation.Distribution?.IsKeyColumn(column.Name) != true),
        };
    }

    // Values that are equal are the same, which numerics and floats need not be. By the key few rows are equal, and to find out costs.
    private static bool IsPlain(Column column) => column.DeterministicCollation
        && column.TypeOid is TypeOid.Bool or TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 or TypeOid.Uuid or TypeOid.Date or TypeOid.Timestamp or TypeOid.Timestamptz or TypeOid.Text or TypeOid.Varchar;

    // Rows that are locked are not read for another use: those would be more.
    private static bool AreOfOneKind(TableUse left, TableUse right) =>
        left.Relation.Name == right.Relation.Name && left.Item.Only == right.Item.Only && left.Lock == right.Lock && left.Pushed is null && right.Pushed is null;

    private static bool SameConditions(TableUse left, TableUse right) => left.ConditionText == right.ConditionText;

    private static int Add(List<GatherRead> reads, GatherRead read)
    {
        var known = reads.FindIndex(other => other.Table == read.Table && other.Only == read.Only && other.Condition == read.Condition && other.Lock == read.Lock && other.IsDistinct == read.IsDistinct && other.Pushed?.Sql == read.Pushed?.Sql);
        if (known >= 0)
            return known;
        reads.Add(read);
        return reads.Count - 1;
    }
}
