using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>
/// The tables with which <see cref="DefinitionGenerator"/> begins: three colocated ones, of which one has partitions, a reference table and one of the home shard.
/// Everything that it makes has a name that starts with <c>d_</c>.
/// </summary>
internal static class DefinitionSchema
{
    private static readonly string[] Tables =
    [
        "CREATE TYPE d_mood AS ENUM ('sad', 'ok')",
        "CREATE TABLE d_items (id int8 PRIMARY KEY, c1 text, c2 int4)",
        "CREATE TABLE d_parts (item int8 NOT NULL, n int4 NOT NULL, c1 text, c2 int4 DEFAULT 7, PRIMARY KEY (item, n))",
        "CREATE TABLE d_kinds (code text PRIMARY KEY, c1 text, c2 int4)",
        "CREATE TABLE d_events (id int8, n int4, c1 text, c2 int4, PRIMARY KEY (id, n)) PARTITION BY RANGE (n)",
        "CREATE TABLE d_notes (id int4 PRIMARY KEY, c1 text, c2 int4)",
    ];

    private static readonly string[] Distribution =
    [
        "SELECT create_distributed_table('d_items', 'id')",
        "SELECT create_distributed_table('d_parts', 'item', colocate_with => 'd_items')",
        "SELECT create_distributed_table('d_events', 'id', colocate_with => 'd_items')",
        "SELECT create_reference_table('d_kinds')",
    ];

    private static readonly string[] Rows =
    [
        "INSERT INTO d_items SELECT n, n % 4, n * 2 FROM generate_series(1, 12) n",
        "INSERT INTO d_parts SELECT n % 12 + 1, n, n % 3, n FROM generate_series(1, 20) n",
        "INSERT INTO d_kinds VALUES ('a', '1', 1), ('b', NULL, 2), ('c', '3', NULL)",
        "CREATE TABLE d_e1 PARTITION OF d_events FOR VALUES FROM (0) TO (50)",
        "INSERT INTO d_events SELECT n, n, n % 3, n FROM generate_series(1, 15) n",
        "INSERT INTO d_notes SELECT n, n % 2, n FROM generate_series(1, 6) n",
    ];

    /// <summary>What the tables hold, and how the catalogs describe them.</summary>
    public static readonly string[] State =
    [
        "SELECT * FROM d_items ORDER BY id",
        "SELECT * FROM d_parts ORDER BY item, n",
        "SELECT * FROM d_events ORDER BY id, n",
        "SELECT * FROM d_kinds ORDER BY code",
        "SELECT * FROM d_notes ORDER BY id",
        .. Catalogs(@"relname LIKE 'd\_%'"),
        "SELECT typname, typtype, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid) FROM pg_type t WHERE typname LIKE 'd\\_%' AND typtype IN ('e', 'd') ORDER BY 1",
        "SELECT proname, prosrc, provolatile FROM pg_proc WHERE proname LIKE 'd\\_%' ORDER BY 1, 2",
    ];

    /// <summary>How each shard describes the tables that are on all of them.</summary>
    public static readonly string[] OnEveryShard =
    [
        .. Catalogs("relname IN ('d_items', 'd_parts', 'd_events', 'd_e1', 'd_e2', 'd_e3', 'd_kinds')"),
        "SELECT * FROM d_kinds ORDER BY code",
    ];

    public static async Task CreateAsync(Cluster cluster, Endpoint subject)
    {
        foreach (var endpoint in (Endpoint[])[cluster.ReferenceEndpoint, subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            foreach (var statement in (string[])[.. Tables, .. endpoint == subject ? Distribution : [], .. Rows])
                await client.MustAsync(statement);
        }
    }

    public static async Task DropAsync(Cluster cluster, Endpoint subject)
    {
        foreach (var endpoint in (Endpoint[])[cluster.ReferenceEndpoint, subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            await client.MustAsync("DROP TABLE IF EXISTS d_items, d_parts, d_events CASCADE");
            await client.MustAsync("DROP TABLE IF EXISTS d_kinds CASCADE");
            await client.MustAsync("DROP TABLE IF EXISTS d_notes, d_copy CASCADE");
            await client.MustAsync("DROP TYPE IF EXISTS d_mood CASCADE");
            await client.MustAsync("DROP DOMAIN IF EXISTS d_small CASCADE");
            await client.MustAsync("DROP FUNCTION IF EXISTS d_twice(int4) CASCADE");
            await client.MustAsync("DROP FUNCTION IF EXISTS d_touch() CASCADE");
        }
    }

    private static string[] Catalogs(string relations) =>
    [
        $"SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), col_description(c.oid, attnum) FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped LEFT JOIN pg_attrdef d ON adrelid = c.oid AND adnum = attnum WHERE {relations} AND relkind IN ('r', 'p', 'v', 'm') ORDER BY relname, attnum",
        $"SELECT relname, conname, contype, convalidated, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON conrelid = c.oid WHERE {relations} ORDER BY 1, 2",
        $"SELECT c.relname, i.relname, indisunique, indisvalid, pg_get_indexdef(x.indexrelid) FROM pg_index x JOIN pg_class c ON x.indrelid = c.oid JOIN pg_class i ON x.indexrelid = i.oid WHERE c.{relations} ORDER BY 1, 2",
        $"SELECT relname, obj_description(oid, 'pg_class'), relacl::text, relrowsecurity, pg_get_expr(relpartbound, oid) FROM pg_class WHERE {relations} AND relkind IN ('r', 'p', 'v', 'm') ORDER BY 1",
        $"SELECT relname, tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON tgrelid = c.oid WHERE {relations} AND NOT tgisinternal ORDER BY 1, 2",
        $"SELECT relname, pg_get_viewdef(oid) FROM pg_class WHERE {relations} AND relkind IN ('v', 'm') ORDER BY 1",
    ];
}
