using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Committing;

/// <summary>
/// Commits what was written on several shards: on all of them or on none, whatever dies. One of the writers decides: the
/// record of the decision is a row that its own transaction writes, so that its own COMMIT is the decision. The others
/// are prepared before it and committed after it.
/// </summary>
/// <remarks>
/// <code>
///   others    PREPARE TRANSACTION ─┐                        ┌─ COMMIT PREPARED
///   readers   COMMIT ──────────────┤                        │
///   lockers   SELECT ──────────────┼─ all done ─► COMMIT ───┼─ COMMIT
///   decider   decide(secret) ──────┘             (decider)  └─ the client is answered
/// </code>
/// Before the decider's COMMIT any failure rolls everything back; after it nothing does. When its answer is lost, the
/// record tells. What this session cannot finish, recovery does (Control/Recovery), knowing no more than the shards do.
/// A shard that is silent for longer than commit_timeout is lost like one whose connection has ended: its session is
/// closed, so what it does with the commands that it may find when it wakes up is recovery's to finish.
/// </remarks>
internal sealed class TwoPhaseCommit(Session session, TransactionRunner transactions)
{
    /// <summary>How long a client waits for the truth, and for its own writes to be seen, when a shard is lost in the midst.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private long _startedAt;

    /// <returns>Null when the transaction has committed; else the error for the client.</returns>
    /// <param name="lockers">Readers whose blocks stay open.</param>
    public async ValueTask<ServerError?> RunAsync(List<ServerConnection> writers, List<ServerConnection> readers, List<ServerConnection> lockers)
    {
        _startedAt = Environment.TickCount64;
        ServerConnection decider;
        CommitSupport support;
        try
        {
            decider = await DeciderChoice.ChooseAsync(session, writers);
            support = await DeciderChoice.SupportAsync(session, decider.Shard);
        }
        catch (SqlErrorException exception)
        {
            await transactions.RollBackServersAsync([.. writers, .. readers]);
            return exception.Error;
        }
        var secret = CommitSecret.Create();
        var transaction = new GlobalTransactionId(session.Planning().Routing.Directory.Cluster, decider.Pool.ShardName, CommitSecret.IdOf(secret));
        var parts = writers.FindAll(server => server != decider);
        using var ticket = session.Database.Control.Commits.Begin(transaction);
        try
        {
            var answers = await ServerCommands.RunAsync(session, [.. parts, decider, .. readers], server =>
                server == decider ? support.DecideStatement(secret)
                : parts.IndexOf(server) is >= 0 and var part ? $"PREPARE TRANSACTION '{transaction.NameOfPart(part)}'"
                : BlockCommit.EndOf(server, lockers), Left());
            // What was set in the block is now in force wherever it has ended.
            foreach (var answer in answers.Where(answer => answer.Succeeded && answer.Server != decider && !lockers.Contains(answer.Server)))
                answer.Server.Applied = session.Settings.WithoutLocal.Session;
            // Somebody has removed the function or its table: they are made anew for the next.
            if (Array.Exists(answers, answer => answer.Server == decider && answer.Error?.SqlState is SqlStates.UndefinedFunction or SqlStates.UndefinedTable or SqlStates.InvalidSchemaName))
                await session.Database.Control.PrepareForCommitsAsync(decider.Shard);
            if (BlockCommit.FirstError(session, answers) is { } error)
                return await UndoAsync(ticket, transaction, parts, answers, decider, Reworded(error));
            session.IgnoresCancel = true;
            var decided = (await ServerCommands.RunAsync(session, [decider], static _ => "COMMIT", Left()))[0];
            if (decided.Error is { } refused)
                return await UndoAsync(ticket, transaction, parts, answers, decider, refused);
            if (decided.Loss is { } lost && await AskAsync(ticket, transaction, parts, answers, decider, lost) is { } failure)
                return failure;
            await FinishAsync(ticket, transaction, parts);
            return null;
        }
        finally
        {
            session.IgnoresCancel = false;
        }
    }

