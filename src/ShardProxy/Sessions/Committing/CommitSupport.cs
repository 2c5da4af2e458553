namespace ShardProxy.Sessions.Committing;

/// <summary>What a shard has for transactions over several shards.</summary>
/// <param name="MaxPrepared">Its max_prepared_transactions. With 0 it can only be the shard that decides.</param>
/// <param name="Schema">Where its decisions stand; null while it has none.</param>
/// <param name="Problem">Why it has none.</param>
public sealed record CommitSupport(int MaxPrepared, string? Schema, string? Problem = null)
{
    public const string DecisionTable = "shardproxy_decisions";
    public const string DecideFunction = "shardproxy_decide";

    public bool CanPrepare => MaxPrepared > 0;

    /// <summary>Records the decision in the transaction at hand, by the function that may do it for everybody.</summary>
    public string DecideStatement(string secret) => $"SELECT {Schema}.{DecideFunction}('{secret}')";
}
