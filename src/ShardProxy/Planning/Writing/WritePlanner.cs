using System.Collections.Immutable;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>Plans a write that concerns several shards; what it cannot prove right it leaves to be refused.</summary>
/// <param name="rows">What the analysis found of the statement.</param>
/// <param name="range">Where the statement stands in the text.</param>
internal sealed class WritePlanner(StatementAnalysis analysis, RowsOfQuery rows, SourceText source, TextSpan range)
{
    private readonly Findings _findings = analysis.Findings;
    private readonly SpreadProof _proof = new(analysis.Findings);

    /// <param name="mayRewrite">The plan may be for this one text.</param>
    public WritePlan? TryPlan(Query query, bool mayRewrite) =>
        TryWrite(query, mayRewrite) is { } plan ? plan with { ReadsTimes = MayReadTimes(_findings, source) } : null;

    /// <summary>By a column's type, or by a type that the text names.</summary>
    public static bool MayReadTimes(Findings findings, SourceText source) =>
        findings.Relations.Any(static relation => relation.Columns.Any(static column => TypeIds.IsTime(column.TypeOid)))
        || System.Text.Encoding.UTF8.GetString(source.Bytes) is var text && (text.Contains("date", StringComparison.OrdinalIgnoreCase) || text.Contains("time", StringComparison.OrdinalIgnoreCase));

    private WritePlan? TryWrite(Query query, bool mayRewrite)
    {
        if (!analysis.Context.Catalog.AreShardsAlike || (_findings.WrittenReference is null && !MaySpread()))
            return null;
        var tokens = SqlTokens.Read(source.Bytes, range.Start, range.End);
        if (tokens is not { Count: > 0 } || StatementClock.Edits(_findings.ClockSites, tokens) is not { } edits || (!edits.IsEmpty && !mayRewrite))
            return null;
        if (_findings.WrittenReference is not null)
            return mayRewrite ? new ReferencePlanner(analysis, analysis.Names, tokens, edits).TryPlan(query) : null;
        if (query is Insert { With: null, Source: ValuesQuery { With: null, Order.IsEmpty: true, Limits.IsEmpty: true } values } insert)
            return mayRewrite ? SplitRows(insert, values, tokens, edits) : null;
        return _findings.GlobalConflict is null && KeysOf(query) is { } keys
            ? new WritePlan(keys, new OwnRowsDraft { Edits = edits, Changed = ChangedBy(query), Lookup = keys.Sets is null ? LookupOf(query) : null })
            : null;
    }

    private bool MaySpread() =>
        _findings is
        {
            WrittenReference: null, HomeFunction: null, Unspreadable: null, ReadsHiddenClock: false,
            HomeRelations.Count: 0, Locks: false,
        }
        && (_findings.Refusal is null || ReferenceEquals(_findings.Refusal, _findings.GlobalConflict))
        && _findings.Traits == Traits.Writes
        && _findings.Written.TrueForAll(static target => target is { Class: RelationClass.Sharded, Relation.ActsOnStatements: false })
        // What PostgreSQL computes once must not be computed once per shard.
        && (_findings.VolatileFunction is null || analysis.Blocks.Count == 0)
        // Which of a reference table's rows come first is each shard's own affair.
        && !(_findings.ReadsReference && analysis.Blocks.Keys.Any(static block => !block.Limits.IsEmpty || !block.DistinctOn.IsEmpty));

    private SpreadKeys? KeysOf(Query query) => query switch
    {
        { With: { } with } when WithWrites.AreIn(with) => new WithWrites(analysis, _proof, new SpreadPlanner(analysis, rows, source, range)).KeysOf(query, with),
        Update update when ReadsNoClock(update.Assignments) && (update.From.IsEmpty || _findings.VolatileFunction is null) => KeysOfTarget(query),
        Delete delete when delete.Using.IsEmpty || _findings.VolatileFunction is null => KeysOfTarget(query),
        Merge merge when merge.Actions.All(action => ReadsNoClock(action.Assignments) && OmitsNoClock(action)) => KeysOfSource(merge),
        Insert { Source: { } select } insert when OmitsNoClock(insert.Columns, []) && ReadsNoClock(insert.OnConflict?.Updates ?? []) => KeysOfSelect(select),
        _ => null,
    };

