using System.Globalization;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Clients;

/// <summary>pg_dump through the proxy gives one dump of all shards, which psql and pg_restore restore into one PostgreSQL, and through a proxy onto other shards.</summary>
public sealed class DumpTests : IAsyncLifetime
{
    private const string Programs = "/usr/lib/postgresql/15/bin/";
    private const int Users = 30;

    private const string Script = """
        CREATE TYPE mood AS ENUM ('ok', 'sad');
        CREATE DOMAIN positive AS int4 CHECK (VALUE > 0);
        CREATE FUNCTION next_one(x int4) RETURNS int4 LANGUAGE sql IMMUTABLE AS 'SELECT x + 1';
        CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL, m mood, p positive);
        CREATE TABLE orders (user_id int8 NOT NULL REFERENCES users, id int4 GENERATED ALWAYS AS IDENTITY, amount numeric(10,2), tags text[], PRIMARY KEY (user_id, id));
        CREATE TABLE countries (code char(2) PRIMARY KEY, name text);
        CREATE TABLE at_home (id serial PRIMARY KEY, v text);
        CREATE TABLE visits (device int4 NOT NULL, at date NOT NULL, v text, PRIMARY KEY (device, at)) PARTITION BY RANGE (at);
        CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
        SELECT create_distributed_table('users', 'id');
        SELECT create_distributed_table('orders', 'user_id', colocate_with => 'users');
        SELECT create_distributed_table('visits', 'device');
        SELECT create_reference_table('countries');
        CREATE UNIQUE INDEX users_by_name ON users (name);
        CREATE VIEW names AS SELECT id, name FROM users;
        COMMENT ON TABLE users IS 'people';
        INSERT INTO at_home (v) VALUES ('a'), ('b')
        """;

    private static readonly string[] Queries =
    [
        "SELECT id, name, m, p FROM users ORDER BY id", "SELECT user_id, id, amount, tags FROM orders ORDER BY user_id, id", "SELECT code, name FROM countries ORDER BY code",
        "SELECT id, v FROM at_home ORDER BY id", "SELECT device, at, v FROM visits ORDER BY device, at", "SELECT count(*) FROM visits_2024", "SELECT count(*) FROM names",
        "SELECT obj_description('users'::regclass)", "SELECT next_one(1)",
    ];

    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(3, withReference: true);
        _proxy = await _cluster.StartProxyAsync();
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        foreach (var statement in Script.Split(";\n"))
            await client.MustAsync(statement);
        (await client.RunAsync(new FrontendScript().Query("COPY countries FROM STDIN").CopyData("ch\tSwitzerland\neu\tEurope\n").CopyDone()))
            .ShouldNotContain(static message => message.Type == 'E');
        for (var user = 1; user <= Users; user++)
        {
            var id = await client.ScalarAsync($"INSERT INTO users (name, m, p) VALUES ('it''s {user}\t\\', 'sad', {user}) RETURNING id");
            await client.MustAsync($"INSERT INTO orders (user_id, amount, tags) VALUES ({id}, {user}.5, '{{x,\"y z\"}}')");
            await client.MustAsync($"INSERT INTO visits VALUES ({user}, '2024-05-01', NULL)");
            await client.MustAsync($"INSERT INTO visits VALUES ({user}, '2025-05-01', 'v')");
        }
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    /// <summary>With --inserts the rows are read by cursors.</summary>
    [Theory]
    [InlineData]
    [InlineData("--inserts")]
    [InlineData("--column-inserts", "--rows-per-insert=7")]
    public async Task A_plain_dump_restores_into_one_server(params string[] options)
    {
        var dump = await ClientProgram.RunAsync(_proxy.Endpoint, Programs + "pg_dump", options);
        var (code, output, errors) = await ClientProgram.TryRunAsync(_cluster.ReferenceEndpoint, Programs + "psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"], dump);
        code.ShouldBe(0, output + errors);
        await SameAsync(_cluster.ReferenceEndpoint);
    }

    [Fact]
    public async Task An_archive_restores_into_one_server_and_onto_other_shards()
    {
        var file = Path.Combine(TestFolder.New("dump"), "dump.custom");
        await ClientProgram.RunAsync(_proxy.Endpoint, Programs + "pg_dump", ["-Fc", "-f", file]);
        await RestoreAsync(_cluster.ReferenceEndpoint, file);
        await SameAsync(_cluster.ReferenceEndpoint);

        await using var other = await Cluster.StartAsync(2);
        var proxy = await other.StartProxyAsync();
        await RestoreAsync(proxy.Endpoint, file, "--section=pre-data");
        await using (var client = await WireClient.ConnectAsync(proxy.Endpoint))
        {
            foreach (var call in (string[])
                ["create_distributed_table('users', 'id')", "create_distributed_table('orders', 'user_id', colocate_with => 'users')", "create_distributed_table('visits', 'device')", "create_reference_table('countries')"])
            {
                await client.MustAsync($"SELECT {call}");
            }
        }
        await RestoreAsync(proxy.Endpoint, file, "--section=data");
        await RestoreAsync(proxy.Endpoint, file, "--section=post-data");
        await SameAsync(proxy.Endpoint);
        foreach (var shard in other.Shards)
            (await Placement.RowsAsync(shard, "users")).ShouldBeInRange(1, Users - 1);
    }

    private static async Task RestoreAsync(Endpoint endpoint, string file, params string[] options)
    {
        var (code, output, errors) = await ClientProgram.TryRunAsync(endpoint, Programs + "pg_restore", ["-d", PostgresServer.Database, "--exit-on-error", .. options, file]);
        code.ShouldBe(0, output + errors);
    }

    /// <summary>The same rows, and identifiers that go on behind them.</summary>
    private async Task SameAsync(Endpoint restored)
    {
        await using var source = await WireClient.ConnectAsync(_proxy.Endpoint);
        await using var target = await WireClient.ConnectAsync(restored);
        foreach (var query in Queries)
        {
            var expected = (await source.MustAsync(query)).Where(static message => message.Type is 'D' or 'C').Select(static message => message.ToString());
            var actual = (await target.MustAsync(query)).Where(static message => message.Type is 'D' or 'C').Select(static message => message.ToString());
            actual.ShouldBe(expected, query);
        }
        long.Parse(await target.ScalarAsync("INSERT INTO users (name) VALUES ('new') RETURNING id"), CultureInfo.InvariantCulture).ShouldBeGreaterThan(Users);
        await target.MustAsync("INSERT INTO orders (user_id, amount) VALUES (1, 1)");
        await target.MustAsync("DELETE FROM orders WHERE user_id = 1 AND amount = 1");
        await target.MustAsync("DELETE FROM users WHERE name = 'new'");
    }
}
