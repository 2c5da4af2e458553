using ShardProxy.Configuration;
using ShardProxy.Planning;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// Who has written in the open block, which decides how it commits (<see cref="BlockCommit"/>). Whatever runs a statement
/// that may write says so here before it sends the statement, shard by shard; what is not said is committed as if the
/// shard had only read. A second shard may be refused: by configuration, or because no two of them could be committed
/// together.
/// </summary>
public static class WriterRule
{
    /// <summary>Notes the writes of a planned statement on a shard; nothing outside a block, which a server ends by itself.</summary>
    public static void Check(Session session, PlannedStatement planned, int shard)
    {
        if (session.Transaction.IsOpen && (planned.Traits & Traits.Writes) != 0)
            CheckShard(session, shard);
    }

    /// <summary>Notes a write on a shard, in the open block; throws <see cref="SqlErrorException"/> (0A000) when the block may not write there.</summary>
    public static void CheckShard(Session session, int shard)
    {
        var transaction = session.Transaction;
        transaction.NoteEntriesOnly(shard, only: false);
        // Where the servers refuse every write that lasts, what counts as one here (a volatile function, FETCH) is none.
        if (transaction.HasWritten(shard) || transaction.IsReadOnly)
            return;
        if (transaction.WriterCount > 0)
            CheckFurther(session, shard);
        transaction.AddWriter(shard);
    }

    /// <summary>As <see cref="CheckShard"/>, for a statement that is sent to several.</summary>
    public static void CheckShards(Session session, IEnumerable<int> shards)
    {
        foreach (var shard in shards)
            CheckShard(session, shard);
    }

    /// <summary>As <see cref="CheckShards"/>, for entries of global indexes.</summary>
    public static void CheckEntries(Session session, IEnumerable<int> shards)
    {
        foreach (var shard in shards)
        {
            if (session.Transaction.HasWritten(shard))
                continue;
            CheckShard(session, shard);
            session.Transaction.NoteEntriesOnly(shard, only: true);
        }
    }

    /// <summary>Notes a write on all shards by one statement that is for all of them (DDL, COPY): not refused by configuration.</summary>
    public static void CheckEveryShard(Session session)
    {
        for (var shard = 0; shard < session.Database.ShardCount; shard++)
        {
            if (shard > 0)
                CheckSupport(session, shard);
            session.Transaction.AddWriter(shard);
        }
    }

    private static void CheckFurther(Session session, int shard)
    {
        var database = session.Database;
        if (database.Config.CrossShardWrites == CrossShardWrites.Refuse)
            throw CommitRefusals.ByConfiguration(database.ShardName(session.Transaction.WriterShard), database.ShardName(shard));
        CheckSupport(session, shard);
    }

    // One shard without prepared transactions can decide; a second one could not be prepared. What is not known yet is
    // looked at when the block commits.
    private static void CheckSupport(Session session, int shard)
    {
        var database = session.Database;
        var commits = database.Control.Commits;
        if (database.Config.CrossShardWrites == CrossShardWrites.BestEffort || commits.SupportOf(shard) is not { CanPrepare: false })
            return;
        for (var other = 0; other < database.ShardCount; other++)
        {
            if (other != shard && session.Transaction.HasWritten(other) && commits.SupportOf(other) is { CanPrepare: false })
                throw CommitRefusals.CannotPrepare(database.ShardName(other), database.ShardName(shard));
        }
    }
}
