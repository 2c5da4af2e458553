using Microsoft.Data.Sqlite;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>Keys that are placed by look-up in tables with zones: each has one place, and that is one of its rows' zone.</summary>
public sealed class LookupZoneTests(LookupZoneCluster lab) : IClassFixture<LookupZoneCluster>
{
    [Fact]
    public async Task A_key_gets_a_place_in_the_zone_of_its_first_row_and_needs_no_zone_to_be_found()
    {
        await using var client = await WireClient.ConnectAsync(lab.Proxy.Endpoint);
        await client.MustAsync("CREATE TABLE firms (id int PRIMARY KEY, region text NOT NULL, name text)");
        await client.MustAsync("CREATE TABLE orders (firm int REFERENCES firms (id), no int, country varchar(10), PRIMARY KEY (firm, no))");
        for (var id = 0; id < 10; id++)
            await client.MustAsync($"INSERT INTO firms VALUES ({id}, '{(id < 6 ? "eu" : "us")}', 'f{id}')");
        await client.MustAsync("INSERT INTO firms (name, region, id) VALUES ('f10', 'ch', 10), ('f11', 'us', 11), ('f12', 'eu', 12)");
        await CopyAsync(client, "COPY firms FROM STDIN", string.Concat(Enumerable.Range(13, 7).Select(static id => $"{id}\t{(id % 2 == 0 ? "ch" : "us")}\tf{id}\n")));
        await client.MustAsync("INSERT INTO orders SELECT id, 1, region FROM firms");
        await client.MustAsync("INSERT INTO orders SELECT firm, 2, country FROM orders");

        var counts = new long[3];
        for (var shard = 0; shard < 3; shard++)
        {
            var zones = shard < 2 ? "'eu', 'ch'" : "'us'";
            (await ShardAsync(shard, $"SELECT count(*) FROM firms WHERE region NOT IN ({zones})")).ShouldBe(0);
            (await ShardAsync(shard, $"SELECT count(*) FROM orders WHERE country NOT IN ({zones})")).ShouldBe(0);
            counts[shard] = await ShardAsync(shard, "SELECT count(*) FROM firms");
            (await ShardAsync(shard, "SELECT count(*) FROM orders")).ShouldBe(2 * counts[shard], "the rows of a key are together");
        }
        counts.Sum().ShouldBe(20);
        Math.Abs(counts[0] - counts[1]).ShouldBeLessThanOrEqualTo(1, "the fewest keys among the zone's shards");
        (await ExplainAsync(client, "SELECT * FROM firms WHERE id = 7"))[0].ShouldBe(["one shard, by the key", "s2"]);
        (await ExplainAsync(client, "SELECT * FROM firms JOIN orders ON firm = id WHERE id = 7"))[0][1].ShouldBe("s2");
        (await ExplainAsync(client, "SELECT * FROM firms WHERE region = 'eu'"))[0][1].ShouldBe("s0, s1");
        (await client.ScalarAsync("SELECT count(*) FROM firms WHERE id = 7 AND region = 'eu'")).ShouldBe("0");
        (await client.ScalarAsync("SELECT count(*) FROM firms WHERE id = 7 AND region IN ('eu', 'us')")).ShouldBe("1");
        (await client.ScalarAsync("SELECT count(*) FROM firms JOIN orders ON firm = id")).ShouldBe("40");
        (await client.ScalarAsync("SELECT max(n) FROM (SELECT firm, count(*) n FROM orders GROUP BY firm) x")).ShouldBe("2");
        (await client.QueryAsync("INSERT INTO firms VALUES (7, 'us', 'again')")).First(static message => message.Type == 'E').SqlState.ShouldBe("23505", "the key is unique on its shard");
        await client.MustAsync("UPDATE firms SET region = 'ch' WHERE id = 0");
        (await client.ScalarAsync("SELECT region FROM firms WHERE id = 0")).ShouldBe("ch", "another value of its zone");
    }

