using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>A shard's connection ended under a statement: the client's session goes on and is told what is known.</summary>
public static class ServerLoss
{
    /// <returns>The error for the client.</returns>
    public static ServerError Handle(Session session, ServerLostException lost)
    {
        session.StopClock();
        var shard = lost.Server.Pool.Title;
        session.Servers.Lose(lost.Server);
        var farewell = lost.Farewell is null ? "the connection was cut" : lost.Farewell.Message;
        var what = lost.Silence is null ? $"{shard} ended the connection while it was in use: {farewell}" : $"{shard} {Silent(lost)}";
        return new ServerError(SqlStates.ConnectionFailure, what)
        {
            Detail = "A statement that was running there may or may not have taken effect.",
            Hint = lost.Server.Shard == Database.Beside ? "The shards are not affected. Try again: while it is away the home shard takes its place." : "The other shards are not affected. Try again when the shard is back.",
        };
    }

    /// <summary>The connection ended before the transaction's COMMIT could take effect, so it has none anywhere.</summary>
    public static ServerError RolledBack(Session session, ServerLostException lost)
    {
        session.StopClock();
        // Should it only be slow, it holds its locks no longer than it must.
        if (lost.Silence is not null)
            _ = lost.Server.Pool.Opener.CancelAsync(lost.Server);
        var shard = lost.Server.Pool.ShardName;
        session.Servers.Lose(lost.Server);
        return new ServerError(SqlStates.ConnectionFailure, $"shard \"{shard}\" {Ended(lost)} during COMMIT: the transaction was rolled back")
        {
            Hint = "Try again when the shard is back.",
        };
    }

    /// <summary>COMMIT was sent and its answer did not arrive: nobody here knows whether it took effect.</summary>
    public static ServerError UnknownOutcome(Session session, ServerLostException lost)
    {
        session.StopClock();
        var shard = lost.Server.Pool.ShardName;
        session.Servers.Lose(lost.Server);
        return new ServerError("08007", $"shard \"{shard}\" {Ended(lost)} during COMMIT: whether the transaction took effect is not known")
        {
            Hint = "Look for its effects before trying it again.",
        };
    }

    private static string Ended(ServerLostException lost) => lost.Silence is null ? "ended the connection" : Silent(lost);

    private static string Silent(ServerLostException lost) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"has not answered for {lost.Silence!.Value.TotalSeconds:0.#} s");
}
