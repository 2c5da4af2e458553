using System.Globalization;
using ShardProxy.Directory;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Sessions.Writing;

/// <summary>
/// Writers of a reference table go one after the other, on every shard: who comes second sees on each of them what the
/// first has done there, and so comes to the same rows everywhere. The lock is an advisory one of the transaction, which
/// a prepared transaction keeps; it is taken on the home shard first, so that two writers cannot wait for each other.
/// </summary>
internal static class ReferenceLock
{
    // The first of the two numbers of an advisory lock, so that applications' locks are unlikely to meet it.
    private const int Space = 0x53505246;

    public static async ValueTask TakeAsync(Session session, QualifiedName table)
    {
        // FNV-1a: any hash will do; tables that share one only wait for each other.
        var hash = 2166136261u;
        foreach (var letter in System.Text.Encoding.UTF8.GetBytes(table.ToString()))
            hash = unchecked((hash ^ letter) * 16777619u);
        var sql = string.Create(CultureInfo.InvariantCulture, $"SELECT pg_catalog.pg_advisory_xact_lock({Space}, {unchecked((int)hash)})");
        await LockAsync(session, await SendAsync(session, Database.HomeShard, sql));
        var others = new List<ServerConnection>();
        for (var shard = 1; shard < session.Database.ShardCount; shard++)
            others.Add(await SendAsync(session, shard, sql));
        foreach (var server in others)
            await LockAsync(session, server);
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
        if (session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
    }
}
