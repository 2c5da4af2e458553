using System.Collections.Immutable;

namespace ShardProxy.Planning.Merging;

/// <summary>
/// GROUP BY over shards: each shard gives rows of partial aggregates, and rows with equal keys are combined to one.
/// Without keys there is one row, even if no shard gives any.
/// </summary>
/// <param name="Keys">Columns of the shards' rows, readable as <see cref="DistinctSpec.Columns"/> are.</param>
/// <param name="Sorted">
/// Rows of a group come one after the other, because <see cref="MergeSpec.Order"/> begins with the keys: memory for one group. Otherwise
/// all groups are kept until the last row has come, within the limit of bytes.
/// </param>
/// <param name="Outputs">The columns of the combined rows.</param>
public sealed record GroupSpec(ImmutableArray<int> Keys, bool Sorted, ImmutableArray<AggregateSpec> Aggregates, ImmutableArray<GroupOutput> Outputs);

/// <summary>One column of a combined row.</summary>
public abstract record GroupOutput(RowColumn Column);

/// <summary>The value of a shard's column (a key, or what depends on keys alone) in the first row of the group; in the same format.</summary>
public sealed record FirstValueOutput(RowColumn Column, int Source) : GroupOutput(Column);

/// <param name="Aggregate">Index in <see cref="GroupSpec.Aggregates"/>.</param>
public sealed record AggregateOutput(RowColumn Column, int Aggregate) : GroupOutput(Column);
