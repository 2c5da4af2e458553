using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>Shards whose databases were not made alike: the answers are right all the same, and somebody is told.</summary>
public sealed class UnlikeShardsTests : IAsyncLifetime
{
    private Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(2);

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Another_collation_or_setting_is_told_and_gathered()
    {
        // ICU's root collation orders a before B; by bytes it is the other way round.
        await RecreateAsync("TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'und' LOCALE 'C.UTF-8' ENCODING 'UTF8'");
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: new Dictionary<string, string> { ["words"] = "{ key: id }" }));
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await client.MustAsync("CREATE TABLE words (id int8 PRIMARY KEY, word text)");
        for (var id = 1; id <= 20; id++)
            await client.MustAsync($"INSERT INTO words VALUES ({id}, '{(id % 2 == 0 ? 'a' : 'B')}{id}')");
        proxy.Log.ShouldContain("the database's collation is icu");
        (await client.ScalarAsync("EXPLAIN (SHARDS) SELECT word FROM words ORDER BY word")).ShouldStartWith("rows gathered");
        (await client.ScalarAsync("EXPLAIN (SHARDS) SELECT count(*) FROM words WHERE word < 'C'")).ShouldStartWith("rows gathered");
        (await client.ScalarAsync("SELECT count(*) FROM words WHERE word < 'C'")).ShouldBe("10");
        (await client.ScalarAsync("SELECT min(word) FROM words")).ShouldBe("B1");
        (await ColumnAsync(client, "SELECT word FROM words ORDER BY word LIMIT 2")).ShouldBe(["B1", "B11"]);
    }

    [Fact]
    public async Task Another_time_zone_is_told_and_shown()
    {
        await _cluster.Shards[1].ExecuteAsync($"ALTER DATABASE {PostgresServer.Database} SET timezone = 'Asia/Tokyo'", "postgres");
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(
            Tables: new Dictionary<string, string> { ["moments"] = "{ key: id }" },
            Users: $$"""
                users:
                  - { name: {{PostgresServer.AppUser}}, password: "{{PostgresServer.Password.Replace(@"\", @"\\")}}", admin: true }
                """));
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await client.MustAsync("CREATE TABLE moments (id int8 PRIMARY KEY, at timestamptz)");
        for (var id = 1; id <= 10; id++)
            await client.MustAsync($"INSERT INTO moments VALUES ({id}, '2024-01-01 00:00:00+00')");
        (await ColumnAsync(client, "SELECT at FROM moments")).Distinct().Count().ShouldBe(1);
        proxy.Log.ShouldContain("timezone is Asia/Tokyo");
        await using var admin = await WireClient.ConnectAsync(proxy.Endpoint with { Database = "shardproxy" });
        var shards = (await admin.MustAsync("SHOW SHARDS")).Where(static message => message.Type == 'D').ToList();
        shards.ShouldContain(static row => row.TextValues.Any(static value => value.Contains("Asia/Tokyo")));
        await _cluster.Shards[1].ExecuteAsync($"ALTER DATABASE {PostgresServer.Database} RESET timezone", "postgres");
    }

    [Fact]
    public async Task Another_encoding_is_not_used()
    {
        await RecreateAsync("TEMPLATE template0 LOCALE 'C' ENCODING 'LATIN1'");
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions());
        await Until.TrueAsync(() => proxy.Log.Contains("has the encoding LATIN1", StringComparison.Ordinal), "the encoding is told");
    }

    private async Task RecreateAsync(string options)
    {
        await _cluster.Shards[1].ExecuteAsync($"DROP DATABASE {PostgresServer.Database}", "postgres");
        await _cluster.Shards[1].ExecuteAsync($"CREATE DATABASE {PostgresServer.Database} OWNER {PostgresServer.AppUser} {options}", "postgres");
    }

    private static async Task<List<string>> ColumnAsync(WireClient client, string sql) =>
        [.. (await client.MustAsync(sql)).Where(static message => message.Type == 'D').Select(static row => row.TextValues[0])];
}