    /// <summary>Nothing was decided, and nobody else can decide: the secret dies here.</summary>
    private async ValueTask<ServerError> UndoAsync(
        CommitTicket ticket, GlobalTransactionId transaction, List<ServerConnection> parts, ServerAnswer[] answers, ServerConnection decider, ServerError error)
    {
        session.IgnoresCancel = true;
        if (decider.State == ServerState.Leased && decider.TransactionStatus != (byte)TransactionStatus.Idle)
            await transactions.RollBackServersAsync([decider]);
        // A reader that was sent COMMIT has ended its block whatever it said; a part that could not be prepared too.
        var undone = await UnprepareAsync(transaction, parts, answers);
        if (undone.TrueForAll(static answer => answer.Succeeded || answer.IsUnknownName) && !Array.Exists(answers, static answer => answer.Loss is not null))
            ticket.Settle();
        return error;
    }

    private async ValueTask<List<ServerAnswer>> UnprepareAsync(GlobalTransactionId transaction, List<ServerConnection> parts, ServerAnswer[] answers)
    {
        var prepared = parts.FindAll(server => Array.Exists(answers, answer => answer.Server == server && answer.Succeeded) && server.State == ServerState.Leased);
        var undone = await ServerCommands.RunAsync(session, prepared, server => $"ROLLBACK PREPARED '{transaction.NameOfPart(parts.IndexOf(server))}'", Left());
        LoseLost(undone);
        return [.. undone];
    }

    /// <summary>The decider's answer to COMMIT is lost: its record tells, and where none is, none may be written any more.</summary>
    /// <returns>Null when it has committed.</returns>
    private async ValueTask<ServerError?> AskAsync(
        CommitTicket ticket, GlobalTransactionId transaction, List<ServerConnection> parts, ServerAnswer[] answers, ServerConnection decider, ServerLostException lost)
    {
        var unknown = ServerLoss.UnknownOutcome(session, lost);
        switch (await session.Database.Control.DecideAsync(decider.Shard, transaction.Id, Patience))
        {
            case CommitDecision.Committed:
                return null;
            case CommitDecision.RolledBack:
                var undone = await UnprepareAsync(transaction, parts, answers);
                // A part that is gone was finished by somebody who read a record that is no more: then this one proves nothing.
                if (undone.Exists(static answer => answer.IsUnknownName))
                    return unknown;
                if (undone.TrueForAll(static answer => answer.Succeeded))
                    ticket.Settle();
                return ServerLoss.RolledBack(session, lost);
            default:
                return unknown;
        }
    }

    /// <summary>It is decided. The client's next statement should see what was written, so a lost shard is waited for, but not for ever.</summary>
    private async ValueTask FinishAsync(CommitTicket ticket, GlobalTransactionId transaction, List<ServerConnection> parts)
    {
        string Commit(ServerConnection server) => $"COMMIT PREPARED '{transaction.NameOfPart(parts.IndexOf(server))}'";
        var finished = await ServerCommands.RunAsync(session, parts, Commit, Left());
        // A cancel request that came late hits once.
        var again = finished.Where(static answer => answer is { Error.SqlState: SqlStates.QueryCanceled }).Select(static answer => answer.Server).ToList();
        if (again.Count > 0)
            finished = [.. finished.Where(answer => !again.Contains(answer.Server)), .. await ServerCommands.RunAsync(session, again, Commit, Left())];
        LoseLost(finished);
        if (Array.TrueForAll(finished, static answer => answer.Succeeded || answer.IsUnknownName)
            || await session.Database.Control.FinishAsync(transaction, Patience))
        {
            ticket.Settle();
        }
    }

    /// <summary>Of the time for the whole COMMIT; each step has some, so that shards that do answer are heard.</summary>
    private TimeSpan Left()
    {
        var limit = session.Database.Limits.CommitTimeout;
        if (limit <= TimeSpan.Zero)
            return TimeSpan.Zero;
        var left = limit - TimeSpan.FromMilliseconds(Environment.TickCount64 - _startedAt);
        return left > Patience ? left : limit < Patience ? limit : Patience;
    }

    private void LoseLost(ServerAnswer[] answers)
    {
        foreach (var answer in answers)
        {
            if (answer.Loss is not null)
                session.Servers.Lose(answer.Server);
        }
    }

    // Recovery came between the parts' PREPARE and the decision, because that took longer than it waits.
    private static ServerError Reworded(ServerError error) =>
        error is { SqlState: SqlStates.UniqueViolation, TableName: CommitSupport.DecisionTable }
            ? new ServerError(SqlStates.SerializationFailure, "the transaction was rolled back by recovery, because its commit over several shards took too long")
            {
                Hint = "Try the transaction again.",
            }
            : error;
}
