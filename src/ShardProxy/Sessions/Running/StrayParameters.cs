using ShardProxy.Planning;
using ShardProxy.Planning.Writing;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// $n in a text of the simple protocol, where no value can come: PostgreSQL says so, or what else it finds wrong before. A statement
/// that would be bound here, or be sent to several shards, is shown to the home shard first, in a way in which it never runs.
/// </summary>
internal static class StrayParameters
{
    private static readonly byte[] Explain = [.. "EXPLAIN "u8];

    /// <summary>Throws <see cref="SqlErrorException"/> with the server's error.</summary>
    public static async ValueTask CheckAsync(Session session, PlannedStatement planned, StatementText text)
    {
        if (!text.Bytes.Contains((byte)'$')
            || planned.Plan is OneShardPlan { Choice: not KeyedShard }
            || planned.Verb is not ("select" or "values" or "insert" or "update" or "delete" or "merge" or "declare")
            || !ParameterTokens.Find(text.Bytes.ToArray()).Any())
        {
            return;
        }
        var server = await session.Servers.GetAsync(Database.HomeShard);
        server.SendQuery([.. Explain, .. text.Bytes], Disposition.Swallow);
        await session.DrainAsync(server);
        if (session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error with { Position = error.Position is { } position ? position - Explain.Length + text.PositionOffset : null });
    }
}
