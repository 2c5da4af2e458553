using ShardProxy.Configuration;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Committing;

/// <summary>
/// Commits the open block on the shards that have joined it. With one writer the readers go first, so that their errors
/// can still undo everything, and the writer's plain COMMIT is the whole truth. Several writers are two-phase commit's. Shards
/// that have only locked rows keep them locked until what was written is seen: they are asked whether they are still there
/// when the readers commit, and commit last. They have written nothing, so no failure of that matters.
/// </summary>
internal sealed class BlockCommit(Session session, TransactionRunner transactions)
{
    private readonly TwoPhaseCommit _twoPhase = new(session, transactions);

    /// <summary>After it no server is in the block any more. Null when it has committed everywhere; else the error for the client.</summary>
    public async ValueTask<ServerError?> RunAsync(List<ServerConnection> joined)
    {
        var transaction = session.Transaction;
        List<ServerConnection> writers = transaction.IsReadOnly ? [] : joined.FindAll(server => transaction.HasWritten(server.Shard));
        var readers = writers.Count == 0 ? joined : joined.FindAll(server => !writers.Contains(server));
        // Under SERIALIZABLE a reader's COMMIT may fail, and must come first.
        var lockers = writers.Count == 0 || transaction.KeepsSnapshot ? [] : readers.FindAll(server => transaction.HasLocked(server.Shard));
        var error = writers.Count > 1 && session.Database.Config.CrossShardWrites != CrossShardWrites.BestEffort
            ? await _twoPhase.RunAsync(writers, readers, lockers)
            : await InTurnAsync(writers, readers, lockers);
        await LetGoAsync(lockers.FindAll(static server => server is { State: ServerState.Leased } && server.TransactionStatus != (byte)TransactionStatus.Idle), error is null);
        return error;
    }

    /// <summary>What a reader is sent before anything is decided.</summary>
    public static string EndOf(ServerConnection reader, List<ServerConnection> lockers) => lockers.Contains(reader) ? "SELECT" : "COMMIT";

    private async ValueTask LetGoAsync(List<ServerConnection> lockers, bool committed)
    {
        if (!committed)
        {
            await transactions.RollBackServersAsync(lockers);
            return;
        }
        foreach (var answer in await ServerCommands.RunAsync(session, lockers, static _ => "COMMIT", session.Database.Limits.CommitTimeout))
        {
            if (answer.Loss is not null)
                session.Servers.Lose(answer.Server);
        }
    }

    private async ValueTask<ServerError?> InTurnAsync(List<ServerConnection> writers, List<ServerConnection> readers, List<ServerConnection> lockers)
    {
        var limit = session.Database.Limits.CommitTimeout;
        var error = FirstError(await ServerCommands.RunAsync(session, readers, server => EndOf(server, lockers), limit));
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
