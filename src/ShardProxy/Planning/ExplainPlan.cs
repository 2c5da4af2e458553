namespace ShardProxy.Planning;

/// <summary>EXPLAIN of a statement that several shards answer, or run: shows how, with each shard's own plan in it. It holds for one text only.</summary>
/// <param name="Inner">Of the statement behind EXPLAIN: spread over shards, counted everywhere, gathered, or a write, which has no ANALYZE.</param>
/// <param name="Head">EXPLAIN with its options, as written.</param>
/// <param name="Body">The statement behind it, as written.</param>
public sealed record ExplainPlan(Plan Inner, string Head, string Body) : Plan
{
    /// <summary>ANALYZE: the statement runs, and its rows are thrown away.</summary>
    public bool Analyzes { get; init; }

    public ExplainFormat Format { get; init; }

    /// <summary>The statement has parameters: any shard can say of which types.</summary>
    public bool HasParameters { get; init; }
}

public enum ExplainFormat
{
    Text,
    Json,
    Xml,
    Yaml,
}
