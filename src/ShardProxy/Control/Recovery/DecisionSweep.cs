using Npgsql;
using ShardProxy.Control.Shards;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.Control.Recovery;

/// <summary>
/// Removes decisions that nobody can need any more. A commit's record is visible only after all parts were prepared, so
/// when it was read first and no shard lists a part of it afterwards, every part is committed. A record that keeps a
/// commit from being recorded may go when no transaction is running that was there before it.
/// </summary>
internal sealed class DecisionSweep(IReadOnlyList<RecoveryShard> shards, Func<RecoveryShard, CancellationToken, Task<string?>> schemaOf, Func<string> cluster)
{
    /// <summary>Far longer than a session waits for the word on its own commit.</summary>
    private const string CommitAge = "interval '5 minutes'";

    /// <summary>Longer than anybody's clock is set back.</summary>
    private const string AbortAge = "interval '1 day'";

    private const int AtOnce = 20_000;

    /// <exception cref="SqlException">A shard does not answer; nothing is lost by it.</exception>
    public async Task RunAsync(CancellationToken cancel)
    {
        var old = new List<(RecoveryShard Shard, string Schema, string[] Ids)>();
        foreach (var shard in shards)
        {
            if (await schemaOf(shard, cancel) is { } schema && await shard.RunAsync((connection, token) => OldAsync(connection, schema, token), cancel) is { Length: > 0 } ids)
                old.Add((shard, schema, ids));
        }
        if (old.Count == 0)
            return;
        var needed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var shard in shards)
        {
            foreach (var part in await shard.RunAsync((connection, token) => PreparedPart.FindAsync(connection, cluster(), token), cancel))
                needed.Add(part.Transaction.Id);
        }
        foreach (var (shard, schema, ids) in old)
            await shard.RunAsync((connection, token) => DeleteAsync(connection, schema, [.. ids.Where(id => !needed.Contains(id))], token), cancel);
    }

    private static async Task<string[]> OldAsync(NpgsqlConnection connection, string schema, CancellationToken cancel)
    {
        var sql = $"""
            SELECT pg_catalog.array_agg(id) FROM (
                SELECT id FROM {schema}.{CommitSupport.DecisionTable} WHERE at < pg_catalog.clock_timestamp() - CASE WHEN committed THEN {CommitAge} ELSE {AbortAge} END
                    AND (committed OR NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE xact_start <= at OR (xact_start IS NULL AND query = '<insufficient privilege>')))
                LIMIT {AtOnce}) old
            """;
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancel) as string[] ?? [];
    }

    private static async Task<int> DeleteAsync(NpgsqlConnection connection, string schema, string[] ids, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand($"DELETE FROM {schema}.{CommitSupport.DecisionTable} WHERE id = ANY($1)", connection);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = ids });
        return await command.ExecuteNonQueryAsync(cancel);
    }
}
