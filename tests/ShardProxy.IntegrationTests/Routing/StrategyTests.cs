using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>The same rows, written and read in the same ways, whatever the strategy; and what only ranges and lists do.</summary>
public sealed class StrategyTests : IAsyncLifetime
{
    private const int Keys = 30;

    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(3);
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: new Dictionary<string, string>
        {
            ["from_file"] = "{ key: k, strategy: range, ranges: \"[,10) on s2, [10,20) on s0\" }",
            ["beside"] = "{ key: k, colocate_with: from_file }",
            ["listed"] = "{ key: k, strategy: list, lists: \"(eu, ch) on s1, default on s0\" }",
        }));
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Theory]
    [InlineData("hash", "")]
    [InlineData("range", ", strategy => 'range', ranges => '[,10) on s2, [10,20), [20,)'")]
    [InlineData("list", ", strategy => 'list', lists => '(0, 1, 2, 3, 4, 5, 6, 7, 8, 9) on s1, (10, 11, 12) on s0, default on s2'")]
    [InlineData("lookup by fewest", ", strategy => 'lookup'")]
    [InlineData("lookup by hash", ", strategy => 'lookup', policy => 'hash'")]
    [InlineData("zone", ", zone_column => 'region', zones => '(eu, ch) on s0 s1, (us) on s2'")]
    [InlineData("zones that share shards", ", zone_column => 'region', zones => '(eu) on s0 s1, (us, ch) on s2 s1'")]
    [InlineData("zone and range", ", strategy => 'range', ranges => '[,10), [10,20), [20,)', zone_column => 'region', zones => '(eu, ch) on s0 s1, (us) on s2'")]
    [InlineData("zone and list", ", strategy => 'list', lists => '(0, 1, 2, 3), (10, 11, 12), default', zone_column => 'region', zones => '(eu, ch) on s0 s1, (us) on s2'")]
    [InlineData("zone and lookup by fewest", ", strategy => 'lookup', zone_column => 'region', zones => '(eu, ch) on s0 s1, (us) on s2'")]
    [InlineData("zone and lookup by hash", ", strategy => 'lookup', policy => 'hash', zone_column => 'region', zones => '(eu) on s0 s1, (us, ch) on s2 s1'")]
    public async Task Rows_are_written_and_found_by_every_way(string strategy, string arguments)
    {
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("CREATE TABLE t (k int, region text, v text, PRIMARY KEY (k, region))");
        await client.MustAsync("CREATE TABLE u (k int, n int, region text, PRIMARY KEY (k, region, n))");
        await client.MustAsync($"SELECT create_distributed_table('t', 'k'{arguments})");
        await client.MustAsync("SELECT create_distributed_table('u', 'k', colocate_with => 't')");
        for (var key = 0; key < Keys / 3; key++)
            await client.MustAsync($"INSERT INTO t VALUES ({key}, '{RegionOf(key)}', 'v{key}')");
        await client.MustAsync($"INSERT INTO t (v, region, k) VALUES {string.Join(", ", Enumerable.Range(Keys / 3, Keys / 3).Select(static key => $"('v{key}', '{RegionOf(key)}', {key})"))}");
        var rows = string.Concat(Enumerable.Range(Keys / 3 * 2, Keys / 3).Select(static key => $"{key}\t{RegionOf(key)}\tv{key}\n"));
        var copied = await client.RunAsync(new FrontendScript().Query("COPY t FROM STDIN").CopyData(rows).CopyDone());
        copied.ShouldNotContain(static message => message.Type == 'E', string.Join('\n', copied));

        for (var key = 0; key < Keys; key++)
        {
            await client.MustAsync($"INSERT INTO u VALUES ({key}, 1, '{RegionOf(key)}')");
            (await client.ScalarAsync($"SELECT v FROM t WHERE k = {key}")).ShouldBe($"v{key}");
            (await client.ScalarAsync($"SELECT v FROM t JOIN u USING (k) WHERE t.k IN ({key})")).ShouldBe($"v{key}");
            await client.MustAsync($"UPDATE t SET v = 'w{key}' WHERE k = '{key}'");
            (await client.ScalarAsync($"SELECT v FROM t WHERE k = ANY ('{{{key}}}')")).ShouldBe($"w{key}");
            await client.MustAsync($"UPDATE t SET v = 'x{key}', region = '{RegionOf(key)}' WHERE (region, k) = ('{RegionOf(key)}', {key})");
            (await client.ScalarAsync($"SELECT v FROM t JOIN u USING (region, k) WHERE k = {key} AND region = '{RegionOf(key)}' AND n = 1")).ShouldBe($"x{key}");
        }
        (await client.ScalarAsync("SELECT string_agg(region, ',') FROM (SELECT region FROM t GROUP BY region ORDER BY region) r")).ShouldBe("ch,eu,us");
        (await client.ScalarAsync("SELECT count(*) FROM t JOIN u USING (region, k)")).ShouldBe($"{Keys}");
        (await client.ScalarAsync("SELECT count(*) FROM t WHERE region = 'eu'")).ShouldBe($"{Keys / 3}");
        (await client.ScalarAsync("SELECT count(*) FROM t")).ShouldBe($"{Keys}");
        var counts = await Task.WhenAll(_cluster.Shards.Select(static shard => shard.ScalarAsync<long>("SELECT count(*) FROM t JOIN u USING (k, region)")));
        counts.Sum().ShouldBe(Keys, "colocated rows are together");
        counts.ShouldAllBe(static count => count > 0, strategy);
        for (var key = 0; key < Keys; key += 2)
            await client.MustAsync($"DELETE FROM t WHERE k = {key}");
        (await client.ScalarAsync("SELECT count(*) FROM t")).ShouldBe($"{Keys / 2}");
    }

    private static string RegionOf(int key) => (key % 3) switch
    {
        0 => "eu",
        1 => "us",
        _ => "ch",
    };

    [Fact]
    public async Task A_range_table_grows_by_ranges_and_its_comparisons_confine()
    {
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("CREATE TABLE days (day date PRIMARY KEY, n int)");
        await client.MustAsync("SELECT create_distributed_table('days', 'day', strategy => 'range', ranges => '[,2024-01-01) on s0, [2024-01-01,2025-01-01) on s1')");
        await client.MustAsync("INSERT INTO days VALUES ('2023-12-31', 1)");
        for (var month = 1; month <= 12; month++)
            await client.MustAsync($"INSERT INTO days VALUES ('2024-{month:00}-15', {month})");

        (await client.ScalarAsync("SELECT sum(n) FROM days WHERE day BETWEEN '2024-03-01' AND '2024-10-31'")).ShouldBe("52");
        (await client.ScalarAsync("SELECT count(*) FROM days WHERE day < '2024-01-01'")).ShouldBe("1");
        var refusal = await ErrorAsync(client, "INSERT INTO days VALUES ('2025-06-01', 1)");
        refusal.ShouldContain("23514");
        refusal.ShouldContain("[2025-01-01,)");

        await client.MustAsync("SELECT add_shard_range('days', '[2025-01-01,2026-01-01) on s2')");
        await client.MustAsync("SELECT split_shard_range('days', '2024-07-01')");

        await client.MustAsync("INSERT INTO days VALUES ('2025-06-01', 1)");
        (await _cluster.Shards[2].ScalarAsync<long>("SELECT count(*) FROM days")).ShouldBe(1);
        (await client.ScalarAsync("SELECT count(*) FROM days WHERE day BETWEEN '2024-01-01' AND '2024-12-31'")).ShouldBe("12", "both halves are on one shard");
        (await ErrorAsync(client, "SELECT add_shard_range('days', '[2025-06-01,2027-01-01)')")).ShouldContain("overlap");
        (await ErrorAsync(client, "SELECT add_shard_list('days', '(x)')")).ShouldContain("placed by range");
    }

    [Fact]
    public async Task The_configuration_file_declares_ranges_and_lists()
    {
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("CREATE TABLE from_file (k int8 PRIMARY KEY)");
        await client.MustAsync("CREATE TABLE beside (k int4 PRIMARY KEY)");
        await client.MustAsync("CREATE TABLE listed (k text PRIMARY KEY)");

        await client.MustAsync("INSERT INTO from_file VALUES (5)");
        await client.MustAsync("INSERT INTO beside VALUES (15)");
        await client.MustAsync("INSERT INTO listed VALUES ('ch')");
        await client.MustAsync("INSERT INTO listed VALUES ('jp')");

        (await _cluster.Shards[2].ScalarAsync<long>("SELECT count(*) FROM from_file")).ShouldBe(1);
        (await _cluster.Shards[0].ScalarAsync<long>("SELECT count(*) FROM beside")).ShouldBe(1);
        (await _cluster.Shards[1].ScalarAsync<string>("SELECT k FROM listed")).ShouldBe("ch");
        (await _cluster.Shards[0].ScalarAsync<string>("SELECT k FROM listed")).ShouldBe("jp");
        var copied = await client.RunAsync(new FrontendScript().Query("COPY beside FROM STDIN").CopyData("1\n25\n").CopyDone());
        copied.ShouldContain(static message => message.Type == 'E' && message.ToString().Contains("23514", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("strategy => 'range', ranges => '[1,0)'", "is empty")]
    [InlineData("strategy => 'range', ranges => '[a,b)'", "key column's type")]
    [InlineData("strategy => 'range', ranges => '[1,2) on nowhere'", "there is no shard")]
    [InlineData("strategy => 'range'", "takes ranges")]
    [InlineData("strategy => 'list', lists => '[1,2)'", "takes lists")]
    [InlineData("strategy => 'lookup', policy => 'most'", "there is no policy")]
    [InlineData("strategy => 'lookup', ranges => '[1,2)'", "takes no ranges")]
    [InlineData("strategy => 'magic'", "there is no strategy")]
    [InlineData("zone_column => 'region'", "zones take a column and their shards")]
    [InlineData("zones => '(eu) on s0'", "zones take a column and their shards")]
    [InlineData("zone_column => 'k', zones => '(eu) on s0'", "both zone and key")]
    [InlineData("zone_column => 'nope', zones => '(eu) on s0'", "does not exist")]
    [InlineData("zone_column => 'point', zones => '(eu) on s0'", "type that cannot be a key")]
    [InlineData("zone_column => 'number', zones => '(eu) on s0'", "column's type")]
    [InlineData("zone_column => 'region', zones => '(eu) on s0, (eu, us) on s1'", "there twice")]
    [InlineData("zone_column => 'region', zones => '(eu) on s0 s9'", "there is no shard")]
    [InlineData("zone_column => 'region', zones => '(eu) on s0', strategy => 'lookup', policy => 'most'", "there is no policy")]
    [InlineData("zone_column => 'region', zones => '(eu) on s0, (eu, us) on s1', strategy => 'lookup'", "there twice")]
    public async Task What_makes_no_sense_declares_nothing(string arguments, string because)
    {
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("CREATE TABLE odd (k int PRIMARY KEY, region text, number int, point point)");

        (await ErrorAsync(client, $"SELECT create_distributed_table('odd', 'k', {arguments})")).ShouldContain(because);

        await client.MustAsync("SELECT create_distributed_table('odd', 'k')");
    }

    private static async Task<string> ErrorAsync(WireClient client, string sql) =>
        (await client.QueryAsync(sql)).First(static message => message.Type == 'E').ToString();
}
