using System.Collections.Immutable;

namespace ShardProxy.Planning.Merging;

/// <summary>
/// How the rows that every shard gives for one rewritten statement become the rows of the client's statement. Steps that
/// are absent are passed over; the others are taken in this order:
/// <code>
/// shards → merge by Order (none: as they come) → Group → Distinct → Sort → Limit → first VisibleCount columns → client
///                                                                                 or, with Finish, all columns → home shard
/// </code>
/// <see cref="Columns"/> are the columns of the shards' rows; Group replaces them by its outputs. Distinct, Sort and Limit
/// speak of what they get. Columns that the client sees stand first, in its order; hidden ones behind them.
/// </summary>
public sealed record MergeSpec(ImmutableArray<RowColumn> Columns, int VisibleCount)
{
    /// <summary>Every shard's rows come in this order and are merged in it. Empty: no order; rows are taken from whichever shard has some.</summary>
    public ImmutableArray<SortKey> Order { get; init; } = [];

    public GroupSpec? Group { get; init; }

    public DistinctSpec? Distinct { get; init; }

    /// <summary>
    /// The rows are sorted here, in memory (with a limit only as many as it lets through are kept): for an order that no
    /// shard can give, such as one by an aggregate. Rows that compare equal keep the order in which they came.
    /// </summary>
    public ImmutableArray<SortKey> Sort { get; init; } = [];

    public LimitSpec? Limit { get; init; }

    public FinishSpec? Finish { get; init; }
}

/// <summary>LIMIT and OFFSET; their values are bound with each execution.</summary>
/// <param name="Ties">FETCH … WITH TIES: the keys of ORDER BY; empty without it.</param>
public sealed record LimitSpec(ImmutableArray<SortKey> Ties);

/// <summary>DISTINCT and DISTINCT ON: of the rows that are equal in these columns the first is kept.</summary>
/// <param name="Columns">For whose types <see cref="MergeTypes.CanEqual"/> says yes; hidden ones unless <see cref="MergeTypes.ReadsText"/>.</param>
/// <param name="Sorted">Equal rows come one after the other, because <see cref="MergeSpec.Order"/> begins with these columns; otherwise all are remembered.</param>
public sealed record DistinctSpec(ImmutableArray<int> Columns, bool Sorted);

/// <summary>
/// What is computed from the merged rows and is left to PostgreSQL: expressions over aggregates, HAVING, an ORDER BY that
/// the merge cannot give. The merged rows, all columns hidden, become binary arrays, one a column, and this statement reads them
/// (<c>SELECT a / b FROM unnest($1::int8[], $2::numeric[]) AS r(a, b)</c>) on the home shard.
/// </summary>
/// <param name="Text">The statement whose rows are the client's.</param>
/// <param name="FirstParameter">Number of the parameter that is the first column's array; those before it are the client's.</param>
public sealed record FinishSpec(string Text, int FirstParameter);
