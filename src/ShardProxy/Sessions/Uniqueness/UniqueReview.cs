using System.Text;
using System.Text.Json;
using ShardProxy.Directory;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Uniqueness;

/// <summary>A unique index without the shard key, for which the shards have no entries yet, or cannot have any.</summary>
/// <param name="Columns">Of an index of expressions, or with a condition, an empty name and its own.</param>
/// <param name="Title">How errors name what is unique.</param>
/// <param name="Width">How many values that is.</param>
/// <param name="Problem">Why it cannot be kept unique over all shards; null when it can.</param>
public sealed record MissingIndex(QualifiedName Table, string Name, string Key, IReadOnlyList<string> Columns, string Title, int Width, string? Problem)
{
    public string Relation => $"{Quote(Table.Schema)}.{Quote(Table.Name)}";

    public ServerError Refusal => new(
        SqlStates.FeatureNotSupported, $"\"{Name}\" of \"{Table.Name}\", which does not contain {Key}, the column by which the table is sharded, cannot hold over all shards: {Problem}")
    {
        Hint = $"Put {Key} into it, or make it a plain unique index.",
        SchemaName = Table.Schema,
        TableName = Table.Name,
        ConstraintName = Name,
    };

    private static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}

/// <summary>
/// Compares the unique indexes of sharded tables, as a shard has them within a transaction, with the entries that are kept for
/// them. Whatever a statement has done to tables, this says what is to be made and dropped beside it.
/// </summary>
/// <param name="Missing">One for each list of columns.</param>
/// <param name="Orphans">Ids of entries whose index is gone.</param>
public sealed record UniqueReview(IReadOnlyList<MissingIndex> Missing, IReadOnlyList<string> Orphans)
{
    public bool IsEmpty => Missing.Count == 0 && Orphans.Count == 0;

