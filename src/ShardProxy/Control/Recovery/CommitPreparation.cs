using Npgsql;
using ShardProxy.Control.Shards;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.Control.Recovery;

/// <summary>
/// Finds out whether a shard can take part in transactions over several shards, and makes the table of its decisions and
/// the function through which everybody may record one, in the <see cref="ProxySchema"/>.
/// </summary>
internal static class CommitPreparation
{
    // The number is arbitrary.
    private const long Lock = 0x5368_6172_6450_7201;

    private const string Look = $"""
        SELECT pg_catalog.current_setting('max_prepared_transactions')::pg_catalog.int4,
            (SELECT n.nspname FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
             WHERE p.proname = '{CommitSupport.DecideFunction}' AND n.nspname IN ('{ProxySchema.System}', '{ProxySchema.Own}') AND p.prosecdef
             ORDER BY n.nspname LIMIT 1),
            pg_catalog.has_schema_privilege('{ProxySchema.System}', 'CREATE'),
            pg_catalog.pg_is_in_recovery()
        """;

    public static async Task<CommitSupport> RunAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var (prepared, schema, mayUseSystemSchema, isStandby) = await LookAsync(connection, cancel);
        if (schema is not null)
            return new CommitSupport(prepared, schema);
        if (isStandby)
            return new CommitSupport(prepared, null, "the server is a standby");
        var wanted = ProxySchema.Choose(mayUseSystemSchema);
        try
        {
            await using var command = new NpgsqlCommand(Script(wanted), connection);
            await command.ExecuteNonQueryAsync(cancel);
            return new CommitSupport(prepared, wanted);
        }
        catch (PostgresException exception) when (exception.SqlState is SqlStates.InsufficientPrivilege or SqlStates.ReadOnlySqlTransaction)
        {
            return new CommitSupport(prepared, null, exception.MessageText);
        }
    }

    private static async Task<(int Prepared, string? Schema, bool MayUseSystemSchema, bool IsStandby)> LookAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(Look, connection);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        await reader.ReadAsync(cancel);
        return (reader.GetInt32(0), await reader.IsDBNullAsync(1, cancel) ? null : reader.GetString(1), reader.GetBoolean(2), reader.GetBoolean(3));
    }

    /// <summary>
    /// The table is nobody's but its owner's. The function takes the secret whose hash is the id: seeing
    /// an id does not allow to decide for it. A decision must be on disk before anybody acts on it, whatever the session's
    /// synchronous_commit.
    /// </summary>
    private static string Script(string schema) => ProxySchema.Script(schema, Lock, $"""
        CREATE TABLE IF NOT EXISTS {schema}.{CommitSupport.DecisionTable} (
            id pg_catalog.text PRIMARY KEY,
            committed pg_catalog.bool NOT NULL,
            at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp());
        CREATE OR REPLACE FUNCTION {schema}.{CommitSupport.DecideFunction}(secret pg_catalog.text) RETURNS pg_catalog.void
            LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
            SELECT set_config('synchronous_commit', 'local', true) WHERE current_setting('synchronous_commit') = 'off';
            INSERT INTO {schema}.{CommitSupport.DecisionTable} (id, committed)
                VALUES (left(encode(sha256(convert_to(secret, 'UTF8')), 'hex'), {CommitSecret.IdLength}), true);
        $$;
        GRANT EXECUTE ON FUNCTION {schema}.{CommitSupport.DecideFunction}(pg_catalog.text) TO PUBLIC;
        """);
}
