using Npgsql;
using ShardProxy.Control.Shards;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Joining;

/// <summary>
/// What all shards of a database have besides tables: roles, schemas, extensions, types, functions and collations, each with what
/// makes it. A shard that joins must have what the others have in common; what only the home shard has is not needed elsewhere.
/// </summary>
internal static class SharedObjects
{
    private const int Named = 5;

    // Objects of extensions come with them. Functions are compared by their text, whose object ids differ.
    private const string Sql = """
        WITH own AS (
            SELECT oid, nspname FROM pg_namespace
            WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'shardproxy')
        ), members AS (
            SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
        )
        SELECT 'role ' || quote_ident(rolname), '' FROM pg_roles WHERE rolname NOT LIKE 'pg\_%'
        UNION ALL SELECT 'schema ' || quote_ident(nspname), '' FROM own
        UNION ALL SELECT 'extension ' || quote_ident(extname), extversion FROM pg_extension
        UNION ALL
        SELECT 'type ' || format_type(t.oid, NULL),
               concat_ws(' ', t.typtype, CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
                         (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
                         (SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
                          FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
        FROM pg_type t JOIN own ON own.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
          AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
        UNION ALL
        SELECT 'function ' || p.oid::regprocedure, concat_ws(' ', pg_get_function_result(p.oid), l.lanname, p.prokind, p.provolatile, p.proisstrict, p.prosecdef, md5(p.prosrc))
        FROM pg_proc p JOIN own ON own.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
        WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid)
        UNION ALL
        SELECT 'collation ' || c.oid::regcollation, concat_ws(' ', c.collprovider, c.collcollate, c.collctype, c.collisdeterministic)
        FROM pg_collation c JOIN own ON own.oid = c.collnamespace
        WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_collation'::regclass AND m.objid = c.oid)
        """;

    /// <exception cref="SqlException">The new shard lacks some, or has them made in another way; all are named, or the first few.</exception>
    public static async Task EnsureAsync(IReadOnlyList<ControlShard> shards, ControlShard joining, CancellationToken cancel)
    {
        var known = await Task.WhenAll(shards.Select(shard => ReadAsync(shard, cancel)));
        var there = await ReadAsync(joining, cancel);
        var missing = new List<string>();
        var other = new List<string>();
        foreach (var (name, definition) in known[0].Where(each => Array.TrueForAll(known, shard => shard.ContainsKey(each.Key))))
        {
            if (!there.TryGetValue(name, out var found))
                missing.Add(name);
            else if (found != definition)
                other.Add(name);
        }
        if (missing.Count == 0 && other.Count == 0)
            return;
        throw new SqlException(new ServerError(
            SqlStates.ObjectNotInPrerequisiteState,
            string.Join("; ", Words($"shard \"{joining.Name}\" lacks what the other shards have", missing).Concat(Words($"shard \"{joining.Name}\" has made differently", other))))
        {
            Hint = $"Restore roles (pg_dumpall --roles-only) and the schema of the home shard there, without its tables: pg_dump --schema-only --exclude-table='*.*' {shards[0].Config.Primary.Database} | psql.",
        });
    }

    private static IEnumerable<string> Words(string what, List<string> names)
    {
        if (names.Count == 0)
            yield break;
        var more = names.Count > Named ? $" and {names.Count - Named} more" : "";
        yield return $"{what}: {string.Join(", ", names.Order(StringComparer.Ordinal).Take(Named))}{more}";
    }

    private static async Task<Dictionary<string, string>> ReadAsync(ControlShard shard, CancellationToken cancel)
    {
        await using var connection = await shard.OpenAsync(cancel);
        try
        {
            await using var command = new NpgsqlCommand(Sql, connection);
            await using var reader = await command.ExecuteReaderAsync(cancel);
            var objects = new Dictionary<string, string>(StringComparer.Ordinal);
            while (await reader.ReadAsync(cancel))
                objects[reader.GetString(0)] = reader.GetString(1);
            return objects;
        }
        catch (NpgsqlException exception)
        {
            throw shard.Explain(exception);
        }
    }
}
