using System.Globalization;
using ShardProxy.Directory;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Writing;

/// <summary>
/// An order among statements that write to a table on several shards. Writers of a reference table go one after the other, on
/// every shard: who comes second sees on each of them what the first has done there, and so comes to the same rows
/// everywhere. Who moves rows of a sharded table goes alone too, beside statements on single shards: another that is for the
/// rows of several shards could look for a row where it is no more, and not yet where it is. The lock is an advisory one
/// of the transaction, which a prepared transaction keeps; it is taken on the home shard first, so that two writers cannot
/// wait for each other.
/// </summary>
internal static class TableLock
{
    // The first of the two numbers of an advisory lock, so that applications' locks are unlikely to meet it.
    private const int Space = 0x53505246;

    /// <summary>On every shard, for one transaction alone.</summary>
    public static async ValueTask TakeAsync(Session session, QualifiedName table)
    {
        var sql = Sql("pg_advisory_xact_lock", table);
        await LockAsync(session, await SendAsync(session, Database.HomeShard, sql));
        var others = new List<ServerConnection>();
        for (var shard = 1; shard < session.Database.ShardCount; shard++)
            others.Add(await SendAsync(session, shard, sql));
        foreach (var server in others)
            await LockAsync(session, server);
    }

    /// <summary>As <see cref="TakeAsync"/>, one shard after the other, for who must not wait in a circle with those that share it.</summary>
    public static async ValueTask TakeInOrderAsync(Session session, QualifiedName table)
    {
        var sql = Sql("pg_advisory_xact_lock", table);
        for (var shard = 0; shard < session.Database.ShardCount; shard++)
            await LockAsync(session, await SendAsync(session, shard, sql));
    }

    /// <summary>
    /// Together with others that share it, on the shards of a statement that is sent behind it: each shard begins the
    /// statement when it has the lock. The first is waited for: who has it keeps whoever takes the lock alone from the others,
    /// and so need not wait for them.
    /// </summary>
    /// <param name="shards">In ascending order.</param>
    public static async ValueTask ShareAsync(Session session, IReadOnlyList<int> shards, QualifiedName table)
    {
        var sql = Sql("pg_advisory_xact_lock_shared", table);
        await LockAsync(session, await SendAsync(session, shards[0], sql));
        for (var index = 1; index < shards.Count; index++)
            (await session.Servers.GetAsync(shards[index])).SendQuery(sql, Disposition.Swallow);
    }

    /// <summary>As <see cref="ShareAsync"/>, on every shard, and had when it returns.</summary>
    public static async ValueTask ShareEverywhereAsync(Session session, QualifiedName table)
    {
        var sql = Sql("pg_advisory_xact_lock_shared", table);
        await LockAsync(session, await SendAsync(session, Database.HomeShard, sql));
        var others = new List<ServerConnection>();
        for (var shard = 1; shard < session.Database.ShardCount; shard++)
            others.Add(await SendAsync(session, shard, sql));
        foreach (var server in others)
            await LockAsync(session, server);
    }

    private static string Sql(string function, QualifiedName table)
    {
        // FNV-1a: any hash will do; tables that share one only wait for each other.
        var hash = 2166136261u;
        foreach (var letter in System.Text.Encoding.UTF8.GetBytes(table.ToString()))
            hash = unchecked((hash ^ letter) * 16777619u);
        return string.Create(CultureInfo.InvariantCulture, $"SELECT pg_catalog.{function}({Space}, {unchecked((int)hash)})");
    }

    private static async ValueTask<ServerConnection> SendAsync(Session session, int shard, string sql)
    {
        var server = await session.Servers.GetAsync(shard);
        server.SendQuery(sql, Disposition.Swallow);
        session.Flush(server);
        return server;
    }

    private static async ValueTask LockAsync(Session session, ServerConnection server)
    {
        session.StartQueryClock();
        await session.DrainAsync(server);
        session.StopClock();
        if (session.Relay.SwallowedError is not { } error)
            return;
        // A deadlock over shards is broken by a cancel.
        if (error.SqlState == SqlStates.QueryCanceled && session.Relay.CancelMeans is { } reason)
        {
            session.Relay.CancelMeans = null;
            error = reason;
        }
        throw new SqlErrorException(error);
    }
}
