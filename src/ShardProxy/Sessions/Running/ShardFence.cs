using System.Globalization;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// What is for every shard (DDL, writes to reference tables) and a shard that joins exclude each other: the one takes a lock on the home
/// shard shared, the other exclusively, and holds it until every proxy routes by the new list of shards. Who has the lock
/// knows all shards, provided that its proxy has a lease in the directory.
/// </summary>
public static class ShardFence
{
    // The first of the two numbers of an advisory lock, so that applications' locks are unlikely to meet it.
    private const int Space = 0x53504a4e;

    /// <summary>For the transaction in which a shard joins.</summary>
    public static string ExclusiveStatement { get; } = Lock("pg_advisory_xact_lock");

    /// <summary>For transactions of Control that make something on every shard.</summary>
    public static string SharedStatement { get; } = Lock("pg_advisory_xact_lock_shared");

    /// <summary>To the end of the open block. The list of shards is to be read after it.</summary>
    public static async ValueTask TakeAsync(Session session)
    {
        await RunAsync(session, await session.Servers.GetAsync(Database.HomeShard), SharedStatement);
        CheckLease(session);
    }

    /// <summary>For what cannot run in a block; until <see cref="ReleaseAsync"/>, or until the connection is reset.</summary>
    public static async ValueTask<ServerConnection> TakeForSessionAsync(Session session)
    {
        var home = await session.Servers.GetAsync(Database.HomeShard);
        // Should the statement fail, the reset of the connection gives the lock back.
        home.IsTainted = true;
        await RunAsync(session, home, Lock("pg_advisory_lock_shared"));
        CheckLease(session);
        return home;
    }

    public static async ValueTask ReleaseAsync(Session session, ServerConnection home)
    {
        if (ReferenceEquals(session.Servers.Held(Database.HomeShard), home))
            await RunAsync(session, home, Lock("pg_advisory_unlock_shared"));
    }

    private static void CheckLease(Session session)
    {
        if (session.Database.Routing.Directory.IsLeaseLost)
        {
            throw new SqlErrorException(
                SqlStates.CannotConnectNow,
                "the statement is for all shards, and this proxy cannot reach the directory: others may have added one",
                "Try again when the directory can be reached.");
        }
    }

    private static string Lock(string function) => string.Create(CultureInfo.InvariantCulture, $"SELECT pg_catalog.{function}({Space}, 0)");

    private static async ValueTask RunAsync(Session session, ServerConnection home, string sql)
    {
        home.SendQuery(sql, Disposition.Swallow);
        session.Flush(home);
        session.StartQueryClock();
        await session.DrainAsync(home);
        session.StopClock();
        if (session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
    }
}
