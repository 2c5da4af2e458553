namespace ShardProxy.Planning.Merging;

/// <summary>What is known of how an expression's collation compares.</summary>
public enum CollationOrder
{
    /// <summary>Nothing, or it is nondeterministic: equal strings may have different bytes.</summary>
    Unknown,

    /// <summary>Equal strings have equal bytes; the order is the collation's secret.</summary>
    Deterministic,

    /// <summary>
    /// The order of the bytes: "C", "POSIX", "ucs_basic", C.UTF-8 (also as the database's default), and every type that has no collation. Holds
    /// for text as the server sends it only while client_encoding is the server's encoding or UTF8.
    /// </summary>
    Bytewise,
}
