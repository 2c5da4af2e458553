using ShardProxy.Catalog;
using ShardProxy.Configuration;
using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>Chooses the shard on which rows are brought together.</summary>
internal static class GatherPlace
{
    /// <summary>
    /// The home shard, unless the configuration leaves the choice, nothing in the statement is of the home shard, and the
    /// transaction begins with the statement: temporary tables cannot be prepared for two-phase commit, so there should be one
    /// shard with such in a transaction.
    /// </summary>
    public static int Of(Session session, GatherPlan plan, PlannedStatement planned)
    {
        var mayLeave = session.Database.Config.Gather.On == GatherOn.Any
            && plan is { MayRunAnywhere: true, Cursor: null, NeedsRows: true, Views.IsEmpty: true }
            && planned.Traits == Traits.None
            && session.Planning().Routing.Catalog.AreShardsAlike;
        if (!mayLeave || session.Transaction.GatheredOn >= 0)
            return mayLeave ? session.Transaction.GatheredOn : Database.HomeShard;
        // A text of several statements begins its block as a client would.
        if (session.Transaction is not { IsImplicit: true, WriterCount: 0 } || session.Transaction.BeginText.AsSpan().SequenceEqual("BEGIN"u8) || session.Servers.JoinedCount > 0)
            return Database.HomeShard;
        var shard = LeastLoaded(session);
        session.Transaction.GatheredOn = shard == Database.HomeShard ? -1 : shard;
        return shard;
    }

    /// <summary>No type of users' is among those that the client and the shard tell each other of.</summary>
    /// <param name="description">A RowDescription message; empty for a statement without rows.</param>
    public static bool KnowsTypes(byte[] description, uint[] parameters) =>
        !Array.Exists(ShardDescription.TypesOf(description), static type => type >= ObjectIdMap.FirstUserObjectId)
        && !Array.Exists(parameters, static type => type >= ObjectIdMap.FirstUserObjectId);

    // Of shards that are equal the home shard, whose description has been asked for anyway.
    private static int LeastLoaded(Session session)
    {
        var lent = new int[session.Database.ShardCount];
        foreach (var pool in session.Database.Pools)
        {
            // A shard may be added meanwhile.
            if (pool.Shard < lent.Length)
                lent[pool.Shard] += pool.LentCount;
        }
        // This session's own are no load.
        foreach (var held in session.Servers.All)
        {
            if (held is not null && held.Shard < lent.Length)
                lent[held.Shard]--;
        }
        return Array.IndexOf(lent, lent.Min());
    }
}
