namespace ShardProxy.Directory.Placements;

/// <summary>A placement does not make sense for its key's type: a value that cannot be read, ranges that overlap. The message says which.</summary>
public sealed class PlacementException(string message) : Exception(message);
