using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering;

/// <summary>Two shards, one PostgreSQL that says what is right, and one on which gathered statements run.</summary>
public sealed class GatherServerCluster : IAsyncLifetime
{
    public const int Rows = 6000;

    private static readonly string[] Schema =
    [
        "CREATE TYPE mood AS ENUM ('sad', 'ok')",
        "CREATE TABLE users (id int8 PRIMARY KEY, name text NOT NULL, code char(4) COLLATE \"C\", balance numeric(12,2), born date, seen timestamptz, tags text[], feeling mood, data jsonb)",
        "CREATE TABLE orders (user_id int8 NOT NULL, id int4 NOT NULL, product int4, amount numeric(12,2), PRIMARY KEY (user_id, id))",
        "CREATE TABLE big (id int8 PRIMARY KEY, pad text)",
        "CREATE TABLE products (id int4 PRIMARY KEY, title varchar(40) NOT NULL, price numeric(12,2))",
        "CREATE TABLE notes (id int4 PRIMARY KEY, body text, mark regclass, spot point)",
        "CREATE VIEW long_notes AS SELECT id, upper(body) AS body FROM notes WHERE length(body) > 5",
        "CREATE VIEW rich AS SELECT id, name FROM users WHERE balance > 30",
        "CREATE FUNCTION twice(int8) RETURNS int8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2'",
        "CREATE TEMPORARY TABLE scratch (id int8)",
        "INSERT INTO users SELECT i, 'user ' || i, 'c' || i % 7, i * 1.25, date '2000-01-01' + i::int4, timestamptz '2024-01-01 00:00:00+00' + make_interval(hours => i::int4), ARRAY['a', i::text], CASE WHEN i % 2 = 0 THEN 'ok'::mood END, jsonb_build_object('n', i) FROM generate_series(1, 60) i",
        "INSERT INTO orders SELECT 1 + i % 40, i, 1 + i % 9, i * 0.5 FROM generate_series(1, 150) i",
        "INSERT INTO products SELECT i, 'product ' || i, i FROM generate_series(1, 12) i",
        "INSERT INTO notes SELECT i, repeat('note', i % 3 + 1), 'pg_class', point(i, 1) FROM generate_series(1, 12) i",
    ];

    public Cluster Cluster { get; private set; } = null!;

    public PostgresServer Server { get; private set; } = null!;

    public ProxyProcess Proxy { get; private set; } = null!;

    public Endpoint Admin => Proxy.Endpoint with { Database = "shardproxy", User = "ops", Password = "secret" };

    public async Task InitializeAsync()
    {
        var server = PostgresServer.StartAsync("gather", new PostgresOptions(Settings: new Dictionary<string, string> { ["timezone"] = "Asia/Tokyo", ["datestyle"] = "SQL, DMY", ["intervalstyle"] = "iso_8601", ["bytea_output"] = "escape", ["extra_float_digits"] = "-3" }));
        Cluster = await Cluster.StartAsync(2, withReference: true);
        Server = await server;
        await Server.ExecuteAsync("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
        await LabSchema.ShiftObjectIdsAsync(Cluster.Shards[1], 7);
        Proxy = await Cluster.StartProxyAsync(Options($"max_bytes: 2MB, key_lists_from: 0, on: {ProxyOptions.Quoted(ProxyOptions.Target(Server.Port, "shop"))}"));
        await LabSchema.AlignObjectIdsAsync(Cluster.Reference, Cluster.Home);
        foreach (var endpoint in (Endpoint[])[Cluster.ReferenceEndpoint, Proxy.Endpoint])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            foreach (var statement in Schema)
                await client.MustAsync(statement);
            await client.RunAsync(new FrontendScript().Query("COPY big FROM STDIN").CopyData(string.Concat(Enumerable.Range(1, Rows).Select(static id => $"{id}\t{new string('x', 500)}\n"))).CopyDone());
        }
    }

    public async Task DisposeAsync()
    {
        if (Cluster is not null)
            await Cluster.DisposeAsync();
        if (Server is not null)
            await Server.DisposeAsync();
    }

    public static ProxyOptions Options(string gather) => new(
        Tables: new Dictionary<string, string>
        {
            ["users"] = "{ key: id }",
            ["orders"] = "{ key: user_id, colocate_with: users }",
            ["big"] = "{ key: id }",
            ["products"] = "{ reference: true }",
        },
        Gather: $"{{ {gather} }}",
        Users: $$"""
            users:
              - { name: {{PostgresServer.AppUser}}, password: "{{PostgresServer.Password.Replace(@"\", @"\\")}}" }
              - { name: ops, password: secret, admin: true }
            """);

    /// <summary>Where a statement runs over gathered rows: "gather", or the name of a shard.</summary>
    public static async Task<string> PlaceAsync(WireClient client, string statement)
    {
        var answer = await client.MustAsync($"EXPLAIN (ANALYZE) {statement}");
        var lines = answer.Where(static message => message.Type == 'D').Select(static message => message.TextValues[0]!).ToList();
        return lines.FirstOrDefault(static line => line.Contains("On Server:", StringComparison.Ordinal) || line.Contains("On Shard:", StringComparison.Ordinal))?.Split(": ")[1] ?? "no gather";
    }

    /// <summary>Nothing is left on the server: no open transaction, no temporary table.</summary>
    public Task MustBeCleanAsync() => Until.TrueAsync(
        async () => await Server.ScalarAsync<long>("SELECT (SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%' OR (state = 'active' AND pid <> pg_backend_pid())) + (SELECT count(*) FROM pg_class WHERE relname LIKE 'shardproxy%')") == 0,
        "the gather server is clean");
}
