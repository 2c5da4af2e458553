namespace ShardProxy.Planning.Confinement;

/// <summary>Where the rows of a write come from.</summary>
/// <param name="Place">What names mean there, and the facts that the rows must meet.</param>
/// <param name="Target">The table whose rows are changed, when it is sharded; null for MERGE, whose rows are those of its source.</param>
internal sealed record WriteBlock(Place Place, ShardedInstance? Target);
