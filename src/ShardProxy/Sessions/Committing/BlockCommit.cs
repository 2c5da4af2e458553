using ShardProxy.Configuration;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Committing;

/// <summary>
/// Commits the open block on the shards that have joined it. With one writer the readers go first, so that their errors
/// can still undo everything, and the writer's plain COMMIT is the whole truth. Several writers are two-phase commit's.
/// </summary>
internal sealed class BlockCommit(Session session, TransactionRunner transactions)
{
    private readonly TwoPhaseCommit _twoPhase = new(session, transactions);

    /// <summary>After it no server is in the block any more. Null when it has committed everywhere; else the error for the client.</summary>
    public ValueTask<ServerError?> RunAsync(List<ServerConnection> joined)
    {
        var transaction = session.Transaction;
        List<ServerConnection> writers = transaction.IsReadOnly ? [] : joined.FindAll(server => transaction.HasWritten(server.Shard));
        var readers = writers.Count == 0 ? joined : joined.FindAll(server => !writers.Contains(server));
        return writers.Count > 1 && session.Database.Config.CrossShardWrites != CrossShardWrites.BestEffort
            ? _twoPhase.RunAsync(writers, readers)
            : InTurnAsync(writers, readers);
    }

    private async ValueTask<ServerError?> InTurnAsync(List<ServerConnection> writers, List<ServerConnection> readers)
    {
        var limit = session.Database.Limits.CommitTimeout;
        var error = FirstError(await ServerCommands.RunAsync(session, readers, static _ => "COMMIT", limit));
        var done = new List<string>();
        foreach (var writer in writers)
        {
            if (error is not null)
                break;
            // One writer's COMMIT is the client's own, which no proxy would hurry.
            var answer = (await ServerCommands.RunAsync(session, [writer], static _ => "COMMIT", writers.Count == 1 ? TimeSpan.Zero : limit))[0];
            error = answer.Loss is { } lost ? ServerLoss.UnknownOutcome(session, lost) : answer.Error;
            if (error is null)
                done.Add(writer.Pool.ShardName);
        }
        if (error is null)
            return null;
        await transactions.RollBackServersAsync(writers.FindAll(static writer => writer.TransactionStatus != (byte)TransactionStatus.Idle));
        return done.Count == 0
            ? error
            : error with { Detail = $"{error.Detail} The transaction has already been committed on: {string.Join(", ", done)}.".Trim() };
    }

    /// <summary>Of answers before anything was decided: whoever is lost has rolled back.</summary>
    public ServerError? FirstError(IReadOnlyList<ServerAnswer> answers) => FirstError(session, answers);

    internal static ServerError? FirstError(Session session, IReadOnlyList<ServerAnswer> answers)
    {
        ServerError? first = null;
        foreach (var answer in answers)
        {
            var error = answer.Loss is { } lost ? ServerLoss.RolledBack(session, lost) : answer.Error;
            first ??= error;
        }
        return first;
    }
}
