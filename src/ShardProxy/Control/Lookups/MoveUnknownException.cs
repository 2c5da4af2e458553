namespace ShardProxy.Control.Lookups;

/// <summary>Whether a key's rows have moved is not known: the shard that decided it does not answer.</summary>
internal sealed class MoveUnknownException(Exception inner) : Exception("whether the rows have moved is not known", inner);
