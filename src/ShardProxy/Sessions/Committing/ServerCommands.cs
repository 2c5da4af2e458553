using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;

namespace ShardProxy.Sessions.Committing;

/// <summary>
/// Sends a command of the proxy's own to several servers at once and takes all answers: what one says keeps no other from
/// being heard. A server that has said nothing when the time is over counts as lost.
/// </summary>
internal static class ServerCommands
{
    /// <param name="limit">For all answers together; zero is without end.</param>
    /// <returns>One answer a server, in their order.</returns>
    public static async ValueTask<ServerAnswer[]> RunAsync(
        Session session, IReadOnlyList<ServerConnection> servers, Func<ServerConnection, string> command, TimeSpan limit)
    {
        if (servers.Count == 0)
            return [];
        using var patience = session.LimitWaits(limit);
        var answers = new ServerAnswer[servers.Count];
        for (var i = 0; i < servers.Count; i++)
        {
            try
            {
                servers[i].SendQuery(command(servers[i]), Disposition.Swallow);
                session.Flush(servers[i]);
            }
            catch (ServerLostException lost)
            {
                answers[i] = new ServerAnswer(servers[i], null, lost);
            }
        }
        for (var i = 0; i < servers.Count; i++)
            answers[i] ??= await TakeAsync(session, servers[i]);
        return answers;
    }

    // What the end of a block does to reported settings is the client's news.
    private static async ValueTask<ServerAnswer> TakeAsync(Session session, ServerConnection server)
    {
        try
        {
            session.StartRelay(server);
            session.Relay.HearsParameters = true;
            await session.PumpAsync(server);
            return new ServerAnswer(server, session.Relay.SwallowedError, null);
        }
        catch (ServerLostException lost)
        {
            return new ServerAnswer(server, null, lost);
        }
    }
}
