using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>What a statement leaves behind once its replies are in: the block's state, pins, taints, a changed catalog.</summary>
public static class Aftermath
{
    /// <returns>Whether the statement succeeded.</returns>
    public static async ValueTask<bool> ApplyAsync(Session session, ServerConnection server, PlannedStatement planned, bool failed)
    {
        FollowServer(session, server);
        var traits = planned.Traits;
        if ((traits & Traits.Taints) != 0)
            server.IsTainted = true;
        if (failed)
            return false;
        if ((traits & Traits.Pins) != 0)
            server.IsPinned = true;
        if ((traits & Traits.Unpins) != 0 && session.Temporaries.Version == 0)
            session.Servers.Unpin(server.Shard);
        if ((traits & Traits.CreatesTemporary) != 0 || (session.Temporaries.Version != 0 && (traits & Traits.ChangesCatalog) != 0))
            await TemporaryNames.ReadAsync(session, server);
        OwnDefinitions.Note(session, planned);
        if ((traits & Traits.ChangesCatalog) != 0)
            await CatalogChangedAsync(session);
        return true;
    }

    /// <summary>The catalog is read again: now, or when the block has committed.</summary>
    public static async ValueTask CatalogChangedAsync(Session session)
    {
        if (session.Transaction.IsOpen)
            session.Transaction.ChangedCatalog = true;
        else
            await session.Database.Control.RefreshCatalogAsync();
    }

    /// <summary>Takes the server's word for the state of the block: a failed statement, a procedure that committed, a text that could not be read.</summary>
    public static void FollowServer(Session session, ServerConnection server)
    {
        var transaction = session.Transaction;
        var status = server.TransactionStatus;
        if (server.Shard == Database.Beside)
        {
            // Its transaction is the statement's own.
            if (transaction.IsOpen && status == (byte)TransactionStatus.Failed)
                session.FailBlock();
            return;
        }
        if (!transaction.IsOpen)
        {
            if (status == (byte)TransactionStatus.Idle)
                return;
            transaction.Adopt(status, session.Settings);
            session.Servers.NoteJoined(server.Shard);
        }
        else if (status == (byte)TransactionStatus.Failed)
        {
            session.FailBlock();
        }
        else if (status == (byte)TransactionStatus.Idle && session.Servers.JoinedCount == 1)
        {
            session.Settings = session.Settings.WithoutLocal;
            session.Servers.BlockEnded(session.Settings, committed: true);
            transaction.End();
            session.Cursors.EndBlock(committed: true);
            session.Prepared.ClearPortals();
        }
    }
}
