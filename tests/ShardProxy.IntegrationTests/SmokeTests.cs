using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests;

/// <summary>The main road on every supported version of PostgreSQL: 14 and 17 with --long, 15 is what the other suites use.</summary>
public sealed class SmokeTests
{
    public static TheoryData<int> Versions => Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") == "1" ? [14, 15, 16, 17, 18] : [16, 18];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task An_application_runs(int major)
    {
        await using var cluster = await Cluster.StartAsync(2, options: new PostgresOptions(MaxConnections: 40, Major: major));
        var proxy = await cluster.StartProxyAsync(new ProxyOptions(Tables: new Dictionary<string, string>
        {
            ["users"] = "{ key: id }",
            ["orders"] = "{ key: user_id, colocate_with: users }",
            ["products"] = "{ reference: true }",
        }));
        await using (var client = await WireClient.ConnectAsync(proxy.Endpoint))
        {
            (await client.ScalarAsync("SHOW server_version_num")).ShouldStartWith(major.ToString());
            await client.MustAsync("CREATE TABLE users (id int8 PRIMARY KEY, name text)");
            await client.MustAsync("CREATE TABLE orders (user_id int8 REFERENCES users, id int4, PRIMARY KEY (user_id, id))");
            await client.MustAsync("CREATE TABLE products (id int4 PRIMARY KEY, title text)");
            await client.MustAsync("CREATE TABLE notes (id int4 PRIMARY KEY)");
            await client.RunAsync(new FrontendScript().Query("COPY products FROM STDIN").CopyData("1\ta\n2\tb\n").CopyDone());
            await client.RunAsync(new FrontendScript().Query("COPY users FROM STDIN")
                .CopyData(string.Concat(Enumerable.Range(1, 100).Select(static id => $"{id}\tuser {id}\n"))).CopyDone());
            for (var id = 1; id <= 20; id++)
            {
                await client.MustAsync("BEGIN");
                await client.MustAsync($"INSERT INTO orders VALUES ({id}, 1)");
                (await client.ScalarAsync($"SELECT u.name || p.title FROM users u JOIN orders o ON o.user_id = u.id, products p WHERE u.id = {id} AND p.id = 2"))
                    .ShouldBe($"user {id}b");
                await client.MustAsync("COMMIT");
            }
            await client.MustAsync("ALTER TABLE users ADD COLUMN born date");
            await client.MustAsync("CREATE INDEX CONCURRENTLY users_born ON users (born)");
            await client.MustAsync("VACUUM ANALYZE users");
            // A newer server's syntax, which PostgreSQL 15's grammar does not know, needs a hint.
            const string Newer = "SELECT JSON_ARRAY(1, NULL NULL ON NULL)";
            var refusal = (await client.QueryAsync(Newer)).Single(static message => message.Type == 'E');
            refusal.SqlState.ShouldBeOneOf("0A000", "42601");
            if (major >= 16)
                (await client.ScalarAsync($"/* shardproxy: shard=s0 */ {Newer}")).ShouldBe("[1, null]");
        }
        await using var connection = new NpgsqlConnection(proxy.Endpoint.ConnectionString);
        await connection.OpenAsync();
        for (var id = 1L; id <= 20; id++)
        {
            await using var command = new NpgsqlCommand("SELECT name FROM users WHERE id = $1", connection) { Parameters = { new() { Value = id } } };
            await command.PrepareAsync();
            (await command.ExecuteScalarAsync()).ShouldBe($"user {id}");
        }
        (await proxy.StopAsync()).ShouldBe(0);
        for (var shard = 0; shard < 2; shard++)
            (await Placement.MisplacedRowsAsync(cluster.Shards[shard], shard, 2, "users", "id", "int8")).ShouldBe(0);
    }
}
