using Npgsql;
using ShardProxy.Control.Shards;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Committing;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Control.Uniqueness;

/// <summary>
/// Makes what a shard needs for global indexes, once somebody wants one, in the <see cref="ProxySchema"/>.
/// </summary>
internal static class UniquePreparation
{
    // The number is arbitrary.
    private const long Lock = 0x5368_6172_6450_7202;

    private const string Look = $"""
        SELECT (SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relname = '{UniqueScript.SecretTable}' AND n.nspname IN ('{ProxySchema.System}', '{ProxySchema.Own}') AND c.relowner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER)
                ORDER BY n.nspname LIMIT 1),
            pg_catalog.has_schema_privilege('{ProxySchema.System}', 'CREATE')
        """;

    public static async Task<UniqueSupport> RunAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var (found, mayUseSystemSchema) = await LookAsync(connection, cancel);
        var schema = found ?? ProxySchema.Choose(mayUseSystemSchema);
        if (found is null || await VersionAsync(connection, schema, cancel) != UniqueScript.Version)
            await MakeAsync(connection, schema, cancel);
        await using var command = new NpgsqlCommand($"SELECT secret FROM {schema}.{UniqueScript.SecretTable}", connection);
        return await command.ExecuteScalarAsync(cancel) is string secret
            ? new UniqueSupport(schema, secret)
            : throw new SqlException(SqlStates.ObjectNotInPrerequisiteState, $"{schema}.{UniqueScript.SecretTable} is empty");
    }

    private static async Task<(string? Schema, bool MayUseSystemSchema)> LookAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(Look, connection);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        await reader.ReadAsync(cancel);
        return (await reader.IsDBNullAsync(0, cancel) ? null : reader.GetString(0), reader.GetBoolean(1));
    }

    private static async Task<string?> VersionAsync(NpgsqlConnection connection, string schema, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand($"SELECT pg_catalog.obj_description('{schema}.{UniqueScript.SecretTable}'::pg_catalog.regclass, 'pg_class')", connection);
        return await command.ExecuteScalarAsync(cancel) as string;
    }

    private static async Task MakeAsync(NpgsqlConnection connection, string schema, CancellationToken cancel)
    {
        var script = ProxySchema.Script(schema, Lock, UniqueScript.Table(schema, CommitSecret.Create()) + "\n" + UniqueScript.Functions(schema));
        await using var command = new NpgsqlCommand(script, connection);
        await command.ExecuteNonQueryAsync(cancel);
    }
}
