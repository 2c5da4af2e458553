using Npgsql;
using NpgsqlTypes;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.Control.Recovery;

/// <summary>A deciding shard's decisions, as recovery reads and makes them.</summary>
internal static class DecisionTable
{
    /// <summary>
    /// The decision on a transaction. Where there is none it becomes "rolled back": the insert waits for a deciding
    /// transaction that has recorded its commit and not ended, and then either finds its record or stands itself, and
    /// whoever comes later with a commit fails on it.
    /// </summary>
    public static async Task<CommitDecision> DecideAsync(NpgsqlConnection connection, string schema, string id, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Command($"INSERT INTO {schema}.{CommitSupport.DecisionTable} (id, committed) VALUES ($1, false) ON CONFLICT DO NOTHING", id));
        batch.BatchCommands.Add(Command($"SELECT committed FROM {schema}.{CommitSupport.DecisionTable} WHERE id = $1", id));
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        return !await reader.ReadAsync(cancel) ? CommitDecision.Unknown
            : reader.GetBoolean(0) ? CommitDecision.Committed
            : CommitDecision.RolledBack;
    }

    private static NpgsqlBatchCommand Command(string sql, string id) =>
        new(sql) { Parameters = { new NpgsqlParameter<string> { TypedValue = id, NpgsqlDbType = NpgsqlDbType.Text } } };
}
