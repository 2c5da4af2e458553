using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Faults;

/// <summary>Three shards with a table of 44 MB, small pools, and narrow limits for what statements may bring together.</summary>
public sealed class SpreadCluster : IAsyncLifetime
{
    public const int Rows = 200_000;

    /// <summary>Server connections to each shard; so few that one which is not given back is missed.</summary>
    private const int PoolSize = 3;

    private ProxyProcess _proxy = null!;

    public Cluster Cluster { get; private set; } = null!;

    public Endpoint Endpoint => _proxy.Endpoint;

    public ProxyProcess Proxy => _proxy;

    public async Task InitializeAsync()
    {
        Cluster = await Cluster.StartAsync(3);
        _proxy = await Cluster.StartProxyAsync(new ProxyOptions(
            Tables: new Dictionary<string, string> { ["big"] = "{ key: id }", ["rights"] = "{ key: id }" },
            PoolSize: PoolSize,
            Limits: new Dictionary<string, string> { ["merge_bytes"] = "8MB" },
            Gather: "{ max_bytes: 24MB }",
            Users: $$"""
                users:
                  - { name: {{PostgresServer.AppUser}}, password: "{{PostgresServer.Password.Replace(@"\", @"\\")}}" }
                  - { name: ops, password: secret, admin: true }
                """));
        await using var client = await WireClient.ConnectAsync(Endpoint);
        await client.MustAsync("CREATE TABLE big (id int8 PRIMARY KEY, v int4 NOT NULL, pad text NOT NULL)");
        await client.MustAsync($"INSERT INTO big SELECT g, (g % 1000)::int4, repeat('x', 200) FROM generate_series(1, {Rows}) g");
        await client.MustAsync("CREATE TABLE rights (id int8 PRIMARY KEY, item aclitem)");
    }

    public async Task DisposeAsync() => await Cluster.DisposeAsync();

    /// <summary>
    /// Every server connection is back in its pool, idle and outside of a transaction; nothing runs on the shards, and nothing is left there. Then
    /// as many clients as a pool has connections ask all shards at once, so that each connection is used.
    /// </summary>
    public async Task MustBeCleanAsync()
    {
        await using var admin = await WireClient.ConnectAsync(Endpoint with { Database = "shardproxy", User = "ops", Password = "secret" });
        await Until.TrueAsync(async () => (await RowsAsync(admin, "SHOW POOLS")).All(static row => row[7] == "0" && row[8] == "0"), "all server connections are in their pools");
        foreach (var server in await RowsAsync(admin, "SHOW SERVERS"))
            (server[4], server[5]).ShouldBe(("idle", "none"), string.Join('|', server));
        foreach (var shard in Cluster.Shards)
        {
            await Until.TrueAsync(
                async () => await shard.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'") == 0,
                $"{shard.Name} does nothing any more");
            (await shard.ScalarAsync<long>("SELECT count(*) FROM pg_class WHERE relname LIKE 'shardproxy%' AND relpersistence = 't'")).ShouldBe(0);
        }
        var clients = new List<WireClient>();
        for (var index = 0; index < PoolSize; index++)
            clients.Add(await WireClient.ConnectAsync(Endpoint));
        foreach (var client in clients)
            await client.MustAsync("BEGIN");
        foreach (var client in clients)
        {
            (await client.ScalarAsync("SELECT count(*) FROM big")).ShouldBe($"{Rows}");
            (await client.ScalarAsync("SELECT max(r) FROM (SELECT row_number() OVER (ORDER BY v) AS r FROM big WHERE id < 100) x")).ShouldBe("99");
        }
        foreach (var client in clients)
        {
            await client.MustAsync("COMMIT");
            await client.DisposeAsync();
        }
    }

    private static async Task<List<string[]>> RowsAsync(WireClient client, string command) =>
        [.. (await client.MustAsync(command)).Where(static message => message.Type == 'D').Select(static message => message.TextValues)];
}
