using Npgsql;
using NpgsqlTypes;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Control.Uniqueness;

/// <summary>Global indexes of a table that has no rows yet: it is being distributed, or its shard is about to join.</summary>
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

    /// <summary>The global indexes that a table has, as one of its shards tells them: under the same ids they are made on another.</summary>
    public static async Task<IReadOnlyList<(string Id, MissingIndex Index)>> ReadAsync(NpgsqlConnection connection, QualifiedName table, CancellationToken cancel)
    {
        var indexes = new List<(string, MissingIndex)>();
        await using var command = new NpgsqlCommand(
            $"""
            SELECT a.args[1], k.attname::text, CASE WHEN cardinality(a.args) > 4 THEN ARRAY['', convert_from(decode(a.args[4], 'hex'), 'UTF8')] ELSE (
                SELECT array_agg(c.attname::text ORDER BY u.o) FROM unnest(string_to_array(a.args[3], ' ')::int2[]) WITH ORDINALITY AS u(n, o)
                JOIN pg_attribute c ON c.attrelid = t.tgrelid AND c.attnum = u.n) END
            FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
            CROSS JOIN LATERAL (SELECT string_to_array(encode(t.tgargs, 'escape'), '\000') AS args) a
            JOIN pg_attribute k ON k.attrelid = t.tgrelid AND k.attnum = a.args[2]::int2
            WHERE t.tgrelid = $1::regclass AND p.proname = '{UniqueSupport.Prefix}report' AND n.nspname IN ('{ProxySchema.System}', '{ProxySchema.Own}') AND t.tgtype & 4 <> 0
            ORDER BY 1
            """,
            connection);
        command.Parameters.Add(Parameter(SqlText.Identifier(table)));
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
        {
            var columns = await reader.GetFieldValueAsync<string[]>(2, cancel);
            indexes.Add((reader.GetString(0), new MissingIndex(table, reader.GetString(0), reader.GetString(1), columns, string.Join(", ", columns), columns.Length, Problem: null)));
        }
        return indexes;
    }

    /// <summary>Makes them on one shard, in the connection's transaction, in place of what an interrupted attempt has left.</summary>
    public static async Task MakeAsync(
        NpgsqlConnection connection, UniqueSupport support, QualifiedName table, IReadOnlyList<(string Id, MissingIndex Index)> indexes, CancellationToken cancel)
    {
        var left = await IdsAsync(connection, support, table, cancel);
        foreach (var id in left.Union(indexes.Select(static index => index.Id), StringComparer.Ordinal))
            await CallAsync(connection, $"SELECT {support.Schema}.{UniqueSupport.Prefix}drop($1, $2)", cancel, support.Secret, id);
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
