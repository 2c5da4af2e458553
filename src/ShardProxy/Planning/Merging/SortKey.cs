namespace ShardProxy.Planning.Merging;

/// <summary>One key of an ORDER BY, over a column for whose type and collation <see cref="MergeTypes.CanOrder"/> says yes.</summary>
/// <param name="Column">From 0. Unless <see cref="MergeTypes.ReadsText"/> says that its text will do, a hidden (binary) one.</param>
/// <param name="NullsFirst">In PostgreSQL the default is <paramref name="Descending"/>.</param>
public readonly record struct SortKey(int Column, bool Descending, bool NullsFirst);