    [Fact]
    public async Task A_row_whose_zone_does_not_have_its_keys_shard_is_refused()
    {
        await using var client = await WireClient.ConnectAsync(lab.Proxy.Endpoint);
        await MakeAsync(client, "strict");
        await client.MustAsync("INSERT INTO strict VALUES (1, 'eu', 1), (2, 'us', 1)");
        foreach (var (sql, state) in ((string, string)[])
        [
            ("INSERT INTO strict VALUES (1, 'us', 2)", "23514"),
            ("INSERT INTO strict VALUES (2, 'us', 2), (2, 'ch', 3)", "23514"),
            ("INSERT INTO strict VALUES (3, 'us', 1), (3, 'ch', 2)", "23514"),
            ("INSERT INTO strict SELECT 1, 'us', 2", "23514"),
            ("INSERT INTO strict VALUES (1, 'mars', 2)", "23514"),
            ("INSERT INTO strict VALUES (1, NULL, 2)", "23502"),
            ("INSERT INTO strict (k, v) VALUES (1, 2)", "0A000"),
            ("UPDATE strict SET region = 'us' WHERE k = 1", "23514"),
            ("UPDATE strict SET region = 'mars' WHERE k = 1", "23514"),
            ("INSERT INTO strict VALUES (1, 'eu', 1) ON CONFLICT (k, v) DO UPDATE SET region = 'us'", "0A000"),
        ])
        {
            var error = (await client.QueryAsync(sql)).First(static message => message.Type == 'E');
            error.SqlState.ShouldBe(state, $"{sql}: {error}");
        }
        foreach (var data in (string[])["5\teu\t1\n5\tus\t2\n", "1\teu\t7\n1\tus\t8\n"])
        {
            var copied = await client.RunAsync(new FrontendScript().Query("COPY strict FROM STDIN").CopyData(data).CopyDone());
            var error = copied.First(static message => message.Type == 'E');
            (error.SqlState, error.ToString().Contains("line 2", StringComparison.Ordinal)).ShouldBe(("23514", true), error.ToString());
        }
        var bound = await client.RunAsync(new FrontendScript().Run("INSERT INTO strict VALUES ($1, $2, $3)", ["1", "us", "4"]).Sync());
        bound.First(static message => message.Type == 'E').SqlState.ShouldBe("23514");
        (await client.ScalarAsync("SELECT string_agg(k || region || v, ' ' ORDER BY k) FROM strict")).ShouldBe("1eu1 2us1");
        (await ShardAsync(2, "SELECT count(*) FROM strict WHERE region <> 'us'")).ShouldBe(0);
    }

    [Fact]
    public async Task A_key_moves_within_its_zone_and_without_rows_anywhere()
    {
        await using var client = await WireClient.ConnectAsync(lab.Proxy.Endpoint);
        await MakeAsync(client, "moving");
        await client.MustAsync("INSERT INTO moving VALUES (1, 'eu', 1), (1, 'ch', 2), (2, 'us', 1)");
        foreach (var shard in (int[])[1, 0, 1])
        {
            await client.MustAsync($"SELECT move_shard_key('moving', 1, 's{shard}')");
            (await ShardAsync(shard, "SELECT count(*) FROM moving WHERE k = 1")).ShouldBe(2);
        }
        var refused = (await client.QueryAsync("SELECT move_shard_key('moving', 1, 's2')")).First(static message => message.Type == 'E');
        refused.SqlState.ShouldBe("23514", refused.ToString());
        refused.Fields['M'].ShouldContain("does not have the shard \"s2\"");
        (await client.ScalarAsync("SELECT count(*) FROM moving WHERE k = 1")).ShouldBe("2");
        (await ShardAsync(1, "SELECT count(*) FROM moving WHERE k = 1")).ShouldBe(2);

        await client.MustAsync("DELETE FROM moving WHERE k = 1");
        await client.MustAsync("SELECT move_shard_key('moving', 1, 's2')");
        await client.MustAsync("INSERT INTO moving VALUES (1, 'us', 1)");
        (await ShardAsync(2, "SELECT count(*) FROM moving WHERE k = 1")).ShouldBe(1);

        // A zone gets a shard, and with it the key may go there.
        await client.MustAsync("SELECT add_shard_zone('moving', '(us) on s0')");
        await client.MustAsync("SELECT move_shard_key('moving', 2, 's0')");
        await client.MustAsync("INSERT INTO moving VALUES (2, 'eu', 2)");
        (await ShardAsync(0, "SELECT count(*) FROM moving WHERE k = 2")).ShouldBe(2);
    }

    [Fact]
    public async Task A_function_that_is_declared_by_its_key_runs_where_the_key_is()
    {
        await using var client = await WireClient.ConnectAsync(lab.Proxy.Endpoint);
        await MakeAsync(client, "called");
        await client.MustAsync("INSERT INTO called VALUES (1, 'eu', 1), (1, 'ch', 2), (2, 'us', 1), (3, 'eu', 1)");
        await client.MustAsync("CREATE FUNCTION rows_of(int) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM called WHERE k = $1'");
        await client.MustAsync("SELECT create_distributed_function('rows_of(int)', '$1', colocate_with => 'called')");
        (await client.ScalarAsync("SELECT rows_of(1)")).ShouldBe("2");
        (await client.ScalarAsync("SELECT rows_of(2)")).ShouldBe("1");
        (await client.ScalarAsync("SELECT v + rows_of(k) FROM called WHERE k = 3")).ShouldBe("2");
        (await client.QueryAsync("SELECT rows_of(4711)")).First(static message => message.Type == 'E').SqlState.ShouldBe("0A000", "the function could store a row of the key anywhere");
    }

