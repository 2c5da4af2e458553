using Npgsql;
using ShardProxy.Control.Shards;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.Control.Recovery;

/// <summary>Asks a deciding shard for its decisions and carries them out. One proxy at a time visits a decider, so that they do not do the same twice.</summary>
internal sealed class DeciderVisit(IReadOnlyList<RecoveryShard> shards, Func<RecoveryShard, CancellationToken, Task<string?>> schemaOf)
{
    // An advisory lock is the database's; the number is arbitrary.
    private const long Lock = 0x5368_6172_6450_7202;

    /// <summary>How long a pass waits for a deciding transaction to end, before it looks at others.</summary>
    private static readonly TimeSpan DecisionPatience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A deciding transaction that is as old as this was left by a proxy that has lost its network or its machine, and
    /// holds the locks of all parts: it is ended, and with that rolled back, unless it has just committed.
    /// </summary>
    private static readonly TimeSpan Stuck = TimeSpan.FromSeconds(15);

    /// <summary>By then whoever holds the lock has lost its network or its machine too.</summary>
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(30);

    /// <summary>Sets each transaction's state, and that it is finished.</summary>
    public async Task FinishAsync(string name, IReadOnlyList<Unfinished> transactions, CancellationToken cancel)
    {
        if (shards.FirstOrDefault(shard => shard.Name == name) is not { } decider)
        {
            Say(transactions, $"the configuration has no shard \"{name}\"");
            return;
        }
        try
        {
            if (await schemaOf(decider, cancel) is not { } schema)
                throw new SqlException(SqlStates.ObjectNotInPrerequisiteState, $"shard \"{name}\" has no table for decisions");
            await using var connection = await decider.OpenAsync(cancel);
            var isLocked = await RunAsync<bool>(decider, connection, $"SELECT pg_catalog.pg_try_advisory_lock({Lock})", cancel);
            if (!isLocked && transactions.All(static each => each.Age < LockPatience))
            {
                Say(transactions, "another proxy recovers it");
                return;
            }
            try
            {
                foreach (var transaction in transactions)
                    await FinishAsync(decider, connection, schema, transaction, cancel);
            }
            finally
            {
                if (isLocked && connection.State == System.Data.ConnectionState.Open)
                    await RunAsync<bool>(decider, connection, $"SELECT pg_catalog.pg_advisory_unlock({Lock})", CancellationToken.None);
            }
        }
        catch (SqlException exception)
        {
            Say([.. transactions.Where(static each => !each.IsFinished)], exception.Message);
        }
    }

    private static async Task FinishAsync(RecoveryShard decider, NpgsqlConnection connection, string schema, Unfinished transaction, CancellationToken cancel)
    {
        CommitDecision decision;
        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel))
        {
            limit.CancelAfter(DecisionPatience);
            try
            {
                decision = await DecisionTable.DecideAsync(connection, schema, transaction.Transaction.Id, limit.Token);
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                transaction.State = "its deciding transaction has not ended";
                if (transaction.Age >= Stuck)
                    await EndHolderAsync(decider, connection, schema, transaction.Transaction.Id, cancel);
                return;
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException)
            {
                throw decider.Explain(exception);
            }
        }
        if (decision == CommitDecision.Unknown)
            return;
        var commit = decision == CommitDecision.Committed;
        var failures = new List<string>();
        foreach (var (shard, part) in transaction.Parts)
        {
            try
            {
                await shard.RunAsync(
                    async (other, token) =>
                    {
                        await part.FinishAsync(other, commit, token);
                        return true;
                    },
                    cancel);
            }
            catch (SqlException exception)
            {
                failures.Add(exception.Message);
            }
        }
        transaction.IsFinished = failures.Count == 0;
        transaction.State = transaction.IsFinished ? (commit ? "committed" : "rolled back") : string.Join("; ", failures);
    }

    /// <summary>Waits for the record once more, and ends whoever keeps it waiting.</summary>
    private static async Task EndHolderAsync(RecoveryShard decider, NpgsqlConnection waiting, string schema, string id, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(DecisionPatience);
        var wait = DecisionTable.DecideAsync(waiting, schema, id, limit.Token);
        try
        {
            var sql = string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(holder)) FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids({waiting.ProcessID})) holder WHERE holder OPERATOR(pg_catalog.<>) 0");
            await using var connection = await decider.OpenAsync(limit.Token);
            while (!wait.IsCompleted && await RunAsync<long>(decider, connection, sql, limit.Token) == 0)
                await Task.Delay(50, limit.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // The next pass looks again.
        }
        finally
        {
            await ((Task)wait).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task<T> RunAsync<T>(RecoveryShard shard, NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        try
        {
            await using var command = new NpgsqlCommand(sql, connection);
            return (T)(await command.ExecuteScalarAsync(cancel))!;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException)
        {
            throw shard.Explain(exception);
        }
    }

    private static void Say(IReadOnlyList<Unfinished> transactions, string state)
    {
        foreach (var transaction in transactions)
            transaction.State = state;
    }
}
