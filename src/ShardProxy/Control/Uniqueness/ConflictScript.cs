using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Control.Uniqueness;

/// <summary>
/// The functions by which ON CONFLICT finds the row in conflict before it stores its own. They are the same for all indexes
/// and are given the index's id; "proposed" are entries that there would be if nothing was in conflict, in base64.
/// </summary>
internal static class ConflictScript
{
    public static string Functions(string schema) => Propose(schema) + ProposeRows(schema) + Look(schema) + Hold(schema) + TryEnter(schema);

    private static string Entries(string schema) => $"format('{schema}.%I', '{UniqueSupport.Prefix}' || id)";

    private static string Columns(string schema, string prefix) =>
        $"(SELECT string_agg('{prefix}u' || n, ', ' ORDER BY n) FROM generate_series(1, (SELECT count(*) - 1 FROM pg_attribute WHERE attrelid = {Entries(schema)}::regclass AND attnum > 0)) AS n)";

    private static string Read(string value, string type) => $"convert_from(decode({value}, 'base64'), getdatabaseencoding())::{type}";

    private static string Write(string value) => $"translate(encode(convert_to({value}, getdatabaseencoding()), 'base64'), chr(10), '')";

    /// <summary>For each entry its hash and its text; NULL where a value is null, for nothing conflicts with that.</summary>
    private static string Propose(string schema) => $"""
        CREATE OR REPLACE FUNCTION {schema}.{UniqueSupport.Prefix}propose(id text, proposed anyarray) RETURNS SETOF text LANGUAGE plpgsql STABLE {UniqueScript.Settings} AS $function$
        DECLARE
            list text := {Columns(schema, "(v).")};
        BEGIN
            RETURN QUERY EXECUTE format($query$
                SELECT CASE WHEN num_nulls(%1$s) = 0 THEN hash_record_extended(ROW(%1$s), {UniqueScript.Seed}) || ' ' || {Write("v::text")} END
                FROM (SELECT o, $1[o] AS v FROM generate_subscripts($1, 1) AS o OFFSET 0) p ORDER BY o $query$, list) USING proposed;
        END $function$;

        """;

    /// <summary>As propose, of an index of expressions, or with a condition: it is given rows of the indexed table, NULL in columns that the index does not use.</summary>
    private static string ProposeRows(string schema) => $"""
        CREATE OR REPLACE FUNCTION {schema}.{UniqueSupport.Prefix}propose_rows(id text, proposed anyarray) RETURNS SETOF text LANGUAGE plpgsql STABLE {UniqueScript.Settings} AS $function$
        DECLARE
            list text;
            condition text;
            key text;
        BEGIN
            SELECT convert_from(decode(a[5], 'hex'), 'UTF8'), convert_from(decode(a[6], 'hex'), 'UTF8'), (SELECT quote_ident(c.attname) FROM pg_attribute c WHERE c.attrelid = s.tgrelid AND c.attnum = a[2]::int2)
            INTO STRICT list, condition, key
            FROM (SELECT t.tgrelid, string_to_array(encode(t.tgargs, 'escape'), '\000') AS a FROM pg_trigger t
                WHERE t.tgname = '{UniqueSupport.Prefix}' || id || '_i' AND t.tgfoid = '{schema}.{UniqueSupport.Prefix}report'::regproc) s;
            RETURN QUERY EXECUTE format($query$
                SELECT CASE WHEN num_nulls(%1$s) = 0%2$s THEN hash_record_extended(ROW(%1$s), {UniqueScript.Seed}) || ' ' || {Write("ROW(%1$s, %3$s)::text")} END
                FROM (SELECT o AS shardproxy_ordinal, ($1[o]).* FROM generate_subscripts($1, 1) AS o OFFSET 0) shardproxy_rows ORDER BY shardproxy_ordinal $query$, list, condition, key) USING proposed;
        END $function$;

        """;

    /// <summary>For each entry the position of the first of those given that has the same values, and the key of the entry that is there.</summary>
    private static string Look(string schema) => $"""
        CREATE OR REPLACE FUNCTION {schema}.{UniqueSupport.Prefix}look(token text, id text, hashes int8[], proposed text[]) RETURNS SETOF text
            LANGUAGE plpgsql STABLE SECURITY DEFINER {UniqueScript.Settings} AS $function$
        DECLARE
            entries text := {Entries(schema)};
            list text := {Columns(schema, "")};
            stored text := {Columns(schema, "e.")};
        BEGIN
            {UniqueScript.CheckToken(schema)}
            RETURN QUERY EXECUTE format($query$
                SELECT first || ' ' || coalesce({Write("there")}, '')
                FROM (SELECT o, min(o) FILTER (WHERE o > 0) OVER same AS first, max(k) FILTER (WHERE o = 0) OVER same AS there
                    FROM (SELECT 0::int8 AS o, %3$s, e.k::text AS k FROM %1$s e WHERE hash_record_extended(ROW(%3$s), {UniqueScript.Seed}) = ANY ($1)
                        UNION ALL SELECT q.o, %4$s, NULL FROM (SELECT o, {Read("p", "%1$s")} AS v FROM unnest($2) WITH ORDINALITY AS g(p, o) OFFSET 0) q) a
                    WINDOW same AS (PARTITION BY %2$s)) w
                WHERE o > 0 ORDER BY o $query$, entries, list, stored, {Columns(schema, "(q.v).")}) USING hashes, proposed;
        END $function$;

        """;

