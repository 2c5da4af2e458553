using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Control.Loading;

/// <summary>
/// What is asked of pg_catalog, in the terms of PostgreSQL 14 to 18. The queries run with search_path pg_catalog, so
/// that definitions come with every other name qualified. Names that begin with pg_ are reserved to the system.
/// </summary>
internal static class CatalogQueries
{
    private const string UserSchema = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

    // Text is ordered by its bytes under the C library's collations "C", "POSIX" and C.UTF-8.
    internal const string DefaultOrdersByBytes = """
        (SELECT d.datcollate IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8') AND coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') = 'c'
         FROM pg_database d WHERE d.datname = current_database())
        """;

    private const string UserTrigger = $"NOT t.tgisinternal AND t.tgname NOT LIKE '{UniqueSupport.Prefix}%'";

    public const string Schemas = $"SELECT n.nspname FROM pg_namespace n WHERE {UserSchema} ORDER BY n.oid";

    public const string Relations = $"""
        SELECT c.oid, n.nspname, c.relname, c.relkind::text,
               CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
               c.relrowsecurity
                 OR (c.relhastriggers AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND {UserTrigger}))
                 OR (c.relhasrules AND EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')),
               pn.nspname, pc.relname, tn.nspname, tc.relname,
               (c.relhastriggers AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND {UserTrigger} AND t.tgtype & 1 = 0))
                 OR (c.relhasrules AND EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')),
               c.relrowsecurity,
               CASE WHEN c.relhastriggers THEN
                   (SELECT string_agg(CASE WHEN l.lanname = 'plpgsql' THEN encode(convert_to(p.prosrc, 'UTF8'), 'hex') ELSE '' END, ',' ORDER BY t.tgname)
                    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_language l ON l.oid = p.prolang
                    WHERE t.tgrelid = c.oid AND {UserTrigger} AND t.tgtype & 7 = 7)
               END
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhseqno = 1
        LEFT JOIN pg_class pc ON pc.oid = i.inhparent
        LEFT JOIN pg_namespace pn ON pn.oid = pc.relnamespace
        LEFT JOIN pg_index x ON x.indexrelid = c.oid
        LEFT JOIN pg_depend d ON c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
                             AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
        LEFT JOIN pg_class tc ON tc.oid = coalesce(x.indrelid, d.refobjid)
        LEFT JOIN pg_namespace tn ON tn.oid = tc.relnamespace
        WHERE {UserSchema} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c', 'i', 'I')
        ORDER BY c.oid
        """;

    // A default that is nothing but nextval('…'::regclass), as serial columns have it.
    private const string PlainNextValue = @"'^nextval\(''[^'']+''::regclass\)$'";

    // Collations 950 and 951 are "C" and "POSIX", 100 is the database's own (pg_collation.dat).
    public const string Columns = $"""
        SELECT a.attrelid, a.attname, a.attnum, a.atttypid, a.atttypmod, a.attnotnull,
               a.atthasdef OR a.attidentity <> '', a.attgenerated <> '', a.attidentity <> '',
               coalesce(co.collisdeterministic, true),
               CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
               a.attcollation IN (0, 950, 951) OR (a.attcollation = 100 AND {DefaultOrdersByBytes}),
               a.attidentity = 'a',
               CASE WHEN a.attidentity <> '' THEN
                        (SELECT s.oid FROM pg_depend e JOIN pg_class s ON s.oid = e.objid AND s.relkind = 'S'
                         WHERE e.classid = 'pg_class'::regclass AND e.refclassid = 'pg_class'::regclass AND e.refobjid = a.attrelid
                           AND e.refobjsubid = a.attnum AND e.deptype = 'i')
                    WHEN pg_get_expr(d.adbin, d.adrelid) ~ {PlainNextValue} THEN
                        (SELECT max(s.oid) FROM pg_depend e JOIN pg_class s ON s.oid = e.refobjid AND s.relkind = 'S'
                         WHERE e.classid = 'pg_attrdef'::regclass AND e.objid = d.oid AND e.refclassid = 'pg_class'::regclass)
               END,
               t.typsend <> 0 AND t.typreceive <> 0 AND coalesce(el.typsend <> 0 AND el.typreceive <> 0, true),
               a.attcollation NOT IN (0, 100)
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_type el ON el.oid = t.typelem AND t.typcategory = 'A'
        LEFT JOIN pg_collation co ON co.oid = a.attcollation
        LEFT JOIN pg_attrdef d ON a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE {UserSchema} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attrelid, a.attnum
        """;

    public const string Domains = "SELECT oid, typbasetype, typtypmod, typnotnull FROM pg_type WHERE typtype = 'd' ORDER BY oid";

