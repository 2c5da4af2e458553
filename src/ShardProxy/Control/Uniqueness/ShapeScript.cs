using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Control.Uniqueness;

/// <summary>
/// The function that says what an index makes unique. It is told the names of the columns; of an index of expressions, or with a
/// condition, an empty name and the index's own. Then the triggers need further arguments: the index's name, the expressions, the
/// condition, how an error names them (all in hex), how many they are, and the <see cref="IndexMark"/>.
/// </summary>
internal static class ShapeScript
{
    public static string Functions(string schema) => $"""
        CREATE OR REPLACE FUNCTION {schema}.{UniqueSupport.Prefix}shape(target regclass, columns text[], OUT given text[], OUT condition text, OUT numbers text, OUT further text[])
            LANGUAGE plpgsql STABLE {UniqueScript.Settings} AS $function$
        DECLARE
            i pg_index;
            title text;
            mark text;
        BEGIN
            condition := '';
            IF columns[1] <> '' THEN
                given := ARRAY(SELECT quote_ident(c.name) FROM unnest(columns) WITH ORDINALITY AS c(name, position) ORDER BY c.position);
                numbers := (SELECT string_agg(a.attnum::text, ' ' ORDER BY c.position) FROM unnest(columns) WITH ORDINALITY AS c(name, position)
                    JOIN pg_attribute a ON a.attrelid = target AND a.attname = c.name);
                RETURN;
            END IF;
            SELECT x.* INTO STRICT i FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid WHERE x.indrelid = target AND c.relname = columns[2];
            given := ARRAY(SELECT pg_get_indexdef(i.indexrelid, n, false) FROM generate_series(1, i.indnkeyatts) AS n ORDER BY n);
            condition := coalesce(' AND (' || pg_get_expr(i.indpred, i.indrelid) || ')', '');
            title := (SELECT string_agg(pg_get_indexdef(i.indexrelid, n, true), ', ' ORDER BY n) FROM generate_series(1, i.indnkeyatts) AS n);
            SELECT coalesce(string_agg(a.attnum::text, ' ' ORDER BY a.attnum), '') INTO numbers FROM pg_attribute a WHERE {IndexMark.Uses("i", "a")};
            SELECT {IndexMark.Of("i", "c")} INTO mark FROM pg_class c WHERE c.oid = i.indexrelid;
            further := ARRAY(SELECT encode(convert_to(v, 'UTF8'), 'hex') FROM unnest(ARRAY[columns[2], array_to_string(given, ', '), condition, title]) WITH ORDINALITY AS t(v, o) ORDER BY o)
                || ARRAY[i.indnkeyatts::text, mark];
        END $function$;

        """;
}
