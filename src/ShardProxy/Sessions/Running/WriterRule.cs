using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// One shard at most may write in a transaction, because COMMIT on two is not atomic without two-phase commit. Statements
/// that run on every shard (DDL, COPY) make all of them writers: they are all in the block then anyway.
/// </summary>
public static class WriterRule
{
    public static void Check(Session session, PlannedStatement planned, int shard)
    {
        var transaction = session.Transaction;
        if (!transaction.IsOpen || (planned.Traits & Traits.Writes) == 0)
            return;
        CheckShard(session, shard);
    }

    /// <summary>Notes a write on a shard, or refuses it.</summary>
    public static void CheckShard(Session session, int shard)
    {
        var transaction = session.Transaction;
        if (transaction.WriterShard == SessionTransaction.EveryShard || transaction.WriterShard == shard)
            return;
        if (transaction.WriterShard != SessionTransaction.NoWriter)
        {
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                $"the transaction has written on shard \"{session.Database.ShardName(transaction.WriterShard)}\" and this statement would write on shard \"{session.Database.ShardName(shard)}\"",
                "Transactions that write on several shards need two-phase commit, which this version does not have: split the transaction.");
        }
        transaction.WriterShard = shard;
    }
}
