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
        if (!IsOwnBlock(session))
            return Database.HomeShard;
        var shard = LeastLoaded(session);
        session.Transaction.GatheredOn = shard == Database.HomeShard ? -1 : shard;
        return shard;
    }

    /// <summary>The plan for the gather server, if it is to be tried there; null for a shard.</summary>
    public static GatherPlan? OnServer(Session session, GatherPlan plan, PlannedStatement planned)
    {
        var transaction = session.Transaction;
        if (session.Database.GatherServer is not { State: { Problem: null } state }
            || plan is not { Cursor: null, Beside: { Needs: { } needs } beside }
            || planned.Traits != Traits.None
            || transaction.ChangedCatalog
            || session.ConvertsText
            || needs.Functions.Any(name => !state.Functions.Contains(name)))
        {
            return null;
        }
        // In a client's block the clock is that of its beginning; and where each statement sees what is there then, two tables are to be seen at once.
        if (!IsOwnBlock(session) && (needs.ReadsClock || (!transaction.KeepsSnapshot && beside.Reads.Count(static read => read.Place != ReadPlace.EveryShard) > 1)))
            return null;
        return beside with { NeedsRows = plan.NeedsRows };
    }

    // A text of several statements begins its block as a client would.
    private static bool IsOwnBlock(Session session) =>
        session.Transaction is { IsImplicit: true, WriterCount: 0 } && !session.Transaction.BeginText.AsSpan().SequenceEqual("BEGIN"u8) && session.Servers.JoinedCount == 0;

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
            if ((uint)pool.Shard < (uint)lent.Length)
                lent[pool.Shard] += pool.LentCount;
        }
        // This session's own are no load.
        foreach (var held in session.Servers.All)
        {
            if (held is not null && (uint)held.Shard < (uint)lent.Length)
                lent[held.Shard]--;
        }
        return Array.IndexOf(lent, lent.Min());
    }
}
