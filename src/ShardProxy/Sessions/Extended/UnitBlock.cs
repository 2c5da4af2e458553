using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Extended;

/// <summary>
/// The implicit transaction of a pipeline outside a block. Servers keep one each for what they are sent up to Sync, and
/// that is enough while all of it runs on servers. What the proxy itself must be able to take back (settings, statements
/// on several shards) needs a block of the session's own: the servers' implicit transactions become that block, others
/// join it, and Sync ends it.
/// </summary>
internal sealed class UnitBlock(Session session, ExtendedUnit unit)
{
    // PostgreSQL takes portals of any name; a client that has this very one is told of it by the server.
    private static ReadOnlySpan<byte> BeginPortal => "shardproxy begin"u8;

    private SessionTransaction Transaction => session.Transaction;

    /// <summary>Before a statement runs that the proxy runs itself or whose effect it remembers.</summary>
    /// <param name="isLimited">It may stop at a row limit, so that what is left of it needs a block to live in.</param>
    public async ValueTask PrepareAsync(PlannedStatement planned, bool isLimited = false)
    {
        CheckOutside(planned);
        if (Transaction.IsOpen)
            return;
        switch (planned.Plan)
        {
            case EmptyPlan or DeallocatePlan or ShowPlan:
            case SettingPlan { IsFunction: false, Name: { } name } when name.StartsWith("shardproxy.", StringComparison.Ordinal):
            case TransactionPlan { Verb: TransactionVerb.Savepoint or TransactionVerb.Release or TransactionVerb.RollbackTo or TransactionVerb.PrepareTransaction }:
                return;
            case TransactionPlan { Verb: TransactionVerb.Begin or TransactionVerb.Commit or TransactionVerb.Rollback }:
                if (unit.WaitingForSync().Count > 0)
                    await OpenAsync();
                return;
            case { } when IsOutside(planned):
                await EndServersAsync(planned);
                return;
            case SeveralShardsPlan when !isLimited && !unit.HasExecuted && IsSyncNext():
                await EndServersAsync();
                return;
            default:
                if (!isLimited && IsAlone(planned))
                    return;
                await OpenAsync();
                WarnOutside(planned);
                return;
        }
    }

    /// <summary>After a portal was executed with success: from then on PostgreSQL holds the pipeline for a block.</summary>
    public void NoteExecuted(PlannedStatement planned)
    {
        if (!Transaction.IsOpen && (planned.Plan is TransactionPlan || IsOutside(planned)))
        {
            unit.ForgetExecuted();
            session.Prepared.ClearPortals();
        }
        else if (planned.Plan is not EmptyPlan)
        {
            unit.NoteExecuted();
        }
    }

    /// <summary>Makes one block of what has run since the last Sync and of what comes.</summary>
    public async ValueTask OpenAsync()
    {
        await unit.SettleAsync();
        if (unit.IsSkipping)
            throw new UnitSkippedException();
        var waiting = unit.WaitingForSync();
        Transaction.BeginImplicit(session.Settings);
        if (unit.Writer != SessionTransaction.NoWriter)
            Transaction.AddWriter(unit.Writer);
        foreach (var server in waiting)
            await BeginAsync(server);
    }

    private static bool IsOutside(PlannedStatement planned) =>
        planned.Plan is TransactionPlan or DistributePlan or DiscardPlan { What: DiscardWhat.All } || (planned.Traits & Traits.NotInTransaction) != 0;

    // For what only a block allows, a pipeline is none; from PostgreSQL 18 on it is one behind its first statement.
    private bool IsNoBlock =>
        (!Transaction.IsOpen || Transaction.IsImplicit) && (!unit.HasExecuted || session.Database.Routing.Catalog.ServerVersion < 180_000);

    private void CheckOutside(PlannedStatement planned)
    {
        var isCursor = planned.Plan is CursorPlan { Verb: CursorVerb.Declare, WithHold: false } or DeclarePlan;
        if ((isCursor || (planned.Traits & Traits.OnlyInTransaction) != 0) && IsNoBlock)
        {
            var verb = isCursor ? "DECLARE CURSOR" : $"{planned.Verb.ToUpperInvariant()} TABLE";
            throw new SqlErrorException(SqlStates.NoActiveSqlTransaction, $"{verb} can only be used in transaction blocks");
        }
        if (Transaction.IsOpen)
            WarnOutside(planned);
    }

    // It warns, and takes effect until Sync.
    private void WarnOutside(PlannedStatement planned)
    {
        if (planned.Plan is SettingPlan { IsFunction: false, Verb: SettingVerb.SetLocal or SettingVerb.SetTransaction } setting && IsNoBlock)
        {
            session.WriteNotice("WARNING", SqlStates.NoActiveSqlTransaction,
                $"{(setting.Verb == SettingVerb.SetLocal ? "SET LOCAL" : "SET TRANSACTION")} can only be used in transaction blocks");
        }
    }

    // With nothing before it and Sync behind it a statement needs no block; the Sync has nearly always arrived with it.
    private bool IsAlone(PlannedStatement planned)
    {
        if (unit.HasExecuted || (planned.Plan is not SettingPlan { IsFunction: true } && unit.WaitingForSync().Count > 0))
            return false;
        return IsSyncNext();
    }

    private bool IsSyncNext()
    {
        var input = session.Client.Input.Unread;
        return Frame.TryRead(input, session.Client.MaxFrameLength, out var type, out _) == FrameStatus.Complete && type == FrontendMessageType.Sync;
    }

    // In the extended protocol, because a simple Query would destroy the unnamed statement and the unnamed portal.
    private async ValueTask BeginAsync(ServerConnection server)
    {
        var begin = session.Database.PreparedTexts.Intern("BEGIN"u8, [], session.Planning().Routing.Version);
        PreparedRunner.SendParse(server, begin, session, Disposition.Swallow);
        BindMessage.Write(server.Channel.Output, BeginPortal, begin.ServerName, [], [], []);
        server.Ledger.Expect(ReplyKind.Bind, Disposition.Swallow);
        ExecuteMessage.Write(server.Channel.Output, BeginPortal, 0);
        server.Ledger.Expect(ReplyKind.Execute, Disposition.Swallow);
        FlushMessage.Write(server.Channel.Output);
        session.Servers.NoteJoined(server.Shard);
        await session.DrainAsync(server);
        if (session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
        if (session.Relay.ErrorSeen)
            throw new UnitSkippedException();
    }

    // PostgreSQL commits such a statement at once, and refuses it behind others.
    private async ValueTask EndServersAsync(PlannedStatement planned)
    {
        if (unit.HasExecuted)
            throw new SqlErrorException(SqlStates.ActiveSqlTransaction, $"{planned.Verb.ToUpperInvariant()} cannot be executed within a pipeline");
        await EndServersAsync();
    }

    private async ValueTask EndServersAsync()
    {
        foreach (var server in unit.WaitingForSync())
        {
            server.SendSync(Disposition.Forward);
            await session.DrainAsync(server);
        }
        unit.Leave();
    }
}
