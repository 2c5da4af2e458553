namespace ShardProxy.Statements;

public enum RoutingHintKind : byte
{
    None,

    /// <summary>/* shardproxy: key=42 */, or key=42 zone=eu: the shard that owns this key value.</summary>
    Key,

    /// <summary>/* shardproxy: shard=s1 */.</summary>
    Shard,

    /// <summary>A comment that starts with "shardproxy:" and goes on in no known way: the statement must be refused.</summary>
    Malformed,
}

/// <summary>What a leading comment of a text says about where to run it.</summary>
/// <param name="Value">The key or the shard's name, to be read with <see cref="LiteralText"/>; for a malformed hint the whole comment.</param>
public readonly record struct RoutingHint(RoutingHintKind Kind, Literal Value)
{
    /// <summary>The zone in which the key is looked for; null when none is said.</summary>
    public Literal? Zone { get; init; }
}
