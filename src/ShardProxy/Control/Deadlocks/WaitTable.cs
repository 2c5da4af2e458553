using Npgsql;

namespace ShardProxy.Control.Deadlocks;

/// <summary>
/// Where the proxies tell each other on the home shard which of their transactions wait long, and by which server
/// processes. Written only while something waits; unlogged, because after a crash nothing waits any more.
/// </summary>
internal static class WaitTable
{
    private const string Table = "shardproxy_waits";

    /// <summary>Replaces what this proxy has told, and reads what all have told of late.</summary>
    public static async Task<List<SpreadTransaction>> ExchangeAsync(
        NpgsqlConnection connection, string schema, string proxy, IReadOnlyList<(string Key, TimeSpan Age, ServerProcess Process)> waits, CancellationToken cancel)
    {
        var table = $"{schema}.{Table}";
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"DELETE FROM {table} WHERE proxy = $1 OR seen < pg_catalog.clock_timestamp() - interval '1 minute'")
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = proxy } },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"""
            INSERT INTO {table} (proxy, transaction, began, shard, pid)
            SELECT $1, t, pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => age), s, p
            FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::float8[]), pg_catalog.unnest($4::text[]), pg_catalog.unnest($5::int4[])) AS w(t, age, s, p)
            """)
        {
            Parameters =
            {
                new NpgsqlParameter<string> { TypedValue = proxy },
                new NpgsqlParameter<string[]> { TypedValue = [.. waits.Select(static wait => wait.Key)] },
                new NpgsqlParameter<double[]> { TypedValue = [.. waits.Select(static wait => wait.Age.TotalSeconds)] },
                new NpgsqlParameter<string[]> { TypedValue = [.. waits.Select(static wait => wait.Process.Shard)] },
                new NpgsqlParameter<int[]> { TypedValue = [.. waits.Select(static wait => wait.Process.Pid)] },
            },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            $"SELECT transaction, began, shard, pid FROM {table} WHERE seen > pg_catalog.clock_timestamp() - interval '5 seconds' ORDER BY transaction"));
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        var rows = new List<(string Key, DateTimeOffset Began, ServerProcess Process)>();
        while (await reader.ReadAsync(cancel))
            rows.Add((reader.GetString(0), reader.GetFieldValue<DateTimeOffset>(1), new ServerProcess(reader.GetString(2), reader.GetInt32(3))));
        return [.. rows.GroupBy(static row => row.Key).Select(static group =>
            new SpreadTransaction(group.Key, group.Max(static row => row.Began), [.. group.Select(static row => row.Process)]))];
    }

    public static async Task<bool> CreateAsync(NpgsqlConnection connection, string schema, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(
            $"""
            CREATE UNLOGGED TABLE IF NOT EXISTS {schema}.{Table} (
                proxy text NOT NULL, transaction text NOT NULL, began timestamptz NOT NULL, shard text NOT NULL, pid int4 NOT NULL,
                seen timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp())
            """,
            connection);
        await command.ExecuteNonQueryAsync(cancel);
        return true;
    }

    /// <summary>Who waits for a lock on a shard, and for whom. Prepared transactions, which are nobody's, are left out: recovery ends them.</summary>
    public static async Task<List<(ServerProcess Waiter, int Blocker)>> WaitsAsync(NpgsqlConnection connection, string shard, CancellationToken cancel)
    {
        const string Sql = """
            SELECT w.pid, b FROM (SELECT DISTINCT pid FROM pg_catalog.pg_locks WHERE NOT granted AND pid IS NOT NULL) w,
                pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) b WHERE b <> 0
            """;
        await using var command = new NpgsqlCommand(Sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var waits = new List<(ServerProcess, int)>();
        while (await reader.ReadAsync(cancel))
            waits.Add((new ServerProcess(shard, reader.GetInt32(0)), reader.GetInt32(1)));
        return waits;
    }
}
