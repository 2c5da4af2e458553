using System.Collections.Frozen;
using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Control.Loading;
using ShardProxy.Control.Shards;
using ShardProxy.Sessions;

namespace ShardProxy.Control.Gathering;

/// <summary>One look at a gather server: whether a statement means there what it means at home.</summary>
internal static class ServerLook
{
    // Stable by pg_proc, because of settings that are sent along, or of types whose own functions are. The clock is one of them.
    private static readonly string[] StableFunctions =
    [
        "now", "transaction_timestamp", "statement_timestamp", "to_char", "to_date", "to_timestamp", "to_number", "date_trunc", "date_part", "extract",
        "timezone", "date_bin", "overlaps", "age", "make_timestamptz", "generate_series", "date", "time", "timetz", "timestamp", "timestamptz", "interval",
        "money", "numeric", "text", "concat", "concat_ws", "format", "quote_literal", "quote_nullable", "array_to_string", "to_json", "to_jsonb",
        "row_to_json", "array_to_json", "json_build_object", "json_build_array", "jsonb_build_object", "jsonb_build_array", "json_agg", "jsonb_agg",
        "json_object_agg", "jsonb_object_agg", "json_to_record", "json_to_recordset", "jsonb_to_record", "jsonb_to_recordset",
        "jsonb_path_exists_tz", "jsonb_path_match_tz", "jsonb_path_query_tz", "jsonb_path_query_array_tz", "jsonb_path_query_first_tz",
    ];

    // Immutable by pg_proc, and yet they look at objects of the server's by their ids.
    private static readonly string[] LooksAtServer = ["ts_lexize", "ts_parse", "ts_token_type", "satisfies_hash_partition"];

    private const string Functions = """
        SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.oid < 16384
        GROUP BY p.proname HAVING bool_and(p.provolatile = 'i') AND NOT p.proname = ANY ($1)
        """;

    private const string Ability = "SELECT pg_is_in_recovery(), has_database_privilege(current_database(), 'TEMP')";

    /// <exception cref="SqlException">One of the two cannot be asked.</exception>
    public static async Task<GatherServerState> AtAsync(ControlShard server, ControlShard home, CancellationToken cancel)
    {
        var wanted = await NatureAsync(home, cancel);
        await using var connection = await server.OpenAsync(cancel);
        try
        {
            await using var stamps = new NpgsqlCommand(CatalogQueries.StampSetting, connection);
            if (await stamps.ExecuteScalarAsync(cancel) is string { Length: > 0 } stamp)
                return GatherServerState.Not(Stamp.TryParse(stamp, out var other) ? $"it is shard \"{other.Shard}\" of database \"{other.Database}\" in cluster {other.Cluster}" : $"it carries the stamp \"{stamp}\" of a shard");
            if (Difference(await NatureAsync(connection, cancel), wanted) is { } difference)
                return GatherServerState.Not(difference);
            await using (var ability = new NpgsqlCommand(Ability, connection))
            await using (var reader = await ability.ExecuteReaderAsync(cancel))
            {
                await reader.ReadAsync(cancel);
                if (reader.GetBoolean(0))
                    return GatherServerState.Not("it is a standby, on which there are no temporary tables");
                if (!reader.GetBoolean(1))
                    return GatherServerState.Not($"its user \"{server.Config.Primary.User}\" may not make temporary tables");
            }
            if (await UnknownSettingAsync(connection, wanted, cancel) is { } unknown)
                return GatherServerState.Not(unknown);
            return new GatherServerState(null, await FunctionsAsync(connection, cancel));
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException)
        {
            throw server.Explain(exception);
        }
    }

    // The settings are the session's own, which go along with each statement.
    private static string? Difference(ShardNature found, ShardNature home)
    {
        if (found.IsOtherMajor(home))
            return $"its PostgreSQL is {found.ServerVersion}, the home shard's {home.ServerVersion}: another major version";
        if (found.Encoding != home.Encoding)
            return $"its encoding is {found.Encoding}, the home shard's {home.Encoding}";
        return found.Collation != home.Collation ? $"its database's collation is {found.Collation}, the home shard's {home.Collation}" : null;
    }

    // Locales and time zones are the machine's.
    private static async Task<string?> UnknownSettingAsync(NpgsqlConnection connection, ShardNature home, CancellationToken cancel)
    {
        foreach (var (name, value) in home.Settings.Where(static setting => setting.Key.StartsWith("lc_", StringComparison.Ordinal) || setting.Key.StartsWith("timezone", StringComparison.Ordinal)))
        {
            try
            {
                await using var command = new NpgsqlCommand("SELECT set_config($1, $2, true)", connection)
                {
                    Parameters = { new NpgsqlParameter<string> { TypedValue = name }, new NpgsqlParameter<string> { TypedValue = value } },
                };
                await command.ExecuteNonQueryAsync(cancel);
            }
            catch (PostgresException exception)
            {
                return $"{name} cannot be {value} there, as it is on the home shard: {exception.MessageText}";
            }
        }
        return null;
    }

    private static async Task<ShardNature> NatureAsync(ControlShard shard, CancellationToken cancel)
    {
        await using var connection = await shard.OpenAsync(cancel);
        try
        {
            return await NatureAsync(connection, cancel);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException)
        {
            throw shard.Explain(exception);
        }
    }

    private static async Task<ShardNature> NatureAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(connection);
        ShardNatureReader.AddTo(batch);
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        using var fingerprint = new Fingerprint();
        return await ShardNatureReader.ReadAsync(new CatalogRows(reader, fingerprint), cancel);
    }

    private static async Task<FrozenSet<string>> FunctionsAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var names = new HashSet<string>(StableFunctions, StringComparer.Ordinal);
        await using var command = new NpgsqlCommand(Functions, connection) { Parameters = { new NpgsqlParameter<string[]> { TypedValue = LooksAtServer } } };
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
            names.Add(reader.GetString(0));
        return names.ToFrozenSet(StringComparer.Ordinal);
    }
}
