using Npgsql;
using ShardProxy.Directory;

namespace ShardProxy.Control.Distribution;

/// <summary>Small questions about a table, asked inside the caller's transaction.</summary>
internal static class TableAccess
{
    /// <summary>The relation that a name means under the transaction's search_path; 0 when there is none.</summary>
    public static async Task<uint> FindAsync(NpgsqlConnection connection, string name, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        return await command.ExecuteScalarAsync(cancel) is uint oid ? oid : 0;
    }

    /// <summary>Row security must be off in the transaction, so that a policy cannot hide rows.</summary>
    public static async Task<bool> HasRowsAsync(NpgsqlConnection connection, QualifiedName table, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand($"SELECT EXISTS (SELECT FROM {SqlText.Identifier(table)})", connection);
        return (bool)(await command.ExecuteScalarAsync(cancel))!;
    }

    public static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.AllResultTypesAreUnknown = true;
        await command.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>Sets search_path for the rest of the transaction.</summary>
    public static async Task SetSearchPathAsync(NpgsqlConnection connection, IEnumerable<string> schemas, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("SELECT pg_catalog.set_config('search_path', $1, true)", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = string.Join(", ", schemas.Select(SqlText.Identifier)) });
        await command.ExecuteNonQueryAsync(cancel);
    }
}
