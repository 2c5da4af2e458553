using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>Tables with zones: rows stay on the shards of their zone, whoever writes them, and what would break that is refused.</summary>
public sealed class ZoneTests : IAsyncLifetime
{
    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;
    private WireClient _client = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(4);
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: new Dictionary<string, string>
        {
            ["people"] = "{ key: id, zone: { column: region, values: { eu: [s0, s1], us: [s2, s3] } } }",
            ["later"] = "{ key: id, zone: { column: region, values: { eu: [s0, s1], us: [s2, s3] } } }",
            ["right_ones"] = "{ key: id, strategy: range, ranges: \"[,5), [5,)\", zone: { column: region, values: { eu: [s0, s1], us: [s3, s2] } } }",
            ["pets"] = "{ key: person_id, colocate_with: people, zone: { column: home } }",
        }));
        _client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await _client.MustAsync("CREATE TABLE people (id int, region text, name text, PRIMARY KEY (region, id))");
        await _client.MustAsync("CREATE TABLE pets (person_id int, home varchar(10), no int, PRIMARY KEY (home, person_id, no), FOREIGN KEY (home, person_id) REFERENCES people (region, id))");
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task Rows_stay_on_the_shards_of_their_zone()
    {
        for (var id = 0; id < 20; id++)
        {
            await _client.MustAsync($"INSERT INTO people VALUES ({id}, 'eu', 'e{id}'), ({id}, 'us', 'u{id}')");
            await _client.MustAsync($"INSERT INTO pets VALUES ({id}, '{(id % 2 == 0 ? "eu" : "us")}', 1)");
        }
        await CopyAsync("COPY people FROM STDIN (FORMAT csv, FORCE_NULL (region))", string.Concat(Enumerable.Range(20, 20).Select(static id => $"{id},\"us\",c{id}\n")));
        await CopyAsync("COPY people (region, name, id) FROM STDIN", string.Concat(Enumerable.Range(20, 20).Select(static id => $"eu\tc{id}\t{id}\n")));

        for (var shard = 0; shard < 4; shard++)
        {
            var zone = shard < 2 ? "eu" : "us";
            (await _cluster.Shards[shard].ScalarAsync<long>($"SELECT count(*) FROM people WHERE region <> '{zone}'")).ShouldBe(0);
            (await _cluster.Shards[shard].ScalarAsync<long>("SELECT count(*) FROM people")).ShouldBeGreaterThan(0);
            (await _cluster.Shards[shard].ScalarAsync<long>($"SELECT count(*) FROM pets WHERE home <> '{zone}'")).ShouldBe(0);
        }
        (await _client.ScalarAsync("SELECT count(*) FROM people")).ShouldBe("80");
        (await _client.ScalarAsync("SELECT name FROM people WHERE id = 33 AND region = 'us'")).ShouldBe("c33");
        (await _client.ScalarAsync("SELECT count(*) FROM people WHERE id = 33")).ShouldBe("2");
        (await _client.ScalarAsync("SELECT count(*) FROM people WHERE region = 'eu'")).ShouldBe("40");
        (await _client.ScalarAsync("SELECT count(*) FROM people JOIN pets ON id = person_id")).ShouldBe("40");
        (await _client.ScalarAsync("SELECT count(*) FROM people JOIN pets ON (id, region) = (person_id, home)")).ShouldBe("20");
        (await _client.ScalarAsync("SELECT count(*) FROM (SELECT id FROM people GROUP BY id) x")).ShouldBe("40", "a key is in both zones");
        (await _client.ScalarAsync("SELECT count(DISTINCT id) FROM people")).ShouldBe("40");
        (await _client.ScalarAsync("/* shardproxy: key=3 zone=us */ SELECT name FROM people WHERE id + 0 = 3")).ShouldBe("u3", "the hint says both");
        (await _client.ScalarAsync("/* shardproxy: key='3' zone = 'eu' */ SELECT name FROM people WHERE id + 0 = 3")).ShouldBe("e3");
        (await ErrorAsync("/* shardproxy: key=3 zone=mars */ SELECT name FROM people WHERE id + 0 = 3")).ShouldContain("zone with mars");
        await _client.MustAsync("SET shardproxy.zone = 'us'");
        await _client.MustAsync("SET shardproxy.key = '3'");
        (await _client.ScalarAsync("SELECT name FROM people WHERE id + 0 = 3")).ShouldBe("u3");
        await _client.MustAsync("RESET shardproxy.zone");
        (await ErrorAsync("SELECT name FROM people WHERE id + 0 = 3")).ShouldContain("does not say the zone");
        await _client.MustAsync("RESET shardproxy.key");
    }

    public static IReadOnlyList<(string Sql, string State, string Because)> Refused { get; } =
    [
        ("INSERT INTO people VALUES (1, 'mars')", "23514", "a zone with mars"),
        ("INSERT INTO people VALUES (1, 'eu'), (1, 'mars')", "23514", "a zone with mars"),
        ("INSERT INTO people (id) VALUES (1)", "0A000", "no value for region"),
        ("INSERT INTO people VALUES (1, NULL)", "23502", "zone of a new row is null"),
        ("ALTER TABLE people ADD UNIQUE (id) DEFERRABLE", "0A000", "it is deferrable"),
        ("CREATE UNIQUE INDEX CONCURRENTLY ON people (region, name)", "0A000", "without region and id"),
        ("ALTER TABLE people DROP COLUMN region", "0A000", "cannot be dropped"),
        ("ALTER TABLE people ALTER region TYPE varchar(2)", "0A000", "other shards"),
        ("CREATE TABLE toys (a int REFERENCES people (id))", "0A000", ""),
        ("/* shardproxy: key=1 */ SELECT * FROM people, pg_class", "0A000", "does not say the zone"),
        ("SELECT create_distributed_function('lower(text)', '$1', colocate_with => 'people')", "0A000", "without its region"),
        ("SELECT add_shard_zone('people', '(jp) on s0, (kr) on s1')", "22023", "one zone is added at a time"),
        ("SELECT add_shard_zone('people', '(eu) on s0')", "22023", "there twice"),
        ("SELECT add_shard_range('people', '[1,2)')", "22023", "placed by zone"),
        ("SELECT split_shard_range('people', '2')", "22023", "not by ranges"),
        ("SELECT move_shard_key('people', 1, 's2')", "22023", ""),
    ];

    [Fact]
    public async Task What_would_leave_its_zone_is_refused()
    {
        foreach (var (sql, state, because) in Refused)
        {
            var error = (await _client.QueryAsync(sql)).First(static message => message.Type == 'E');
            error.SqlState.ShouldBe(state, error.ToString());
            error.ToString().ShouldContain(because);
        }
        (await _client.ScalarAsync("SELECT count(*) FROM people")).ShouldBe("0");
    }

    [Fact]
    public async Task Values_are_unique_over_all_zones()
    {
        await _client.MustAsync("ALTER TABLE people ADD CONSTRAINT one_id UNIQUE (id)");
        await _client.MustAsync("INSERT INTO people VALUES (1, 'eu', 'x')");
        (await _client.QueryAsync("INSERT INTO people VALUES (1, 'us', 'x')")).First(static message => message.Type == 'E').SqlState.ShouldBe("23505");
        await _client.MustAsync("INSERT INTO people VALUES (2, 'us', 'x')");
        await _client.MustAsync("ALTER TABLE people DROP CONSTRAINT one_id");
        await _client.MustAsync("INSERT INTO people VALUES (1, 'us', 'x')");
        await _client.MustAsync("DELETE FROM people");
    }

    [Fact]
    public async Task A_copied_row_without_a_zone_stores_nothing()
    {
        foreach (var (copy, data, state) in ((string, string, string)[])
        [
            ("COPY people FROM STDIN", "1\tmars\tx\n", "23514"),
            ("COPY people FROM STDIN", "1\teu\tx\n1\t\\N\tx\n", "23502"),
            ("COPY people FROM STDIN", "1\n", "22P04"),
            ("COPY people (id, name) FROM STDIN", "1\tx\n", "0A000"),
        ])
        {
            var replies = await _client.RunAsync(new FrontendScript().Query(copy).CopyData(data).CopyDone());
            replies.First(static message => message.Type == 'E').SqlState.ShouldBe(state, string.Join('\n', replies));
        }
        (await _client.ScalarAsync("SELECT count(*) FROM people")).ShouldBe("0");
    }

    [Fact]
    public async Task Explain_says_zone_key_bucket_and_shard()
    {
        var one = await ExplainAsync("SELECT * FROM people WHERE region = 'us' AND id = 7");
        one[0][0].ShouldBe("one shard, by the key");
        one.Select(static row => row[2]).ShouldBe(["us", "7"]);
        one[1][5].ShouldBe(one[0][1], "the key's bucket belongs to the shard chosen");
        (await ExplainAsync("SELECT * FROM people WHERE region = 'us'"))[0][1].ShouldBe("s2, s3");
        (await ExplainAsync("SELECT * FROM people WHERE id = 7"))[0][1].Split(", ").Length.ShouldBe(2);
        (await ExplainAsync("INSERT INTO people VALUES (1, 'mars')"))[0][0].ShouldBe("refused");
    }

    [Fact]
    public async Task A_zone_is_added_and_its_column_renamed_and_a_new_proxy_knows()
    {
        await _client.MustAsync("SELECT add_shard_zone('people', '(jp, kr) on s1 s2')");
        await _client.MustAsync("INSERT INTO people SELECT 1, 'jp', 'x'");
        await _client.MustAsync("ALTER TABLE people RENAME region TO country");
        await _client.MustAsync("INSERT INTO people (id, country) VALUES (2, 'kr'), (3, 'jp')");
        (await _client.ScalarAsync("SELECT count(*) FROM people WHERE country IN ('jp', 'kr')")).ShouldBe("3");
        (await _cluster.Shards[0].ScalarAsync<long>("SELECT count(*) FROM people")).ShouldBe(0);
        (await _cluster.Shards[3].ScalarAsync<long>("SELECT count(*) FROM people")).ShouldBe(0);
    }

    [Fact]
    public async Task Rows_that_stand_outside_of_their_zone_when_the_table_is_first_seen_are_a_problem()
    {
        foreach (var shard in _cluster.Shards)
        {
            await shard.ExecuteAsync("CREATE TABLE later (id int, region text, PRIMARY KEY (region, id)); GRANT ALL ON later TO PUBLIC");
            await shard.ExecuteAsync("CREATE TABLE right_ones (id int, region text, PRIMARY KEY (region, id)); GRANT ALL ON right_ones TO PUBLIC");
        }
        await _cluster.Shards[3].ExecuteAsync("INSERT INTO later VALUES (1, 'eu')");
        await _cluster.Shards[3].ExecuteAsync("INSERT INTO right_ones VALUES (1, 'us')");
        // Makes the proxy read the catalogs again.
        await _client.MustAsync("CREATE TABLE any_other (a int)");

        (await ErrorAsync("SELECT * FROM later WHERE region = 'eu' AND id = 1")).ShouldContain("belong on others");
        (await _client.ScalarAsync("SELECT id FROM right_ones WHERE region = 'us'")).ShouldBe("1");
    }

    private async Task<string> ErrorAsync(string sql) => (await _client.QueryAsync(sql)).First(static message => message.Type == 'E').ToString();

    private async Task CopyAsync(string copy, string data)
    {
        var replies = await _client.RunAsync(new FrontendScript().Query(copy).CopyData(data).CopyDone());
        replies.ShouldNotContain(static message => message.Type == 'E', string.Join('\n', replies));
    }

    private async Task<List<string[]>> ExplainAsync(string sql) =>
        [.. (await _client.MustAsync($"EXPLAIN (SHARDS) {sql}")).Where(static message => message.Type == 'D').Select(static message => message.TextValues.ToArray())];
}
