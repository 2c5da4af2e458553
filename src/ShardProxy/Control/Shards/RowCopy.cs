using Npgsql;
using ShardProxy.Control.Distribution;
using ShardProxy.Directory;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Control.Shards;

/// <summary>Rows of a table from one shard to another, as text, each within its caller's transaction.</summary>
internal static class RowCopy
{
    /// <summary>For both transactions: values are written so that they are read back as they were, and nothing hides rows.</summary>
    public const string Settings =
        "SET LOCAL row_security = off; SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = 0; SET LOCAL datestyle = 'ISO'; "
        + "SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'";

    private const int BufferChars = 64 * 1024;

    /// <param name="condition">SQL; null for all rows.</param>
    public static async Task RunAsync(NpgsqlConnection source, NpgsqlConnection target, QualifiedName table, string? condition, CancellationToken cancel)
    {
        var name = SqlText.Identifier(table);
        var columns = string.Join(", ", (await ColumnsAsync(source, table, cancel)).Select(SqlText.Identifier));
        using var reader = await source.BeginTextExportAsync($"COPY (SELECT {columns} FROM {name}{(condition is null ? "" : $" WHERE {condition}")}) TO STDOUT", cancel);
        await using var writer = await target.BeginTextImportAsync($"COPY {name} ({columns}) FROM STDIN", cancel);
        var buffer = new char[BufferChars];
        int count;
        while ((count = await reader.ReadAsync(buffer, cancel)) > 0)
            await writer.WriteAsync(buffer.AsMemory(0, count), cancel);
    }

    /// <summary>A row that is copied is neither new nor gone. Where the user may not say so, triggers fire and constraints wait for the end.</summary>
    public static async Task SilenceTriggersAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        // Entries of global indexes hold the key, which stays the same; their triggers fire whatever the role.
        await TableAccess.ExecuteAsync(connection, $"SET LOCAL {UniqueSupport.Setting} = 'moving'; SAVEPOINT silent", cancel);
        try
        {
            await TableAccess.ExecuteAsync(connection, "SET LOCAL session_replication_role = replica", cancel);
        }
        catch (PostgresException exception) when (exception.SqlState == SqlStates.InsufficientPrivilege)
        {
            await TableAccess.ExecuteAsync(connection, "ROLLBACK TO silent; SET CONSTRAINTS ALL DEFERRED", cancel);
        }
        await TableAccess.ExecuteAsync(connection, "RELEASE silent", cancel);
    }

    private static async Task<List<string>> ColumnsAsync(NpgsqlConnection connection, QualifiedName table, CancellationToken cancel)
    {
        const string Sql = """
            SELECT attname::text FROM pg_catalog.pg_attribute
            WHERE attrelid = $1::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
            """;
        await using var command = new NpgsqlCommand(Sql, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = SqlText.Identifier(table) });
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var columns = new List<string>();
        while (await reader.ReadAsync(cancel))
            columns.Add(reader.GetString(0));
        return columns;
    }
}
