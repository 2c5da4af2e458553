using ShardProxy.IntegrationTests.Wire;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>The tables of the <see cref="Lab"/>: a colocated family, a reference table, a home table, a table per key type.</summary>
public static class LabSchema
{
    /// <summary>Type of the key, and a few values in PostgreSQL's text form: ordinary, extreme, and spelled differently but equal.</summary>
    public static IReadOnlyList<(string Name, string Type, string[] Values)> KeyTypes { get; } =
    [
        ("int2", "int2", ["0", "1", "-1", "32767", "-32768"]),
        ("int4", "int4", ["0", "1", "-1", "2147483647", "-2147483648"]),
        ("int8", "int8", ["0", "1", "-1", "9223372036854775807", "-9223372036854775808", "4294967296"]),
        ("numeric", "numeric", ["0", "1", "1.50", "-0.001", "1e30", "NaN", "Infinity", "12345678901234567890.123456789"]),
        ("text", "text", ["", "a", "A", "it''s", "a b ", "żółw", "日本語", "x\\y"]),
        ("varchar", "varchar(20)", ["", "a", "A", "it''s", "a b ", "żółw"]),
        ("char", "char(8)", ["", "a", "A", "it''s", "a b", "żółw"]),
        ("uuid", "uuid", ["00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
        ("bytea", "bytea", ["", "\\x00", "\\xdeadbeef", "\\xff00ff"]),
        ("date", "date", ["2000-01-01", "1999-12-31", "0001-01-01 BC", "9999-12-31", "infinity", "-infinity"]),
        ("timestamp", "timestamp", ["2000-01-01 00:00:00", "2024-02-29 23:59:59.999999", "0044-03-15 12:00:00 BC", "infinity"]),
        ("timestamptz", "timestamptz", ["2000-01-01 00:00:00+00", "2024-02-29 23:59:59.999999+02", "infinity"]),
        ("bool", "bool", ["true", "false"]),
    ];

    /// <summary>The <c>tables</c> section of shardproxy.yaml.</summary>
    public static IReadOnlyDictionary<string, string> Tables { get; } = new Dictionary<string, string>
    {
        ["users"] = "{ key: id }",
        ["orders"] = "{ key: user_id, colocate_with: users }",
        ["items"] = "{ key: user_id, colocate_with: users }",
        ["events"] = "{ key: device }",
        ["kinds"] = "{ key: id }",
        ["products"] = "{ reference: true }",
    }.Concat(KeyTypes.Select(static type => KeyValuePair.Create("k_" + type.Name, "{ key: k }"))).ToDictionary();

    private const string Script = """
        CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
        CREATE TYPE pair AS (a int4, b text);
        CREATE DOMAIN positive AS int4 CHECK (VALUE > 0);
        CREATE TABLE users (id int8 PRIMARY KEY, name text NOT NULL, email varchar(60), balance numeric(12,2) NOT NULL DEFAULT 0, feeling mood, tags text[], born date);
        CREATE TABLE orders (user_id int8 NOT NULL, id int4 NOT NULL, product int4, amount numeric(12,2) NOT NULL DEFAULT 0, note text, placed timestamptz, PRIMARY KEY (user_id, id));
        CREATE TABLE items (user_id int8 NOT NULL, order_id int4 NOT NULL, line int4 NOT NULL, quantity int4 NOT NULL CHECK (quantity > 0), PRIMARY KEY (user_id, order_id, line));
        CREATE TABLE events (device text NOT NULL, at timestamptz NOT NULL, payload jsonb, PRIMARY KEY (device, at));
        CREATE TABLE kinds (id int8 PRIMARY KEY, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, b bool, t text, vc varchar(20), c char(4), by bytea, d date, ti time, ts timestamp, tz timestamptz, iv interval, u uuid, j json, jb jsonb, ai int4[], at text[], ip inet, r int4range, m mood, am mood[], p pair, pos positive);
        CREATE TABLE products (id int4 PRIMARY KEY, title text NOT NULL, price numeric(12,2) NOT NULL);
        CREATE TABLE notes (id int4 PRIMARY KEY, body text);
        """;

    /// <summary>Makes a server's next object ids differ from the others', as they do in any fleet that has lived a while.</summary>
    public static Task ShiftObjectIdsAsync(PostgresServer server, int by) =>
        server.ExecuteAsync($"DO $$ BEGIN FOR n IN 1..{by} LOOP EXECUTE 'CREATE TYPE shift AS (a int4)'; DROP TYPE shift; END LOOP; END $$");

    /// <summary>
    /// What is made next has the same object ids on both: the proxy has made relations of its own on the shards, and binary
    /// answers show object ids. It makes them beside its first clients, so that is waited for.
    /// </summary>
    public static async Task AlignObjectIdsAsync(PostgresServer reference, PostgresServer home)
    {
        await Until.TrueAsync(
            () => home.ScalarAsync<bool>($"SELECT EXISTS (SELECT FROM pg_proc WHERE proname = '{CommitSupport.DecideFunction}')"), "the proxy has prepared its home shard");
        var (first, second) = (await NextAsync(reference), await NextAsync(home));
        var behind = first < second ? reference : home;
        // A large object takes one id.
        await behind.ExecuteAsync($"DO $$ BEGIN FOR n IN 1..{Math.Abs((long)first - second)} LOOP PERFORM lo_unlink(lo_creat(-1)); END LOOP; END $$");

        static Task<uint> NextAsync(PostgresServer server) => server.ScalarAsync<uint>("SELECT lo_creat(-1)");
    }

    /// <summary>Users 1 to 40 with n % 4 orders each, and a line per order; few enough to be compared as a whole.</summary>
    public const int UserCount = 40;

    public const int ProductCount = 20;

    public const int NoteCount = 10;

    public static async Task CreateAsync(Endpoint endpoint)
    {
        await using var client = await WireClient.ConnectAsync(endpoint);
        foreach (var statement in Script.Split(";\n", StringSplitOptions.RemoveEmptyEntries))
            await client.MustAsync(statement);
        foreach (var (name, type, _) in KeyTypes)
            await client.MustAsync($"CREATE TABLE k_{name} (k {type} PRIMARY KEY, v text)");
        await FillProductsAsync(client);
        for (var note = 1; note <= NoteCount; note++)
            await client.MustAsync($"INSERT INTO notes VALUES ({note}, 'note {note}')");
        await FillAsync(client);
    }

    /// <summary>Empties the colocated family and fills it again.</summary>
    public static async Task RefillAsync(Endpoint endpoint)
    {
        await using var client = await WireClient.ConnectAsync(endpoint);
        foreach (var table in (string[])["items", "orders", "users", "events"])
            await client.MustAsync($"TRUNCATE {table}");
        await FillAsync(client);
    }

    /// <summary>Gives the reference table its first rows again.</summary>
    public static async Task RefillProductsAsync(Endpoint endpoint)
    {
        await using var client = await WireClient.ConnectAsync(endpoint);
        await client.MustAsync("TRUNCATE products");
        await FillProductsAsync(client);
    }

    private static async Task FillProductsAsync(WireClient client)
    {
        var rows = string.Concat(Enumerable.Range(1, ProductCount).Select(static product => $"{product}\tproduct {product}\t{product}.25\n"));
        var replies = await client.RunAsync(new FrontendScript().Query("COPY products FROM STDIN").CopyData(rows).CopyDone());
        replies.ShouldNotContain(static message => message.Type == 'E', string.Join('\n', replies));
    }

    private static async Task FillAsync(WireClient client)
    {
        for (var user = 1; user <= UserCount; user++)
        {
            await client.MustAsync(
                $"INSERT INTO users (id, name, email, balance, feeling, tags, born) VALUES ({user}, 'user {user}', " +
                $"{(user % 5 == 0 ? "NULL" : $"'u{user}@example.org'")}, {user}.5, '{(user % 2 == 0 ? "ok" : "happy")}', '{{a,b{user}}}', date '2000-01-01' + {user})");
            for (var order = 1; order <= user % 4; order++)
            {
                await client.MustAsync(
                    $"INSERT INTO orders (user_id, id, product, amount, note, placed) VALUES ({user}, {order}, {1 + (user + order) % ProductCount}, {order * 10}, " +
                    $"{(order == 2 ? "NULL" : $"'note {order}'")}, '2024-01-{order:00} 10:00:00+00')");
                await client.MustAsync($"INSERT INTO items (user_id, order_id, line, quantity) VALUES ({user}, {order}, 1, {order})");
            }
        }
    }
}
