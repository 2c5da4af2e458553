using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Recovery;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.Control.Lookups;

/// <summary>
/// The rows of one key go from shard to shard, in one transaction over both: the part that receives them is prepared, and the
/// commit of the part that deletes them is the decision (see docs/decisions on transactions over several shards).
/// </summary>
internal sealed class RowMove(
    IReadOnlyList<ControlShard> shards, int from, int to, IReadOnlyList<(QualifiedName Table, Column Key)> tables, byte[] key)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Which rows may be on the shard that receives them.</summary>
    public required Residency Residency { get; init; }

    /// <summary>Whether some transaction of the cluster stands prepared on a shard.</summary>
    public static async Task<bool> IsPreparedAsync(ControlShard shard, string cluster, CancellationToken cancel)
    {
        await using var connection = await shard.OpenAsync(cancel);
        try
        {
            return (await PreparedPart.FindAsync(connection, cluster, cancel)).Count > 0;
        }
        catch (NpgsqlException exception)
        {
            throw shard.Explain(exception);
        }
    }

    /// <param name="fence">Run in the part that decides before anything else, see <see cref="MoveLock"/>.</param>
    /// <param name="ensure">Called after that; throws when the rows are not to be moved any more.</param>
    /// <exception cref="SqlException">Nothing was moved.</exception>
    /// <exception cref="MoveUnknownException">It may have been.</exception>
    public async Task RunAsync(CommitControl commits, string cluster, string fence, Func<Task> ensure, CancellationToken cancel)
    {
        await using var source = await shards[from].OpenAsync(cancel);
        await using var target = await shards[to].OpenAsync(cancel);
        var secret = CommitSecret.Create();
        var transaction = new GlobalTransactionId(cluster, shards[from].Name, CommitSecret.IdOf(secret));
        using var ticket = commits.Commits.Begin(transaction);
        var support = await SupportAsync(commits, from, needsPrepare: false, cancel);
        await SupportAsync(commits, to, needsPrepare: true, cancel);
        var isPrepared = false;
        try
        {
            await RunAsync(source, $"BEGIN ISOLATION LEVEL REPEATABLE READ; {RowCopy.Settings}", cancel);
            // The snapshot is older than the lock, but nobody writes rows of the key any more.
            await RunAsync(source, fence, cancel);
            await ensure();
            foreach (var (table, column) in tables)
                await EnsureZoneAsync(source, table, column, cancel);
            await RunAsync(target, $"BEGIN; {RowCopy.Settings}", cancel);
            await RowCopy.SilenceTriggersAsync(source, cancel);
            await RowCopy.SilenceTriggersAsync(target, cancel);
            foreach (var (table, column) in tables)
                await MoveAsync(source, target, table, column, cancel);
            await RunAsync(target, $"PREPARE TRANSACTION '{transaction.NameOfPart(0)}'", cancel);
            isPrepared = true;
            await RunAsync(source, support.DecideStatement(secret), cancel);
        }
        catch (Exception exception)
        {
            await TryAsync(source, "ROLLBACK");
            if (!await TryAsync(target, isPrepared ? $"ROLLBACK PREPARED '{transaction.NameOfPart(0)}'" : "ROLLBACK") && isPrepared)
                throw Explain(exception);
            ticket.Settle();
            throw Explain(exception);
        }
        await CommitAsync(source, transaction, commits);
        if (await TryAsync(target, $"COMMIT PREPARED '{transaction.NameOfPart(0)}'") || await commits.FinishAsync(transaction, Patience))
            ticket.Settle();
    }

    private async Task CommitAsync(NpgsqlConnection source, GlobalTransactionId transaction, CommitControl commits)
    {
        try
        {
            await RunAsync(source, "COMMIT", CancellationToken.None);
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException or TimeoutException)
        {
            // The answer is lost: the record on the shard tells.
            switch (await commits.DecideAsync(from, transaction.Id, Patience))
            {
                case CommitDecision.Committed:
                    return;
                case CommitDecision.RolledBack:
                    await commits.FinishAsync(transaction, Patience);
                    throw Explain(exception);
                default:
                    throw new MoveUnknownException(shards[from].Explain(exception));
            }
        }
    }

    private async Task<CommitSupport> SupportAsync(CommitControl commits, int shard, bool needsPrepare, CancellationToken cancel)
    {
        if (commits.Commits.SupportOf(shard) is not { Schema: not null } support || (needsPrepare && !support.CanPrepare))
        {
            await commits.PrepareAsync(shard, cancel);
            support = commits.Commits.SupportOf(shard)!;
        }
        if (support is { Schema: not null } && (!needsPrepare || support.CanPrepare))
            return support;
        throw new SqlException(
            SqlStates.FeatureNotSupported,
            $"shard \"{shards[shard].Name}\" cannot take part in a transaction over several shards{(support?.Problem is { } problem ? $": {problem}" : "")}",
            "Set max_prepared_transactions on every shard.");
    }

    private string ConditionOf(Column column) => $"{SqlText.Identifier(column.Name)} = {KeyFinder.LiteralOf(column.TypeOid, key)}";

    /// <summary>Before a row goes: what was once on a shard outside of its zone may stay in its files.</summary>
    private async Task EnsureZoneAsync(NpgsqlConnection source, QualifiedName table, Column column, CancellationToken cancel)
    {
        if (Residency.AbroadOf(table) is not { } abroad)
            return;
        await using var command = new NpgsqlCommand($"SELECT {abroad.Column}::text FROM {SqlText.Identifier(table)} WHERE {ConditionOf(column)} AND {abroad.Condition} LIMIT 1", source);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        if (!await reader.ReadAsync(cancel))
            return;
        throw new SqlException(
            SqlStates.CheckViolation,
            $"rows of the key {KeyImageText.Write(column.TypeOid, key)} in table {table} are of the zone with {(await reader.IsDBNullAsync(0, cancel) ? "NULL" : reader.GetString(0))}, which does not have the shard \"{shards[to].Name}\"",
            "Move it to a shard of its zone, or add the shard to the zone with SELECT add_shard_zone('table', '(value, …) on shard').");
    }

    private async Task MoveAsync(NpgsqlConnection source, NpgsqlConnection target, QualifiedName table, Column column, CancellationToken cancel)
    {
        var name = SqlText.Identifier(table);
        var condition = ConditionOf(column);
        // The group's foreign keys lead along the key: what they lead to moves as well.
        await RowCopy.RunAsync(source, target, table, condition, cancel);
        var deleted = await CountAsync(source, $"DELETE FROM {name} WHERE {condition}", cancel);
        var stored = await ScalarAsync(target, $"SELECT count(*) FROM {name} WHERE {condition}", cancel);
        if (deleted != stored)
        {
            throw new SqlException(
                SqlStates.ObjectNotInPrerequisiteState,
                $"of table {table} {deleted} rows left shard \"{shards[from].Name}\" and {stored} are on \"{shards[to].Name}\"",
                "A trigger or rule of the table takes part; move the key when it does not.");
        }
    }

    private SqlException Explain(Exception exception) =>
        exception as SqlException ?? (exception is PostgresException or NpgsqlException or IOException or TimeoutException
            ? shards[from].Explain(exception)
            : new SqlException(new ServerError(SqlStates.InternalError, exception.Message), exception));

    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancel) =>
        await TableAccess.ExecuteAsync(connection, sql, cancel);

    private static async Task<long> CountAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteNonQueryAsync(cancel);
    }

    private static async Task<long> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }

    private static async Task<bool> TryAsync(NpgsqlConnection connection, string sql)
    {
        try
        {
            await RunAsync(connection, sql, CancellationToken.None);
            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException or TimeoutException or InvalidOperationException)
        {
            return false;
        }
    }
}