    [Fact]
    public async Task Places_that_the_directory_has_lost_are_found_by_the_rows()
    {
        await using (var client = await WireClient.ConnectAsync(lab.Proxy.Endpoint))
        {
            await MakeAsync(client, "found");
            await CopyAsync(client, "COPY found FROM STDIN", string.Concat(Enumerable.Range(1, 20).Select(static key => $"{key}\t{(key % 2 == 0 ? "eu" : "us")}\t{key}\n")));
        }
        await lab.ForgetAsync();
        await using var late = await WireClient.ConnectAsync(lab.Proxy.Endpoint);
        for (var key = 1; key <= 20; key++)
        {
            (await late.ScalarAsync($"SELECT v FROM found WHERE k = {key}")).ShouldBe($"{key}");
            await late.MustAsync($"INSERT INTO found VALUES ({key}, '{(key % 2 == 0 ? "ch" : "us")}', 0)");
        }
        (await late.ScalarAsync("SELECT count(*) FROM found")).ShouldBe("40");
        (await ShardAsync(2, "SELECT count(*) FROM found WHERE region <> 'us'")).ShouldBe(0);
        (await ShardAsync(2, "SELECT count(*) FROM found")).ShouldBe(20);
    }

    [Fact]
    public async Task Rows_that_are_there_before_the_table_is_known_are_taken_or_are_a_problem_by_their_zone()
    {
        await using var client = await WireClient.ConnectAsync(lab.Proxy.Endpoint);
        foreach (var table in (string[])["taken", "stray"])
        {
            foreach (var shard in lab.Cluster.Shards)
                await shard.ExecuteAsync($"CREATE TABLE {table} (id int PRIMARY KEY, region text); GRANT ALL ON {table} TO PUBLIC");
        }
        await lab.Cluster.Shards[1].ExecuteAsync("INSERT INTO taken VALUES (1, 'eu'), (2, 'ch')");
        await lab.Cluster.Shards[2].ExecuteAsync("INSERT INTO taken VALUES (3, 'us')");
        await lab.Cluster.Shards[2].ExecuteAsync("INSERT INTO stray VALUES (1, 'eu')");
        // Makes the proxy read the catalogs again.
        await client.MustAsync("CREATE TABLE any_other (a int)");

        (await client.ScalarAsync("SELECT region FROM taken WHERE id = 2")).ShouldBe("ch");
        (await ExplainAsync(client, "SELECT * FROM taken WHERE id = 2"))[0][1].ShouldBe("s1");
        (await client.QueryAsync("SELECT * FROM stray WHERE id = 1")).First(static message => message.Type == 'E').Fields['M'].ShouldContain("whose zone does not have that shard");
    }

    private async Task<long> ShardAsync(int shard, string sql) => await lab.Cluster.Shards[shard].ScalarAsync<long>(sql);

    private static async Task MakeAsync(WireClient client, string table)
    {
        await client.MustAsync($"CREATE TABLE {table} (k int, region text, v int, PRIMARY KEY (k, v))");
        await client.MustAsync($"SELECT create_distributed_table('{table}', 'k', strategy => 'lookup', zone_column => 'region', zones => '(eu, ch) on s0 s1, (us) on s2')");
    }

    private static async Task CopyAsync(WireClient client, string copy, string data)
    {
        var replies = await client.RunAsync(new FrontendScript().Query(copy).CopyData(data).CopyDone());
        replies.ShouldNotContain(static message => message.Type == 'E', string.Join('\n', replies));
    }

    private static async Task<List<string[]>> ExplainAsync(WireClient client, string sql) =>
        [.. (await client.MustAsync($"EXPLAIN (SHARDS) {sql}")).Where(static message => message.Type == 'D').Select(static message => message.TextValues.Take(2).ToArray()!)];
}

/// <summary>Three shards behind a proxy whose file declares tables with zones and the strategy lookup.</summary>
public sealed class LookupZoneCluster : IAsyncLifetime
{
    private const string Placed = "strategy: lookup, zone: { column: region, values: { eu: [s0, s1], us: [s2] } }";

    public Cluster Cluster { get; private set; } = null!;

    public ProxyProcess Proxy { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Cluster = await Cluster.StartAsync(3);
        await StartAsync();
    }

    /// <summary>Loses the places of all keys, in the store and in the proxy's memory.</summary>
    public async Task ForgetAsync()
    {
        await Proxy.StopAsync();
        await using (var connection = new SqliteConnection($"Data Source={Cluster.DirectoryPath};Pooling=False"))
        {
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = "DELETE FROM key_place; DELETE FROM key_count";
            (await command.ExecuteNonQueryAsync()).ShouldBeGreaterThan(0);
        }
        await StartAsync();
    }

    private async Task StartAsync()
    {
        Proxy = await Cluster.StartProxyAsync(new ProxyOptions(Tables: new Dictionary<string, string>
        {
            ["firms"] = "{ key: id, strategy: lookup, zone: { column: region, values: { eu: [s0, s1], ch: [s1, s0], us: [s2] } } }",
            ["orders"] = "{ key: firm, colocate_with: firms, zone: { column: country } }",
            ["taken"] = $"{{ key: id, {Placed.Replace("us:", "ch: [s1], us:", StringComparison.Ordinal)} }}",
            ["stray"] = $"{{ key: id, {Placed} }}",
        }));
    }

    public async Task DisposeAsync() => await Cluster.DisposeAsync();
}
