namespace ShardProxy.Directory;

/// <summary>How a store has been answering, for people.</summary>
/// <param name="State">"ok", or the circuit's state: "closed" (a call failed last), "open" (not asked for a moment), "half-open" (asked once more).</param>
/// <param name="Failure">What the last failed call said; null when the last call went well.</param>
/// <param name="LastAnswer">When a call last went well; null when none has.</param>
public sealed record StoreHealth(string State, string? Failure, DateTimeOffset? LastAnswer)
{
    public static StoreHealth Ok { get; } = new("ok", null, null);
}
