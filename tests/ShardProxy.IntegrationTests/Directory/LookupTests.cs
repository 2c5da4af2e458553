using Microsoft.Data.Sqlite;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Directory;

/// <summary>Tables whose keys are placed by look-up: what the directory's store remembers, loses and finds again.</summary>
public sealed class LookupTests : IAsyncLifetime
{
    private Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(3);

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Keys_of_every_type_are_placed_found_and_found_again_after_their_rows_were_all_that_was_left()
    {
        (string Type, string[] Keys)[] types =
        [
            ("int2", ["-32768", "0", "7"]),
            ("int8", ["-9223372036854775808", "0", "9223372036854775807"]),
            ("numeric", ["-12.5000", "0.00", "1e30", "-0.0001", "NaN", "123456789.123456789", "Infinity", "-Infinity", "9.99", "-9.99"]),
            ("text", ["", "a b", "Grüße", "x''y", "\\x", "0123456789012345678901234567890123456789"]),
            ("varchar(20)", ["", "ab "]),
            ("char(6)", ["ab", "c"]),
            ("uuid", ["00000000-0000-0000-0000-000000000000", "0188bd9c-7f0a-7cc3-b7a5-0123456789ab"]),
            ("bytea", ["\\x", "\\x00ff10"]),
            ("bool", ["true", "false"]),
            ("date", ["2024-02-29", "1999-12-31", "0001-01-01", "0044-03-15 BC", "infinity", "-infinity", "9999-12-31"]),
            ("timestamp", ["2024-02-29 23:59:59.999999", "1969-12-31 00:00:00.000001", "4713-01-01 00:00:00 BC", "infinity", "9999-12-31 00:00:00"]),
            ("timestamptz", ["2024-02-29 23:59:59.999999+00", "1900-03-01 00:00:00.5+00", "0100-01-01 00:00:00+00 BC"]),
        ];
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions());
        await using (var client = await WireClient.ConnectAsync(proxy.Endpoint))
        {
            for (var index = 0; index < types.Length; index++)
            {
                await client.MustAsync($"CREATE TABLE t{index} (k {types[index].Type} PRIMARY KEY, v int)");
                await client.MustAsync($"SELECT create_distributed_table('t{index}', 'k', strategy => 'lookup')");
                for (var number = 0; number < types[index].Keys.Length; number++)
                    await client.MustAsync($"INSERT INTO t{index} VALUES ('{types[index].Keys[number]}', {number})");
            }
            await CheckAsync(client, types);
        }
        await proxy.StopAsync();
        Forget(proxy);
        var again = await _cluster.RestartProxyAsync(proxy);
        await using (var client = await WireClient.ConnectAsync(again.Endpoint))
        {
            // Reading puts a place back, and so does writing: a second row of the key would otherwise go anywhere.
            for (var index = 0; index < types.Length; index++)
            {
                foreach (var key in types[index].Keys)
                    (await ErrorAsync(client, $"INSERT INTO t{index} VALUES ('{key}', 0)")).ShouldContain("23505", Case.Sensitive, $"{types[index].Type} {key}");
            }
            await CheckAsync(client, types);
        }
    }

    [Fact]
    public async Task Unknown_keys_read_as_no_rows_and_become_known_with_their_first_row()
    {
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions());
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await client.MustAsync("CREATE TABLE t (k int PRIMARY KEY, v text)");
        await client.MustAsync("CREATE TABLE u (k int8, n int, PRIMARY KEY (k, n))");
        await client.MustAsync("SELECT create_distributed_table('t', 'k', strategy => 'lookup')");
        await client.MustAsync("SELECT create_distributed_table('u', 'k', colocate_with => 't')");

        for (var round = 0; round < 2; round++)
        {
            var empty = await client.QueryAsync("SELECT * FROM t WHERE k = 5");
            empty.Select(static message => message.Type).ShouldBe(['T', 'C', 'Z']);
            (await client.ScalarAsync("SELECT count(*) FROM t WHERE k = 5")).ShouldBe("0");
            (await client.QueryAsync("UPDATE t SET v = 'x' WHERE k = 5"))[0].ToString().ShouldContain("UPDATE 0");
        }
        await client.MustAsync("INSERT INTO u VALUES (5, 1)");
        await client.MustAsync("INSERT INTO t VALUES (5, 'five')");
        (await client.ScalarAsync("SELECT v FROM t JOIN u USING (k) WHERE k = 5")).ShouldBe("five", "one place for all tables of the group");
        (await client.ScalarAsync("SELECT count(*) FROM t WHERE k IN (5, 6, 7)")).ShouldBe("1");
        (await client.ScalarAsync("SELECT count(*) FROM t WHERE k = ANY ('{5,6,7}')")).ShouldBe("1");

        // Rolled back: the place stays, the row does not.
        await client.MustAsync("BEGIN");
        await client.MustAsync("INSERT INTO t VALUES (9, 'nine')");
        (await client.ScalarAsync("SELECT v FROM t WHERE k = 9")).ShouldBe("nine");
        await client.MustAsync("ROLLBACK");
        (await client.ScalarAsync("SELECT count(*) FROM t WHERE k = 9")).ShouldBe("0");

        var rows = string.Concat(Enumerable.Range(100, 3000).Select(static key => $"{key}\tv{key}\n"));
        var copied = await client.RunAsync(new FrontendScript().Query("COPY t FROM STDIN").CopyData(rows[..5000]).CopyData(rows[5000..]).CopyDone());
        copied.ShouldContain(static message => message.ToString().Contains("COPY 3000", StringComparison.Ordinal), string.Join('\n', copied));
        var counts = await Task.WhenAll(_cluster.Shards.Select(static shard => shard.ScalarAsync<long>("SELECT count(*) FROM t")));
        counts.ShouldAllBe(static count => count >= 1000, "the fewest keys");
        (await client.ScalarAsync("SELECT count(*) FROM t")).ShouldBe("3001");
        (await client.ScalarAsync("SELECT v FROM t WHERE k = 3099")).ShouldBe("v3099");

        await using var explain = await WireClient.ConnectAsync(proxy.Endpoint);
        var refused = string.Join('\n', await explain.QueryAsync("EXPLAIN (SHARDS) INSERT INTO t VALUES (77, '')"));
        refused.ShouldContain("no place yet");
        string.Join('\n', await explain.QueryAsync("EXPLAIN (SHARDS) SELECT * FROM t WHERE k = 5")).ShouldContain("one shard, by the key");
    }

    [Fact]
    public async Task Two_proxies_never_place_a_key_twice_and_a_store_that_lost_it_is_told_again()
    {
        await using var redis = await RedisServer.StartAsync();
        var proxies = new List<ProxyProcess>();
        for (var number = 0; number < 2; number++)
            proxies.Add(await _cluster.StartProxyAsync(new ProxyOptions(Redis: redis.Url)));
        await using var one = await WireClient.ConnectAsync(proxies[0].Endpoint);
        await using var other = await WireClient.ConnectAsync(proxies[1].Endpoint);
        await one.MustAsync("CREATE TABLE t (k int, n int, PRIMARY KEY (k, n))");
        await one.MustAsync("SELECT create_distributed_table('t', 'k', strategy => 'lookup')");

        for (var key = 0; key < 50; key++)
        {
            (await other.ScalarAsync($"SELECT count(*) FROM t WHERE k = {key}")).ShouldBe("0");
            await Task.WhenAll(one.MustAsync($"INSERT INTO t VALUES ({key}, 1)"), other.MustAsync($"INSERT INTO t VALUES ({key}, 2)"));
            (await one.ScalarAsync($"SELECT count(*) FROM t WHERE k = {key}")).ShouldBe("2");
            (await other.ScalarAsync($"SELECT count(*) FROM t WHERE k = {key}")).ShouldBe("2");
        }
        await CheckTogetherAsync();

        await redis.EmptyAsync();
        var late = await _cluster.StartProxyAsync(new ProxyOptions(Redis: redis.Url));
        await using var third = await WireClient.ConnectAsync(late.Endpoint);
        for (var key = 0; key < 60; key++)
            await Task.WhenAll(third.MustAsync($"INSERT INTO t VALUES ({key}, 3)"), other.MustAsync($"INSERT INTO t VALUES ({key}, 4)"));
        await CheckTogetherAsync();

        // Known keys go on without the store, unknown ones are read by their rows, and a new one has to wait.
        await redis.KillAsync();
        await one.MustAsync("INSERT INTO t VALUES (1, 5)");
        (await third.ScalarAsync("SELECT count(*) FROM t WHERE k = 49")).ShouldBe("4");
        (await one.ScalarAsync("SELECT count(*) FROM t WHERE k = 1000")).ShouldBe("0");
        (await ErrorAsync(one, "INSERT INTO t VALUES (1000, 1)")).ShouldContain("57P03");
        await redis.RestartAsync();
        await Until.TrueAsync(async () => (await ErrorAsync(one, "INSERT INTO t VALUES (1000, 1)")).Length == 0, "new keys are placed again");
        await CheckTogetherAsync();
    }

    private async Task CheckTogetherAsync()
    {
        var keys = new List<string>();
        foreach (var shard in _cluster.Shards)
            keys.AddRange((await shard.ScalarAsync<string>("SELECT string_agg(DISTINCT k::text, ' ') FROM t") ?? "").Split(' '));
        keys.ShouldBeUnique();
    }

    private static async Task CheckAsync(WireClient client, (string Type, string[] Keys)[] types)
    {
        for (var index = 0; index < types.Length; index++)
        {
            for (var number = 0; number < types[index].Keys.Length; number++)
            {
                var key = $"'{types[index].Keys[number]}'";
                (await client.ScalarAsync($"SELECT v FROM t{index} WHERE k = {key}")).ShouldBe($"{number}", $"{types[index].Type} {key}");
                (await client.ScalarAsync($"SELECT v FROM t{index} WHERE k IN ({key})")).ShouldBe($"{number}", $"{types[index].Type} {key}");
            }
        }
    }

    /// <summary>As an operator might who lost the file and put an old one back.</summary>
    private void Forget(ProxyProcess proxy)
    {
        using var connection = new SqliteConnection($"Data Source={_cluster.DirectoryPath};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "DELETE FROM key_place; DELETE FROM key_count";
        command.ExecuteNonQuery().ShouldBeGreaterThan(0, proxy.ConfigFile);
    }

    private static async Task<string> ErrorAsync(WireClient client, string sql) =>
        (await client.QueryAsync(sql)).FirstOrDefault(static message => message.Type == 'E')?.ToString() ?? "";
}
