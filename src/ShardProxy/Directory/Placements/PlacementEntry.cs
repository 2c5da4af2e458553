namespace ShardProxy.Directory.Placements;

/// <summary>One entry of a placement as people and stores write it: a range, a list of values, or the default.</summary>
/// <param name="IsRange">[from,to): two values, null for an open end.</param>
/// <param name="IsDefault">default: no values.</param>
/// <param name="Target">What stands behind "on": a shard's name where people write it, a bucket's number in a store; null when it is left out.</param>
public sealed record PlacementEntry(bool IsRange, bool IsDefault, IReadOnlyList<string?> Values, string? Target);
