using Npgsql;
using ShardProxy.Catalog;

namespace ShardProxy.Control.Loading;

/// <summary>Reads <see cref="ShardNature"/>: two queries of a load, on every shard.</summary>
internal static class ShardNatureReader
{
    // pg_database has the columns of providers in PostgreSQL 15, and another name for one of them in 17.
    private const string Database = $"""
        SELECT current_setting('server_version_num')::int4, pg_encoding_to_char(d.encoding),
               concat_ws(' ', CASE to_jsonb(d) ->> 'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
                         coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'), d.datcollate, nullif(d.datctype, d.datcollate),
                         'version ' || (to_jsonb(d) ->> 'datcollversion')),
               {CatalogQueries.DefaultOrdersByBytes}
        FROM pg_database d WHERE d.datname = current_database()
        """;

    // What a default of the server, the database or the role may be, and no client need have set.
    private const string Settings = """
        SELECT lower(name), setting FROM pg_settings
        WHERE lower(name) IN ('timezone', 'timezone_abbreviations', 'datestyle', 'intervalstyle', 'default_text_search_config', 'lc_monetary', 'lc_numeric',
                              'lc_time', 'bytea_output', 'extra_float_digits', 'xmlbinary', 'xmloption', 'array_nulls', 'transform_null_equals',
                              'standard_conforming_strings', 'integer_datetimes')
        ORDER BY 1
        """;

    public static void AddTo(NpgsqlBatch batch)
    {
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Database));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Settings));
    }

    /// <summary>The rows stand on the first of the two results, and on the second afterwards.</summary>
    public static async Task<ShardNature> ReadAsync(CatalogRows rows, CancellationToken cancel)
    {
        await rows.ReadAsync(cancel);
        var (version, encoding, collation, ordersByBytes) = (rows.Int(0), rows.Text(1), rows.Text(2), rows.Bool(3));
        await rows.NextAsync(cancel);
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await rows.ReadAsync(cancel))
            settings.Add(rows.Text(0), rows.Text(1));
        return new ShardNature(version, encoding, collation, ordersByBytes, settings);
    }
}
