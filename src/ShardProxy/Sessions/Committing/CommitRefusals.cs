using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Committing;

/// <summary>Why a transaction may not write on a further shard.</summary>
internal static class CommitRefusals
{
    public static SqlErrorException CannotPrepare(string one, string other) => new(
        SqlStates.FeatureNotSupported,
        $"a transaction cannot write on the shards \"{one}\" and \"{other}\", because max_prepared_transactions is 0 on both",
        "Set max_prepared_transactions on every shard to at least the pool's size plus the number of shards and restart them, or accept transactions that are not atomic over shards with cross_shard_writes: best_effort.");

    public static SqlErrorException ByConfiguration(string before, string now) => new(
        SqlStates.FeatureNotSupported,
        $"the transaction has written on shard \"{before}\" and this statement would write on shard \"{now}\"",
        "The configuration says cross_shard_writes: refuse. Split the transaction, or set it to atomic.");
}
