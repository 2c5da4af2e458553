using System.Collections.Immutable;
using ShardProxy.Directory;
using ShardProxy.Planning.Confinement;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Spreading;

/// <summary>Plans a query whose rows can be computed shard by shard; what it cannot prove right it leaves to others.</summary>
/// <param name="rows">What the analysis found of the query.</param>
/// <param name="range">Where the statement stands in the text.</param>
internal sealed class SpreadPlanner(StatementAnalysis analysis, RowsOfQuery rows, SourceText source, TextSpan range)
{
    private readonly SpreadProof _proof = new(analysis.Findings);

    /// <summary>Null when the query is not seen to fall apart by shard.</summary>
    /// <param name="mayRewrite">The plan may be for this one text, and the text for the shards another.</param>
    public SpreadPlan? TryPlan(Query query, bool mayRewrite)
    {
        if (query is not RowQuery row || !MaySpread(analysis.Findings) || !analysis.Context.Catalog.AreShardsAlike)
            return null;
        var branches = new List<Select>();
        if (!TryBranches(row, branches, isTop: true))
            return null;
        // Computed once by PostgreSQL, a volatile function in a subquery must not be computed once per shard.
        if (analysis.Findings.VolatileFunction is not null && analysis.Blocks.Count > 1)
            return null;
        var parts = new List<(Place Block, ShardedInstance Anchor)>();
        if (TryParts(branches, parts, mustBeApart: true))
        {
            var isWhole = row.Order.IsEmpty && row.Limits.IsEmpty && AreDistinct(branches, parts);
            if (isWhole)
                return new SpreadPlan(KeysOf(parts)) { Lookup = LookupOf(parts), Locks = analysis.Findings.Locks, Locked = Locked };
            var draft = mayRewrite && row is Select whole ? RowsDraftWriter.TryWrite(Input(whole, parts[0].Block), AreDistinct(branches, parts)) : null;
            return draft is null ? null : new SpreadPlan(KeysOf(parts)) { Merge = draft, Lookup = LookupOf(parts), Locks = analysis.Findings.Locks, Locked = Locked };
        }
        if (mayRewrite && row is Select { HasGroupingSets: false } select && (!select.Groups.IsEmpty || Aggregates.AreUsed(select)) && TryParts(branches, parts, mustBeApart: false))
        {
            var input = Input(select, parts[0].Block);
            MergeDraft? draft = CollectDraftWriter.IsFor(select) ? CollectDraftWriter.TryWrite(input) : GroupDraftWriter.TryWrite(input);
            return draft is null ? null : new SpreadPlan(KeysOf(parts)) { Merge = draft, Locks = analysis.Findings.Locks, Locked = Locked };
        }
        return null;
    }

    private ImmutableArray<QualifiedName> Locked => analysis.Findings.Locks ? [.. analysis.Findings.Instances.Select(static instance => instance.Table.Table).Distinct()] : [];

    private EntryLookup? LookupOf(List<(Place Block, ShardedInstance Anchor)> parts) =>
        parts is [var (block, anchor)] && KeysOf(parts).Sets is null ? EntryLookups.Of(block, anchor, analysis.Context.Catalog) : null;

    private DraftInput Input(Select select, Place block) => new(select, block, rows, analysis, source, range);

    public static bool AreDistinct(List<Select> branches, List<(Place Block, ShardedInstance Anchor)> parts) =>
        branches.Select((branch, index) => RowsByKey.AreDistinct(branch, parts[index].Block, parts[index].Anchor)).All(static distinct => distinct);

    private static bool MaySpread(Findings findings) =>
        findings is
        {
            Refusal: null, WrittenReference: null, HomeFunction: null, Unspreadable: null, RequiresKey: false, ReadsClock: false,
            Instances.Count: > 0, HomeRelations.Count: 0, StoredKeys.Count: 0,
        }
        && findings.Traits == Traits.None
        // Whoever locks a row of a reference table must meet the others who do, and they are on the home shard.
        && !(findings.LocksOthers && findings.ReadsReference);

    /// <summary>The SELECTs whose rows together are the query's: itself, or the branches of UNION ALL.</summary>
    public bool TryBranches(RowQuery query, List<Select> branches, bool isTop)
    {
        // Rows that are counted, ordered or locked together are not those of a branch.
        if (!isTop && (!query.Order.IsEmpty || !query.Limits.IsEmpty || query.Locks))
            return false;
        switch (query)
        {
            case Select { Into: null } select when analysis.Blocks.ContainsKey(select):
                branches.Add(select);
                return true;
            case SetOperation { Operator: SetOperator.Union, All: true, Left: RowQuery left, Right: RowQuery right }:
                return TryBranches(left, branches, isTop: false) && TryBranches(right, branches, isTop: false);
            default:
                return false;
        }
    }

    /// <summary>Finds an anchor for each branch, such that all together confine the statement.</summary>
    /// <param name="mustBeApart">The branch's rows are asked to be apart by the anchor, and not only the rows that it computes them from.</param>
    public bool TryParts(List<Select> branches, List<(Place Block, ShardedInstance Anchor)> parts, bool mustBeApart)
    {
        if (parts.Count == branches.Count)
            return _proof.Holds(parts);
        var select = branches[parts.Count];
        var block = analysis.Blocks[select];
        foreach (var anchor in _proof.AnchorsOf(block))
        {
            if (mustBeApart ? !RowsByKey.AreApart(select, block, anchor, analysis) : Aggregates.MayBelongOutside(select, analysis))
                continue;
            parts.Add((block, anchor));
            if (TryParts(branches, parts, mustBeApart))
                return true;
            parts.RemoveAt(parts.Count - 1);
        }
        return false;
    }

    public static SpreadKeys KeysOf(IEnumerable<(Place Block, ShardedInstance Anchor)> parts)
    {
        var sets = new List<KeySet>();
        foreach (var (_, anchor) in parts)
        {
            if (anchor.Confine() is not { } set)
                return SpreadKeys.All;
            if (!sets.Exists(known => KeySets.Same(known, set)))
                sets.Add(set);
        }
        return new SpreadKeys([.. sets]);
    }
}