    /// <summary>Locks the rows of the indexed table that have the entries' values, and says of each entry whether there is one.</summary>
    private static string Hold(string schema) => $"""
        CREATE OR REPLACE FUNCTION {schema}.{UniqueSupport.Prefix}hold(token text, id text, proposed text[], strength text) RETURNS SETOF text
            LANGUAGE plpgsql SECURITY DEFINER {UniqueScript.Settings} AS $function$
        DECLARE
            entries text := {Entries(schema)};
            target regclass;
            arguments text[];
            given text[];
            condition text;
            same text;
            one text;
            found_rows int8;
        BEGIN
            {UniqueScript.CheckToken(schema)}
            SELECT t.tgrelid, string_to_array(encode(t.tgargs, 'escape'), '\000') INTO STRICT target, arguments FROM pg_trigger t
            WHERE t.tgname = '{UniqueSupport.Prefix}' || id || '_i' AND t.tgfoid = '{schema}.{UniqueSupport.Prefix}report'::regproc;
            IF cardinality(arguments) > 4 THEN
                SELECT s.given, s.condition INTO given, condition FROM {schema}.{UniqueSupport.Prefix}shape(target, ARRAY['', convert_from(decode(arguments[4], 'hex'), 'UTF8')]) s;
            ELSE
                given := ARRAY(SELECT 'b.' || quote_ident(a.attname) FROM unnest(string_to_array(arguments[3], ' ')::int2[]) WITH ORDINALITY AS c(number, position)
                    JOIN pg_attribute a ON a.attrelid = target AND a.attnum = c.number ORDER BY c.position);
            END IF;
            SELECT string_agg(format('(%s) OPERATOR(%I.%s) (shardproxy_given.shardproxy_values).u%s', given[n], s.nspname, o.oprname, n), ' AND ' ORDER BY n) || coalesce(condition, '') INTO same
            FROM pg_index i
            CROSS JOIN generate_series(1, cardinality(given)) AS n
            JOIN pg_opclass c ON c.oid = i.indclass[n - 1]
            JOIN pg_amop m ON m.amopfamily = c.opcfamily AND m.amoplefttype = c.opcintype AND m.amoprighttype = c.opcintype AND m.amopstrategy = 3
            JOIN pg_operator o ON o.oid = m.amopopr
            JOIN pg_namespace s ON s.oid = o.oprnamespace
            WHERE i.indrelid = entries::regclass AND i.indisprimary;
            FOREACH one IN ARRAY proposed LOOP
                EXECUTE format('SELECT FROM %s b, (SELECT {Read("$1", "%s").Replace("'", "''", StringComparison.Ordinal)} AS shardproxy_values OFFSET 0) shardproxy_given WHERE %s FOR %s OF b',
                    target, entries, same, CASE strength WHEN 'update' THEN 'UPDATE' WHEN 'change' THEN 'NO KEY UPDATE' ELSE 'KEY SHARE' END) USING one;
                GET DIAGNOSTICS found_rows = ROW_COUNT;
                RETURN NEXT CASE WHEN found_rows > 0 THEN 't' ELSE 'f' END;
            END LOOP;
        END $function$;

        """;

    /// <summary>Adds entries; f when the values of one are there by now, and then not all are added.</summary>
    private static string TryEnter(string schema) => $"""
        CREATE OR REPLACE FUNCTION {schema}.{UniqueSupport.Prefix}try_enter(token text, id text, added text[]) RETURNS text
            LANGUAGE plpgsql SECURITY DEFINER {UniqueScript.Settings} AS $function$
        DECLARE
            entries text := {Entries(schema)};
            count int8;
        BEGIN
            {UniqueScript.CheckToken(schema)}
            EXECUTE format('INSERT INTO %1$s SELECT (q.v).* FROM (SELECT {Read("p", "%1$s").Replace("'", "''", StringComparison.Ordinal)} AS v FROM unnest($1) AS p OFFSET 0) q ORDER BY %2$s ON CONFLICT DO NOTHING',
                entries, {Columns(schema, "(q.v).")}) USING added;
            GET DIAGNOSTICS count = ROW_COUNT;
            RETURN CASE WHEN count = cardinality(added) THEN 't' ELSE 'f' END;
        END $function$;

        """;
}