    // Volatility: 'i' < 's' < 'v', so the greatest is the most cautious; an aggregate is as volatile as what it calls.
    public const string Functions = $"""
        SELECT n.nspname, p.proname,
               greatest(p.provolatile::text, tf.provolatile::text, ff.provolatile::text), l.lanname,
               CASE WHEN l.lanname NOT IN ('c', 'internal') THEN coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) END,
               k.n, p.proargtypes[k.n - 1], k.name, c.relation
        FROM pg_proc p
        LEFT JOIN LATERAL (
            SELECT max(substr(s, 16)) FILTER (WHERE s LIKE 'shardproxy.key=%') AS argument,
                   max(substr(s, 26)) FILTER (WHERE s LIKE 'shardproxy.colocate\_with=%') AS relation
            FROM unnest(p.proconfig) AS s) c ON true
        LEFT JOIN LATERAL (
            SELECT a.n::int4 AS n, a.name
            FROM (SELECT row_number() OVER (ORDER BY i.o) AS n, nullif(p.proargnames[i.o], '') AS name
                  FROM generate_series(1, greatest(cardinality(p.proargmodes), p.pronargs)) AS i(o)
                  WHERE p.proargmodes IS NULL OR p.proargmodes[i.o] IN ('i', 'b', 'v')) a
            WHERE a.name = c.argument OR c.argument = '$' || a.n
            ORDER BY 1 LIMIT 1) k ON true
        JOIN pg_namespace n ON n.oid = p.pronamespace
        JOIN pg_language l ON l.oid = p.prolang
        LEFT JOIN pg_aggregate ag ON ag.aggfnoid = p.oid
        LEFT JOIN pg_proc tf ON tf.oid = ag.aggtransfn
        LEFT JOIN pg_proc ff ON ff.oid = ag.aggfinalfn
        WHERE {UserSchema}
        ORDER BY p.oid
        """;

    /// <summary>Columns that two rows must share to be in conflict; 0 stands for an expression.</summary>
    public const string UniqueKeys = $"""
        SELECT i.indrelid, ic.relname, (i.indkey::int2[])[0:i.indnkeyatts - 1], i.indisprimary
        FROM pg_index i
        JOIN pg_class ic ON ic.oid = i.indexrelid
        JOIN pg_namespace n ON n.oid = ic.relnamespace
        WHERE {UserSchema} AND i.indisunique
        UNION ALL
        SELECT x.conrelid, x.conname,
               ARRAY(SELECT k.attnum FROM unnest(x.conkey, x.conexclop) AS k(attnum, opr) JOIN pg_operator o ON o.oid = k.opr WHERE o.oprname = '='),
               false
        FROM pg_constraint x
        JOIN pg_namespace n ON n.oid = x.connamespace
        WHERE {UserSchema} AND x.contype = 'x'
        ORDER BY 1, 2
        """;

    /// <summary>Triggers that report the entries of a global index, by the one for INSERT: the table, the trigger's arguments with \000 behind each, and whether it counts as the system's.</summary>
    public const string GlobalIndexes = $"""
        SELECT t.tgrelid, encode(t.tgargs, 'escape'), t.tgisinternal
        FROM pg_trigger t
        JOIN pg_proc p ON p.oid = t.tgfoid
        JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE p.proname = '{UniqueSupport.Prefix}report' AND n.nspname IN ('information_schema', 'shardproxy') AND t.tgtype & 4 <> 0 AND t.tgenabled = 'A'
        ORDER BY t.tgrelid, t.tgname
        """;

    public const string ForeignKeys = $"""
        SELECT f.conrelid, f.confrelid, f.conname, f.conkey, f.confkey, f.confdeltype IN ('c', 'n', 'd') OR f.confupdtype IN ('c', 'n', 'd')
        FROM pg_constraint f
        JOIN pg_namespace n ON n.oid = f.connamespace
        WHERE {UserSchema} AND f.contype = 'f' AND f.conparentid = 0
        ORDER BY f.oid
        """;

    /// <summary>The database's stamp as it stands now, not as it stood when the session began; NULL without one.</summary>
    public const string StampSetting = """
        SELECT (SELECT substr(s, 18) FROM pg_db_role_setting d, unnest(d.setconfig) AS s
                WHERE d.setrole = 0 AND d.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND s LIKE 'shardproxy.stamp=%')
        """;

    /// <summary>User types that are not arrays; arrays and multiranges are found by the type that they belong to, since their own names are made up.</summary>
    public const string Types = """
        SELECT t.oid, n.nspname, t.typname, t.typarray, r.rngmultitypid, m.typarray, t.typtype::text, coalesce(r.rngsubtype, t.typbasetype)
        FROM pg_type t
        JOIN pg_namespace n ON n.oid = t.typnamespace
        LEFT JOIN pg_range r ON r.rngtypid = t.oid
        LEFT JOIN pg_type m ON m.oid = r.rngmultitypid
        WHERE t.oid >= 16384 AND t.typtype <> 'm' AND n.nspname !~ '^pg_(temp|toast)'
          AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid)
        ORDER BY t.oid
        """;

    public const string RelationIds = $"""
        SELECT c.oid, n.nspname, c.relname
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {UserSchema} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
        ORDER BY c.oid
        """;

    /// <summary>$1, $2: schemas and names of tables. One row for each that exists, with its columns in one comparable text.</summary>
    public const string TableShapes = """
        SELECT n.nspname, c.relname,
               coalesce(string_agg(
                   quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
                   || CASE WHEN a.attcollation NOT IN (0, t.typcollation) THEN ' COLLATE ' || quote_ident(co.collname) ELSE '' END
                   || CASE WHEN co.collisdeterministic THEN '' WHEN co.oid IS NULL THEN '' ELSE ' (nondeterministic)' END
                   || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END, ', ' ORDER BY a.attnum), '')
        FROM unnest($1, $2) AS d(schema_name, table_name)
        JOIN pg_namespace n ON n.nspname = d.schema_name
        JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = d.table_name AND c.relkind IN ('r', 'p')
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_collation co ON co.oid = a.attcollation
        GROUP BY n.nspname, c.relname
        ORDER BY n.nspname, c.relname
        """;
}
