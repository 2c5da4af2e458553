using ShardProxy.Sessions.Extended;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Simple;

namespace ShardProxy.Sessions;

/// <summary>
/// What serves a session beside the fast path. All that it holds between units of work stands in the session, so it is made
/// when a message needs it and dropped once everything is done: a client that waits costs nothing for it.
/// </summary>
internal sealed class SessionHandlers
{
    internal SessionHandlers(Session session)
    {
        Runner = new StatementRunner(session);
        Simple = new SimpleQuery(session, Runner);
        Extended = new ExtendedQuery(session, Runner);
    }

    internal StatementRunner Runner { get; }

    internal SimpleQuery Simple { get; }

    internal ExtendedQuery Extended { get; }
}
