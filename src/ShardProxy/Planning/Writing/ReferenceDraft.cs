using System.Collections.Immutable;
using ShardProxy.Directory;

namespace ShardProxy.Planning.Writing;

/// <summary>
/// A write to a reference table, which every shard holds whole. Its text returns, behind what the client asked for, all
/// columns of each row: so that the home shard's rows can be stored on the others, or compared with theirs.
/// </summary>
/// <param name="Columns">The columns returned for the proxy, the last of each row.</param>
/// <param name="IsFromHome">Only the home shard computes the rows, because no other would compute the same; the others store them.</param>
/// <param name="Returns">The client asked for rows.</param>
public sealed record ReferenceDraft(QualifiedName Table, ImmutableArray<string> Columns, bool IsFromHome, bool Returns) : WriteDraft;
