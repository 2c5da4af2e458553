using System.Security.Cryptography;
using System.Text;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Control.Uniqueness;

/// <summary>
/// The functions that a shard needs for global indexes. All run with the rights of the proxy's user and take the shard's
/// secret: nobody else can change entries. An index is a table of entries (the unique values u1, u2 …, and k, the key of the
/// row that has them), a function that changes them, and triggers on the indexed table that report what came and went.
/// </summary>
internal static class UniqueScript
{
    // Values go from shard to shard as text, which must be read as it was written, whatever the session has set.
    public const string Settings =
        "SET search_path = pg_catalog, pg_temp SET \"DateStyle\" = 'ISO, YMD' SET \"IntervalStyle\" = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'";

    /// <summary>HASH_PARTITION_SEED of partbounds.c, so that a value's hash is the one by which keys are placed.</summary>
    public const string Seed = "8816678312871386365";

    // A dump by a user that cannot hide the triggers holds them; restored into a database that is no shard they do nothing.
    private const string IsElsewhere = """
        NOT EXISTS (SELECT FROM pg_db_role_setting d, unnest(d.setconfig) AS s
                WHERE d.setrole = 0 AND d.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s LIKE 'shardproxy.stamp=%')
        """;

    private const int RowsOfMessage = 1000;

    public const string SecretTable = "shardproxy_secret";

