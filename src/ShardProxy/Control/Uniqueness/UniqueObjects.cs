using Npgsql;
using NpgsqlTypes;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Control.Uniqueness;

/// <summary>Global indexes of a table that is being distributed, and has no rows yet.</summary>
internal static class UniqueObjects
{
    /// <summary>The unique indexes of a table that do not contain its key, each with a new id.</summary>
    /// <exception cref="SqlException">One cannot hold over all shards.</exception>
    public static async Task<IReadOnlyList<(string Id, MissingIndex Index)>> FindAsync(NpgsqlConnection home, TableDistribution table, CancellationToken cancel)
    {
        var rows = new List<string>();
        await using (var command = new NpgsqlCommand(UniqueReview.Query([table]), home))
        {
            await using var reader = await command.ExecuteReaderAsync(cancel);
            while (await reader.ReadAsync(cancel))
                rows.Add(reader.GetString(0));
        }
        var missing = UniqueReview.Read(rows).Missing;
        return missing.FirstOrDefault(static index => index.Problem is not null) is { } unfit
            ? throw new SqlException(unfit.Refusal)
            : [.. missing.Select(static index => (UniqueKeeper.NewId(), index))];
    }

    /// <summary>Makes them on one shard, in the connection's transaction, in place of what an interrupted attempt has left.</summary>
    public static async Task MakeAsync(
        NpgsqlConnection connection, UniqueSupport support, QualifiedName table, IReadOnlyList<(string Id, MissingIndex Index)> indexes, CancellationToken cancel)
    {
        foreach (var left in await IdsAsync(connection, support, table, cancel))
            await CallAsync(connection, $"SELECT {support.Schema}.{UniqueSupport.Prefix}drop($1, $2)", cancel, support.Secret, left);
        foreach (var (id, index) in indexes)
        {
            await CallAsync(
                connection, $"SELECT {support.Schema}.{UniqueSupport.Prefix}create($1, $2, $3, $4, $5)", cancel,
                support.Secret, id, index.Relation, index.Columns.ToArray(), index.Key);
        }
    }

    private static async Task<List<string>> IdsAsync(NpgsqlConnection connection, UniqueSupport support, QualifiedName table, CancellationToken cancel)
    {
        var ids = new List<string>();
        await using var command = new NpgsqlCommand(
            $"""
            SELECT DISTINCT pg_catalog.substr(t.tgname, {UniqueSupport.Prefix.Length + 1}, pg_catalog.length(t.tgname) - {UniqueSupport.Prefix.Length + 2})
            FROM pg_catalog.pg_trigger t
            WHERE t.tgrelid = $1::pg_catalog.regclass AND t.tgfoid = '{support.Schema}.{UniqueSupport.Prefix}report'::pg_catalog.regproc
            """,
            connection);
        command.Parameters.Add(Parameter(SqlText.Identifier(table)));
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
            ids.Add(reader.GetString(0));
        return ids;
    }

    private static async Task CallAsync(NpgsqlConnection connection, string sql, CancellationToken cancel, params object[] arguments)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var argument in arguments)
            command.Parameters.Add(Parameter(argument));
        await command.ExecuteNonQueryAsync(cancel);
    }

    private static NpgsqlParameter Parameter(object value) =>
        new() { Value = value, NpgsqlDbType = value is string ? NpgsqlDbType.Text : NpgsqlDbType.Array | NpgsqlDbType.Text };
}
