namespace ShardProxy.Sessions;

/// <summary>SET shardproxy.key and shardproxy.shard: where to run what cannot be routed by reading it. At most one is set.</summary>
public sealed record SessionHint(string? Key, string? Shard)
{
    public static SessionHint None { get; } = new(null, null);

    /// <summary>SET shardproxy.zone: the zone in which the key is looked for.</summary>
    public string? Zone { get; init; }

    /// <summary>With another key; the zone stays.</summary>
    public SessionHint WithKey(string? key) => Known(new SessionHint(key, null) { Zone = Zone });

    /// <summary>With another zone; the key stays.</summary>
    public SessionHint WithZone(string? zone) => Known(this with { Zone = zone });

    private static SessionHint Known(SessionHint hint) => hint == None ? None : hint;
}