    /// <summary>A query of one column, for <see cref="Read"/>. It goes by no search_path, and its text and its result are ASCII.</summary>
    /// <param name="tables">Those that are not sharded are passed over.</param>
    public static string Query(IEnumerable<TableDistribution> tables)
    {
        var list = tables.Where(static table => table.Kind == TableKind.Sharded).ToList();
        return $"""
            WITH declared AS (
                SELECT c.oid, c.relkind, c.relispartition, n.nspname, c.relname, k.attnum AS key, z.attnum AS zone, k.attname AS keyname
                FROM ROWS FROM (
                    pg_catalog.unnest({Array(list.Select(static table => table.Table.Schema))}),
                    pg_catalog.unnest({Array(list.Select(static table => table.Table.Name))}),
                    pg_catalog.unnest({Array(list.Select(static table => table.KeyColumn!))}),
                    pg_catalog.unnest({Array(list.Select(static table => table.PartingColumns.Contains(table.ZoneColumn) ? table.ZoneColumn! : ""))})) AS d(s, t, k, z)
                JOIN pg_catalog.pg_namespace n ON n.nspname = d.s
                JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = d.t
                JOIN pg_catalog.pg_attribute k ON k.attrelid = c.oid AND k.attname = d.k AND NOT k.attisdropped
                LEFT JOIN pg_catalog.pg_attribute z ON z.attrelid = c.oid AND z.attname = d.z AND NOT z.attisdropped),
            indexes AS (
                SELECT i.*, ic.relname, (i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1] AS columns,
                    CASE WHEN i.indpred IS NOT NULL OR i.indexprs IS NOT NULL THEN {IndexMark.Of("i", "ic")} ELSE '' END AS mark,
                    pg_catalog.array_to_string((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1], ' ') AS list
                FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
                WHERE i.indisunique OR i.indisexclusion),
            keys AS (
                SELECT d.*, i.relname AS name, i.list, i.mark, i.indnkeyatts AS width,
                    (SELECT pg_catalog.string_agg(pg_catalog.pg_get_indexdef(i.indexrelid, g.n, true), ', ' ORDER BY g.n) FROM pg_catalog.generate_series(1, i.indnkeyatts) AS g(n)) AS title,
                    CASE WHEN i.mark <> '' THEN pg_catalog.json_build_array('', i.relname) ELSE (SELECT pg_catalog.json_agg(a.attname ORDER BY u.o) FROM pg_catalog.unnest(i.columns) WITH ORDINALITY AS u(n, o)
                     JOIN pg_catalog.pg_attribute a ON a.attrelid = d.oid AND a.attnum = u.n) END AS names,
                    CASE
                        WHEN d.relkind = 'p' OR d.relispartition OR EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = d.oid) THEN 'the table has partitions or children'
                        WHEN NOT i.indisunique THEN 'it is an exclusion constraint'
                        WHEN i.mark <> '' AND EXISTS (
                            SELECT FROM pg_catalog.pg_depend p WHERE p.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND p.objid = i.indexrelid
                                AND p.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass))
                            THEN 'it uses functions or operators that are not PostgreSQL''s own'
                        WHEN i.indexprs IS NOT NULL AND pg_catalog.pg_get_indexdef(i.indexrelid) LIKE '% COLLATE %' THEN 'it has a collation of its own'
                        WHEN NOT i.indimmediate THEN 'it is deferrable'
                        WHEN NOT i.indisvalid THEN 'it is not valid'
                        WHEN COALESCE((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::pg_catalog.bool, false) THEN 'its nulls are not distinct'
                        WHEN EXISTS (
                            SELECT FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) AS g(n)
                            LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.oid AND a.attnum = i.indkey[g.n] AND a.attnum > 0
                            JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[g.n]
                            WHERE NOT o.opcdefault OR a.attcollation <> i.indcollation[g.n]) THEN 'it has an operator class or collation of its own'
                    END AS problem
                FROM declared d JOIN indexes i ON i.indrelid = d.oid
                WHERE d.key <> ALL (i.columns) OR d.zone <> ALL (i.columns)),
            triggers AS (
                SELECT t.tgrelid, pg_catalog.split_part(pg_catalog.encode(t.tgargs, 'escape'), pg_catalog.chr(92) || '000', 1) AS id,
                    pg_catalog.split_part(pg_catalog.encode(t.tgargs, 'escape'), pg_catalog.chr(92) || '000', 3) AS list,
                    pg_catalog.split_part(pg_catalog.encode(t.tgargs, 'escape'), pg_catalog.chr(92) || '000', 9) AS mark
                FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                WHERE p.proname = '{UniqueSupport.Prefix}report' AND n.nspname IN ('information_schema', 'shardproxy') AND t.tgtype & 4 <> 0),
            result AS (
                SELECT pg_catalog.json_build_array(k.nspname, k.relname, k.name, k.keyname, k.problem, k.names, k.title, k.width)::pg_catalog.text AS line
                FROM keys k WHERE k.problem IS NOT NULL OR NOT EXISTS (SELECT FROM triggers t WHERE t.tgrelid = k.oid AND t.mark = k.mark AND (k.mark <> '' OR t.list = k.list))
                UNION ALL
                SELECT pg_catalog.json_build_array(t.id)::pg_catalog.text
                FROM triggers t WHERE NOT EXISTS (SELECT FROM indexes i WHERE i.indrelid = t.tgrelid AND i.indisunique AND i.mark = t.mark AND (i.mark <> '' OR i.list = t.list))
                UNION ALL
                SELECT pg_catalog.json_build_array(pg_catalog.substr(c.relname, {UniqueSupport.Prefix.Length + 1}))::pg_catalog.text
                FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname IN ('information_schema', 'shardproxy') AND c.relkind = 'r' AND pg_catalog.left(c.relname, {UniqueSupport.Prefix.Length}) = '{UniqueSupport.Prefix}'
                  AND NOT EXISTS (SELECT FROM triggers t WHERE t.id = pg_catalog.substr(c.relname, {UniqueSupport.Prefix.Length + 1})))
            SELECT pg_catalog.encode(pg_catalog.convert_to(line, 'UTF8'), 'hex') FROM result
            """;
    }

    public static UniqueReview Read(IEnumerable<string> rows)
    {
        var missing = new List<MissingIndex>();
        var orphans = new List<string>();
        foreach (var row in rows)
        {
            using var document = JsonDocument.Parse(Convert.FromHexString(row));
            var line = document.RootElement;
            if (line.GetArrayLength() == 1)
            {
                orphans.Add(line[0].GetString()!);
                continue;
            }
            var columns = line[5].ValueKind == JsonValueKind.Array ? line[5].EnumerateArray().Select(static name => name.GetString()!).ToList() : [];
            var index = new MissingIndex(new QualifiedName(line[0].GetString()!, line[1].GetString()!), line[2].GetString()!, line[3].GetString()!, columns, line[6].GetString()!, line[7].GetInt32(), line[4].GetString());
            if (!missing.Exists(known => known.Problem == index.Problem && known.Table == index.Table && known.Columns.SequenceEqual(columns)))
                missing.Add(index);
        }
        return new UniqueReview(missing, orphans);
    }

    private static string Array(IEnumerable<string> elements) =>
        $"pg_catalog.convert_from(pg_catalog.decode('{Convert.ToHexStringLower(Encoding.UTF8.GetBytes(UniqueCall.QuotedArray(elements)))}', 'hex'), 'UTF8')::pg_catalog.text[]";
}
