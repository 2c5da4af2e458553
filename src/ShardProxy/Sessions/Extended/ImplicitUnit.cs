using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Extended;

/// <summary>The implicit transaction of a pipeline outside a block: what has run on servers since the last Sync.</summary>
internal sealed class ImplicitUnit(Session session)
{
    /// <summary>BEGIN behind other statements of a pipeline makes one block of them all, as in PostgreSQL.</summary>
    public async ValueTask AdoptAsync()
    {
        foreach (var server in WaitingForSync())
        {
            server.SendQuery("BEGIN"u8, Disposition.Swallow);
            await session.DrainAsync(server);
            server.NeedsSync = true;
            session.Servers.NoteJoined(server.Shard);
        }
    }

    /// <summary>A statement that the proxy runs on several servers cannot become part of a pipeline's implicit transaction.</summary>
    /// <returns>Whether there was one.</returns>
    public async ValueTask<bool> EndAsync(string verb, int writer)
    {
        var waiting = WaitingForSync();
        if (waiting.Count == 0)
            return false;
        if (writer != SessionTransaction.NoWriter)
        {
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                $"\"{verb}\" cannot follow a write in the same pipeline without BEGIN",
                "Send Sync before it, or BEGIN at the start of the pipeline.");
        }
        foreach (var server in waiting)
        {
            server.SendSync(Disposition.Forward);
            await session.DrainAsync(server);
        }
        return true;
    }

    private List<ServerConnection> WaitingForSync()
    {
        var waiting = new List<ServerConnection>();
        foreach (var server in session.Servers.All)
        {
            if (server is { NeedsSync: true })
                waiting.Add(server);
        }
        return waiting;
    }
}