    /// <summary>Stands as the comment of the secret's table, so that it is known which functions a shard has.</summary>
    public static string Version { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Functions("s"))))[..16];

    public static string Table(string schema, string secret) => $"""
        CREATE TABLE IF NOT EXISTS {schema}.{SecretTable} (secret text NOT NULL);
        REVOKE ALL ON {schema}.{SecretTable} FROM PUBLIC;
        INSERT INTO {schema}.{SecretTable} SELECT '{secret}' WHERE NOT EXISTS (SELECT FROM {schema}.{SecretTable});
        COMMENT ON TABLE {schema}.{SecretTable} IS '{Version}';
        """;

    public static string Functions(string schema) => ShapeScript.Functions(schema) + Report(schema) + Fill(schema) + Create(schema) + Drop(schema) + ConflictScript.Functions(schema);

    public static string CheckToken(string schema) => $"""
        IF token IS DISTINCT FROM (SELECT secret FROM {schema}.{SecretTable}) THEN
                RAISE insufficient_privilege USING MESSAGE = 'permission denied: entries of global indexes are changed by ShardProxy only';
            END IF;
        """;

    /// <summary>Sends the rows (o, h, p) of a query, o saying whether the entry is to be Added or Removed, h its hash, p its text.</summary>
    /// <param name="leave">The statement that leaves the function.</param>
    private static string Send(string schema, string id, string leave) => $"""
        FOR chunk IN EXECUTE 'SELECT string_agg(o || '' '' || h || '' '' || translate(encode(convert_to(p, getdatabaseencoding()), ''base64''), chr(10), ''''), chr(10)) '
                || 'FROM (SELECT o, h, p, (row_number() OVER () - 1) / {RowsOfMessage} AS c FROM (' || rows || ') r) s GROUP BY c'
            LOOP
                IF nonce = '' AND {IsElsewhere} THEN
                    {leave};
                ELSIF nonce = '' THEN
                    RAISE feature_not_supported USING
                        MESSAGE = format('the statement changes "%s", some columns of which are unique over all shards, in a way that ShardProxy does not see', relation),
                        HINT = 'Write to the table by INSERT, UPDATE, DELETE or COPY through ShardProxy, in a transaction that began when the unique index was there.';
                END IF;
                RAISE INFO USING ERRCODE = '{UniqueSupport.ReportState}', MESSAGE = {id} || chr(10) || chunk,
                    DETAIL = encode(sha256(convert_to((SELECT secret FROM {schema}.{SecretTable}) || nonce || {id} || chunk, 'UTF8')), 'hex');
            END LOOP;
        """;

    /// <summary>
    /// The triggers' function: arguments are the index's id and the attnums of the key and of the columns, and further ones for an
    /// index of expressions or with a condition (see <see cref="ShapeScript"/>). Nobody else may make
    /// a trigger of it, which would report in the name of an index that is not its table's.
    /// </summary>
    private static string Report(string schema) => $"""
        CREATE OR REPLACE FUNCTION {schema}.{UniqueSupport.Prefix}report() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {Settings} AS $function$
        DECLARE
            nonce text := coalesce(current_setting('{UniqueSupport.Setting}', true), '');
            relation text := TG_TABLE_NAME;
            columns text;
            condition text := '';
            head text;
            tail text;
            rows text;
            chunk text;
        BEGIN
            -- Rows that go to another shard keep their entries.
            IF nonce = 'moving' AND session_user = current_user THEN
                RETURN NULL;
            END IF;
            IF TG_OP = 'TRUNCATE' THEN
                IF nonce = '' AND NOT {IsElsewhere} THEN
                    RAISE feature_not_supported USING MESSAGE = format('"%s" has columns that are unique over all shards and can be emptied through ShardProxy only', relation);
                END IF;
                EXECUTE format('TRUNCATE {schema}.%I', '{UniqueSupport.Prefix}' || TG_ARGV[0]);
                RETURN NULL;
            END IF;
            IF TG_NARGS > 3 THEN
                columns := convert_from(decode(TG_ARGV[4], 'hex'), 'UTF8');
                condition := convert_from(decode(TG_ARGV[5], 'hex'), 'UTF8');
            ELSE
                SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY c.position) INTO columns
                FROM unnest(string_to_array(TG_ARGV[2], ' ')::int2[]) WITH ORDINALITY AS c(number, position)
                JOIN pg_attribute a ON a.attrelid = TG_RELID AND a.attnum = c.number;
            END IF;
            SELECT format('SELECT hash_record_extended(ROW(%1$s), {Seed}) AS h, ROW(%1$s, %2$I)::text AS p FROM ', columns, a.attname), format(' WHERE num_nulls(%s) = 0%s', columns, condition)
            INTO head, tail FROM pg_attribute a WHERE a.attrelid = TG_RELID AND a.attnum = TG_ARGV[1]::int2;
            IF TG_OP = 'INSERT' THEN
                rows := 'SELECT ''A'' AS o, h, p FROM (' || head || 'shardproxy_new' || tail || ') n';
            ELSIF TG_OP = 'DELETE' THEN
                rows := 'SELECT ''R'' AS o, h, p FROM (' || head || 'shardproxy_old' || tail || ') n';
            ELSE
                rows := 'SELECT ''R'' AS o, h, p FROM (' || head || 'shardproxy_old' || tail || ' EXCEPT ALL ' || head || 'shardproxy_new' || tail || ') r UNION ALL '
                    || 'SELECT ''A'', h, p FROM (' || head || 'shardproxy_new' || tail || ' EXCEPT ALL ' || head || 'shardproxy_old' || tail || ') a';
            END IF;
            {Send(schema, "TG_ARGV[0]", "RETURN NULL")}
            RETURN NULL;
        END $function$;
        REVOKE ALL ON FUNCTION {schema}.{UniqueSupport.Prefix}report() FROM PUBLIC;

        """;

    /// <summary>Reports all rows of a table, as if they had just been inserted.</summary>
    private static string Fill(string schema) => $"""
        CREATE OR REPLACE FUNCTION {schema}.{UniqueSupport.Prefix}fill(token text, id text, relation text, columns text[], key text) RETURNS void
            LANGUAGE plpgsql SECURITY DEFINER {Settings} SET row_security = off AS $function$
        DECLARE
            nonce text := coalesce(current_setting('{UniqueSupport.Setting}', true), '');
            rows text := (SELECT format('SELECT ''A'' AS o, hash_record_extended(ROW(%1$s), {Seed}) AS h, ROW(%1$s, %2$I)::text AS p FROM %3$s WHERE num_nulls(%1$s) = 0%4$s',
                    array_to_string(s.given, ', '), key, relation, s.condition)
                FROM {schema}.{UniqueSupport.Prefix}shape(relation::regclass, columns) s);
            chunk text;
        BEGIN
            {CheckToken(schema)}
            IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
                RAISE feature_not_supported USING MESSAGE = 'an index that is unique over all shards cannot be made in a transaction that may not see the newest rows',
                    HINT = 'Make it in a transaction with isolation level READ COMMITTED.';
            END IF;
            {Send(schema, "id", "RETURN")}
        END $function$;

        """;

    /// <summary>Makes an index's table, function and triggers.</summary>
    private static string Create(string schema) => $"""
        CREATE OR REPLACE FUNCTION {schema}.{UniqueSupport.Prefix}create(token text, id text, relation text, columns text[], key text) RETURNS void
            LANGUAGE plpgsql SECURITY DEFINER {Settings} SET client_min_messages = warning AS $function$
        DECLARE
            target regclass := relation::regclass;
            entries text := format('{schema}.%I', '{UniqueSupport.Prefix}' || id);
            shape record;
            given text;
            list text;
            width int;
            same text;
            arguments text;
            clause text;
        BEGIN
            {CheckToken(schema)}
            SELECT * INTO shape FROM {schema}.{UniqueSupport.Prefix}shape(target, columns);
            width := cardinality(shape.given);
            given := (SELECT string_agg(format('%s AS u%s', c.expression, c.position), ', ' ORDER BY c.position) FROM unnest(shape.given) WITH ORDINALITY AS c(expression, position));
            list := (SELECT string_agg('u' || n, ', ' ORDER BY n) FROM generate_series(1, width) AS n);
            EXECUTE format('CREATE TABLE %s AS SELECT %s, %I AS k FROM %s WITH NO DATA', entries, given, key, target);
            EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', entries);
            EXECUTE format('ALTER TABLE %s ADD PRIMARY KEY (%s), ALTER k SET NOT NULL', entries, list);
            -- Fails for a type that has no hash.
            EXECUTE format('SELECT hash_record_extended(ROW(%s), {Seed}) FROM (SELECT) AS one LEFT JOIN %s ON true', list, entries);
            EXECUTE format('CREATE INDEX ON %s (hash_record_extended(ROW(%s), {Seed}))', entries, list);
            EXECUTE format($make$
                CREATE OR REPLACE FUNCTION %1$s_find(token text, hash int8) RETURNS SETOF text LANGUAGE plpgsql STABLE SECURITY DEFINER {Settings} AS $find$
                BEGIN
                    {CheckToken(schema)}
                    RETURN QUERY SELECT e.k::text FROM %1$s e WHERE hash_record_extended(ROW(%2$s), {Seed}) = hash;
                END $find$ $make$, entries, (SELECT string_agg('e.u' || n, ', ' ORDER BY n) FROM generate_series(1, width) AS n));
            SELECT string_agg(format('e.u%1$s OPERATOR(%2$I.%3$s) r.u%1$s', k.n, s.nspname, o.oprname), ' AND ' ORDER BY k.n) INTO same
            FROM pg_index i
            CROSS JOIN generate_series(1, width) AS k(n)
            JOIN pg_opclass c ON c.oid = i.indclass[k.n - 1]
            JOIN pg_amop a ON a.amopfamily = c.opcfamily AND a.amoplefttype = c.opcintype AND a.amoprighttype = c.opcintype AND a.amopstrategy = 3
            JOIN pg_operator o ON o.oid = a.amopopr
            JOIN pg_namespace s ON s.oid = o.oprnamespace
            WHERE i.indrelid = entries::regclass AND i.indisprimary;
            EXECUTE format($make$
                CREATE OR REPLACE FUNCTION %1$s_enter(token text, removed text[], added text[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER {Settings} AS $enter$
                BEGIN
                    {CheckToken(schema)}
                    DELETE FROM %1$s e
                    USING (SELECT (q.v).* FROM (SELECT convert_from(decode(p, 'base64'), getdatabaseencoding())::%1$s AS v FROM unnest(removed) AS p OFFSET 0) q) r
                    WHERE %2$s AND e.k = r.k;
                    INSERT INTO %1$s
                    SELECT (q.v).* FROM (SELECT convert_from(decode(p, 'base64'), getdatabaseencoding())::%1$s AS v FROM unnest(added) AS p OFFSET 0) q
                    ORDER BY %3$s;
                END $enter$ $make$, entries, same, (SELECT string_agg(n::text, ', ' ORDER BY n) FROM generate_series(1, width) AS n));
            arguments := format('%L, %L, %L', id, (SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = target AND a.attname = key), shape.numbers)
                || (SELECT coalesce(string_agg(format(', %L', e), '' ORDER BY o), '') FROM unnest(shape.further) WITH ORDINALITY AS f(e, o));
            FOREACH clause IN ARRAY ARRAY[
                '_i AFTER INSERT ON %s REFERENCING NEW TABLE AS shardproxy_new',
                '_u AFTER UPDATE ON %s REFERENCING OLD TABLE AS shardproxy_old NEW TABLE AS shardproxy_new',
                '_d AFTER DELETE ON %s REFERENCING OLD TABLE AS shardproxy_old',
                '_t AFTER TRUNCATE ON %s']
            LOOP
                EXECUTE format('CREATE TRIGGER {UniqueSupport.Prefix}' || id || clause || ' FOR EACH STATEMENT EXECUTE FUNCTION {schema}.{UniqueSupport.Prefix}report(%s)', target, arguments);
                EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER {UniqueSupport.Prefix}' || id || left(clause, 2), target);
            END LOOP;
            -- Where that is allowed, pg_dump and psql need not show them.
            IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
                UPDATE pg_trigger t SET tgisinternal = true WHERE t.tgrelid = target AND t.tgname LIKE '{UniqueSupport.Prefix}' || id || '\__';
            END IF;
        END $function$;

        """;

    private static string Drop(string schema) => $"""
        CREATE OR REPLACE FUNCTION {schema}.{UniqueSupport.Prefix}drop(token text, id text) RETURNS void
            LANGUAGE plpgsql SECURITY DEFINER {Settings} SET client_min_messages = warning AS $function$
        DECLARE
            found record;
        BEGIN
            {CheckToken(schema)}
            FOR found IN SELECT t.tgname, t.tgrelid::regclass AS relation FROM pg_trigger t
                WHERE t.tgname LIKE '{UniqueSupport.Prefix}' || id || '\__' AND t.tgfoid = '{schema}.{UniqueSupport.Prefix}report'::regproc
            LOOP
                EXECUTE format('DROP TRIGGER %I ON %s', found.tgname, found.relation);
            END LOOP;
            EXECUTE format('DROP FUNCTION IF EXISTS {schema}.%I(text, text[], text[])', '{UniqueSupport.Prefix}' || id || '_enter');
            EXECUTE format('DROP FUNCTION IF EXISTS {schema}.%I(text, int8)', '{UniqueSupport.Prefix}' || id || '_find');
            EXECUTE format('DROP TABLE IF EXISTS {schema}.%I', '{UniqueSupport.Prefix}' || id);
        END $function$;

        """;
}
