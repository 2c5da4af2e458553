namespace ShardProxy.Planning;

public enum BindResult
{
    /// <summary>There is exactly one shard on which the statement is right.</summary>
    Bound,

    /// <summary>There is not, or it cannot be known here; the refusal says why.</summary>
    Refused,
}
