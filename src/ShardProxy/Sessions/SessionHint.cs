namespace ShardProxy.Sessions;

/// <summary>SET shardproxy.key and shardproxy.shard: where to run what cannot be routed by reading it. At most one is set.</summary>
public sealed record SessionHint(string? Key, string? Shard)
{
    public static SessionHint None { get; } = new(null, null);
}
