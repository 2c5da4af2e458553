using System.Collections.Immutable;
using ShardProxy.Planning.Merging;
using ShardProxy.Planning.Writing;

namespace ShardProxy.Planning;

/// <summary>
/// A rewritten statement, and how the shards' answers to it are put together, as far as that can be said before a server
/// has told the types. It holds for one text.
/// </summary>
public abstract record MergeDraft
{
    public RowCountTerm? Limit { get; init; }

    public RowCountTerm? Offset { get; init; }

    /// <summary>What is known of the order of text.</summary>
    public required CollationOrder TextOrder { get; init; }

    /// <summary>A statement whose columns have the types that <see cref="SpecOf"/> asks for.</summary>
    public abstract string Probe { get; }

    /// <summary>Null when a type is not merged exactly.</summary>
    /// <param name="types">Of the <see cref="Probe"/>'s columns.</param>
    /// <param name="parameterCount">Parameters of the client's statement.</param>
    public abstract MergeSpec? SpecOf(ReadOnlySpan<uint> types, int parameterCount);
}

/// <summary>The shards' rows are put together, and one statement over them, run by PostgreSQL on one shard, makes the client's.</summary>
public abstract record CombinedDraft : MergeDraft
{
    public override MergeSpec? SpecOf(ReadOnlySpan<uint> types, int parameterCount) => Complete(types, parameterCount)?.Spec;

    /// <summary>Null when a type is not combined exactly.</summary>
    /// <param name="types">Of the <see cref="MergeDraft.Probe"/>'s columns.</param>
    /// <param name="parameterCount">Parameters of the client's statement.</param>
    public abstract GroupShape? Complete(ReadOnlySpan<uint> types, int parameterCount);
}

/// <summary>The value of LIMIT or OFFSET.</summary>
/// <param name="Value">Null with no <paramref name="Parameter"/>: NULL or ALL.</param>
/// <param name="Parameter">From 1; 0 when it is a constant.</param>
public readonly record struct RowCountTerm(long? Value, int Parameter);

/// <summary>The shards' rows are the client's, with hidden columns behind: merged, told apart, counted.</summary>
/// <param name="ShardText">For the shards; the hidden columns stand last.</param>
/// <param name="Order">Over the shards' columns.</param>
/// <param name="Distinct">The columns that tell rows apart; default when every row counts.</param>
public sealed record RowsDraft(string ShardText, int VisibleCount, int HiddenCount, ImmutableArray<SortKey> Order, ImmutableArray<int> Distinct, bool DistinctIsSorted, bool WithTies) : MergeDraft
{
    public override string Probe => StatementClock.WithAnyTime(ShardText);

    public override MergeSpec? SpecOf(ReadOnlySpan<uint> types, int parameterCount) => Complete(types);

    /// <summary>Null when a type is not merged exactly.</summary>
    /// <param name="types">Of the shards' columns.</param>
    public MergeSpec? Complete(ReadOnlySpan<uint> types)
    {
        if (types.Length != VisibleCount + HiddenCount)
            return null;
        foreach (var key in Order)
        {
            if (!MergeTypes.CanOrder(types[key.Column], TextOrder) || !IsReadable(key.Column, types))
                return null;
        }
        foreach (var column in Distinct.IsDefault ? [] : Distinct)
        {
            if (!MergeTypes.CanEqual(types[column], TextOrder) || !IsReadable(column, types))
                return null;
        }
        var columns = ImmutableArray.CreateBuilder<RowColumn>(types.Length);
        for (var index = 0; index < types.Length; index++)
            columns.Add(new RowColumn(types[index], index < VisibleCount ? index : -1));
        return new MergeSpec(columns.MoveToImmutable(), VisibleCount)
        {
            Order = Order,
            Distinct = Distinct.IsDefault ? null : new DistinctSpec(Distinct, DistinctIsSorted),
            Limit = Limit is null && Offset is null ? null : new LimitSpec(WithTies ? Order : []),
        };
    }

    private bool IsReadable(int column, ReadOnlySpan<uint> types) => column >= VisibleCount || MergeTypes.ReadsText(types[column]);
}
