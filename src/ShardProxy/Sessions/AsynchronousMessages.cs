using ShardProxy.Transport;

namespace ShardProxy.Sessions;

/// <summary>Notifications and notices of the connections that a session keeps while it is idle; also how their end is noticed.</summary>
public static class AsynchronousMessages
{
    public static void Take(Session session)
    {
        for (var slot = 0; slot < session.Servers.All.Length; slot++)
        {
            if (session.Servers.All[slot] is not { Ledger.IsEmpty: true } server || (server.Channel.Connection.Ready & Readiness.Readable) == 0)
                continue;
            try
            {
                session.StartRelay(server);
                session.Relay.PumpAsynchronous();
                session.Relay.WriteHeldParameters();
            }
            catch (IOException exception) when (session.Translate(exception, server) is ServerLostException)
            {
                session.Servers.Lose(server);
                session.FailBlock();
            }
        }
    }
}
