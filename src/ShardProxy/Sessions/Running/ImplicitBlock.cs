namespace ShardProxy.Sessions.Running;

/// <summary>Makes one statement that touches several shards a unit: in the client's block, or in one of its own.</summary>
public static class ImplicitBlock
{
    public static async ValueTask<bool> RunAsync(Session session, TransactionRunner transactions, Func<ValueTask<bool>> statement, byte[]? begin = null)
    {
        if (session.Transaction.IsOpen)
            return await statement();
        session.Transaction.BeginImplicit(session.Settings, begin);
        bool succeeded;
        try
        {
            succeeded = await statement();
        }
        catch (Exception exception) when (exception is SqlErrorException or ServerLostException)
        {
            if (exception is ServerLostException lost)
                session.Servers.Lose(lost.Server);
            await transactions.RollbackAsync(chain: false, implicitly: true);
            throw;
        }
        return succeeded
            ? await transactions.CommitAsync(chain: false, implicitly: true)
            : await transactions.RollbackAsync(chain: false, implicitly: true) && false;
    }
}