    private ImmutableArray<Directory.QualifiedName> ChangedBy(Query query) =>
        query is Insert { With: null, OnConflict: null or { Updates.IsEmpty: true } } ? [] : [.. _findings.Written.Select(static target => target.Distribution!.Table).Distinct()];

    private EntryLookup? LookupOf(Query query) =>
        query is Update or Delete && (query.With is null || !WithWrites.AreIn(query.With)) && analysis.WriteBlocks.TryGetValue(query, out var block) && block.Target is { } target
            ? EntryLookups.Of(block.Place, target, analysis.Context.Catalog)
            : null;

    /// <summary>The rows that are changed fall apart by their own key.</summary>
    private SpreadKeys? KeysOfTarget(Query query) =>
        analysis.WriteBlocks.TryGetValue(query, out var block) && block.Target is { } target ? Holds([(block.Place, target)]) : null;

    private SpreadKeys? KeysOfSource(Merge merge)
    {
        if (_findings.VolatileFunction is not null)
            return null;
        var place = analysis.WriteBlocks[merge].Place;
        foreach (var anchor in _proof.AnchorsOf(place))
        {
            if (Holds([(place, anchor)]) is { } keys)
                return keys;
        }
        return null;
    }

    /// <summary>The rows that are inserted are those of a query that falls apart, and each stays where it was computed.</summary>
    private SpreadKeys? KeysOfSelect(RowQuery select)
    {
        if (!select.Limits.IsEmpty || !select.Order.IsEmpty || _findings.VolatileFunction is not null)
            return null;
        var planner = new SpreadPlanner(analysis, rows, source, range);
        var branches = new List<Select>();
        var parts = new List<(Place Block, ShardedInstance Anchor)>();
        return planner.TryBranches(select, branches, isTop: true) && planner.TryParts(branches, parts, mustBeApart: true) && SpreadPlanner.AreDistinct(branches, parts)
            ? SpreadPlanner.KeysOf(parts)
            : null;
    }

    private SpreadKeys? Holds(List<(Place Block, ShardedInstance Anchor)> parts) => _proof.Holds(parts) ? SpreadPlanner.KeysOf(parts) : null;

    private WritePlan? SplitRows(Insert insert, ValuesQuery values, SqlTokens tokens, ImmutableArray<TextEdit> clockEdits)
    {
        if (_findings.Instances.Count > 0 || _findings.StoredKeys.Count != values.Rows.Length || Target is not { } table)
            return null;
        var keys = ImmutableArray.CreateBuilder<KeySet>(values.Rows.Length);
        foreach (var stored in _findings.StoredKeys)
        {
            if (stored.Set() is not { } set)
                return null;
            keys.Add(set);
        }
        if (InsertText.Cut(values, tokens) is not { } text || !ReadsNoClock(insert.OnConflict?.Updates ?? []))
            return null;
        if (ClockDefaults.Edits(insert, values, table, text, tokens) is not { } defaults)
            return null;
        GlobalConflict? conflict = null;
        if (_findings.GlobalConflict is not null)
        {
            conflict = new ConflictPlanner(insert, _findings.Written[0], analysis.Names, analysis.Context.Catalog).TryPlan(values, text, _findings.VolatileFunction is not null);
            if (conflict is null)
                return null;
        }
        return new WritePlan(new SpreadKeys(keys.ToImmutable()), new SplitRowsDraft([.. text.Rows.Select((row, index) => new InsertedRow(row.Start, row.End, keys[index]))])
        {
            Conflict = conflict,
            Edits = [.. clockEdits.Concat(defaults).OrderBy(static edit => edit.Start)],
        });
    }

    private Catalog.Relation? Target => _findings.Written is [{ Relation: { } relation }] ? relation : null;

    /// <summary>No SET … = DEFAULT whose default is the time of the statement.</summary>
    private bool ReadsNoClock(ImmutableArray<Assignment> assignments) => ClockDefaults.AreUnused(Target, assignments);

    private bool OmitsNoClock(MergeAction action) => action.Verb != MergeVerb.Insert || OmitsNoClock(action.Columns, action.Values);

    /// <summary>No column whose default is the time of the statement is left to it.</summary>
    private bool OmitsNoClock(ImmutableArray<string> columns, ImmutableArray<Expression> values) => ClockDefaults.AreGiven(Target, columns, values);
}
