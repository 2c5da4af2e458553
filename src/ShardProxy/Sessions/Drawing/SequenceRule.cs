using ShardProxy.Planning;
using ShardProxy.Pooling;

namespace ShardProxy.Sessions.Drawing;

/// <summary>currval() and lastval() on a server are the session's own as long as nobody else has drawn on that connection.</summary>
internal static class SequenceRule
{
    /// <summary>Before a statement runs on a server.</summary>
    public static void Check(Session session, PlannedStatement planned, ServerConnection server)
    {
        var traits = planned.Traits;
        if ((traits & (Traits.DrawsOnServer | Traits.Taints)) != 0)
            session.Sequences.NoteServer(server);
        else if ((traits & Traits.ReadsSequences) != 0 && !session.KeepsServers && !session.Sequences.DrewOn(server))
            throw SessionSequences.NotKnown("currval()");
    }
}
