using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Committing;

/// <summary>
/// Which writer decides. The decider is not prepared, so it is the one that cannot be: whose server allows no prepared
/// transactions, or whose connection holds what PostgreSQL refuses to prepare. Temporary tables, LISTEN and NOTIFY live on
/// the home shard, so home decides where it has written, unless a gather was done elsewhere (gather.on); should another
/// have such things too, its server refuses. Who waits for an entry of a global index is told of a duplicate when the entry is
/// committed, and then looks for its row, so rows are committed before entries where they can be.
/// </summary>
internal static class DeciderChoice
{
    public static async ValueTask<ServerConnection> ChooseAsync(Session session, List<ServerConnection> writers)
    {
        ServerConnection? unable = null;
        foreach (var writer in writers)
        {
            if ((await SupportAsync(session, writer.Shard)).CanPrepare)
                continue;
            if (unable is not null)
                throw CommitRefusals.CannotPrepare(unable.Pool.ShardName, writer.Pool.ShardName);
            unable = writer;
        }
        return unable
            ?? writers.Find(writer => writer.Shard == session.Transaction.GatheredOn)
            ?? writers.Find(writer => writer.Shard == Database.HomeShard && !HasEntriesOnly(session, writer))
            ?? writers.Find(static writer => writer.IsPinned)
            ?? writers.Find(writer => !HasEntriesOnly(session, writer))
            ?? writers[0];
    }

    // In a block of the client's, other statements may have done on the home shard what cannot be prepared.
    private static bool HasEntriesOnly(Session session, ServerConnection writer) =>
        session.Transaction.IsImplicit && !writer.IsPinned && !(session.Transaction.HasGatheredAtHome && writer.Shard == Database.HomeShard) && session.Transaction.HasEntriesOnly(writer.Shard);

    /// <summary>What the shard has for this; asked now if it never was. Throws <see cref="SqlErrorException"/> when it cannot record decisions.</summary>
    public static async ValueTask<CommitSupport> SupportAsync(Session session, int shard)
    {
        var control = session.Database.Control;
        if (control.Commits.SupportOf(shard) is { Schema: not null } known)
            return known;
        await control.PrepareForCommitsAsync(shard);
        return control.Commits.SupportOf(shard) switch
        {
            { Schema: not null } learned => learned,
            { Problem: { } problem } => throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                $"a transaction cannot write on several shards, because shard \"{session.Database.ShardName(shard)}\" has no table for its decision: {problem}"),
            _ => throw new SqlErrorException(
                SqlStates.CannotConnectNow,
                $"shard \"{session.Database.ShardName(shard)}\" could not be asked whether it can take part in a transaction over several shards"),
        };
    }
}
