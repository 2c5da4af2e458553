using System.Collections.Concurrent;
using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Uniqueness;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Directory;

/// <summary>A further shard for a database whose clients are at work, by SQL and by the configuration file.</summary>
public sealed class AddShardTests : IAsyncLifetime
{
    private const int SignalHangup = 1;
    private const int Colours = 20;

    private readonly ConcurrentQueue<string> _errors = new();
    private Cluster _cluster = null!;
    private PostgresServer _added = null!;
    private volatile bool _stopping;
    private int _statements;

    public async Task InitializeAsync()
    {
        var added = PostgresServer.StartAsync("s2");
        _cluster = await Cluster.StartAsync(2);
        _added = await added;
    }

    public async Task DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await _added.DisposeAsync();
    }

    [Fact]
    public async Task A_shard_joins_a_fleet_by_SQL_while_clients_work()
    {
        await using var redis = await RedisServer.StartAsync();
        var proxies = new List<ProxyProcess>();
        for (var number = 0; number < 3; number++)
            proxies.Add(await _cluster.StartProxyAsync(new ProxyOptions(Redis: redis.Url)));
        await using var client = await WireClient.ConnectAsync(proxies[0].Endpoint);
        await CreateAsync(client);
        var load = Enumerable.Range(0, 9).Select(number => LoadAsync(proxies[number % 3], number)).ToArray();
        await ProgressAsync();

        await MakeTypeAsync();
        await client.MustAsync($"SELECT add_shard('s2', '{TargetOf(_added)}')");

        await ProgressAsync();
        _stopping = true;
        await Task.WhenAll(load);
        _errors.ShouldBeEmpty();
        await CheckMemberAsync(proxies);
        // It stands in no file: the directory remembers it.
        await proxies[1].StopAsync();
        proxies[1] = await _cluster.RestartProxyAsync(proxies[1]);
        await CheckMemberAsync(proxies);
    }

    [Fact]
    public async Task A_shard_joins_by_the_file_and_SIGHUP_while_clients_work()
    {
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions());
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await CreateAsync(client);
        var load = Enumerable.Range(0, 4).Select(number => LoadAsync(proxy, number)).ToArray();

        await client.MustAsync("CREATE TABLE ranked (id int PRIMARY KEY); CREATE TABLE ranked_items (id int, n int)");
        await NameShardAndTablesAsync(proxy);
        proxy.Signal(SignalHangup);
        await Until.TrueAsync(() => proxy.Log.Contains("lacks what the other shards have: type public.mood", StringComparison.Ordinal), "it is told what is missing");
        await MakeTypeAsync();
        proxy.Signal(SignalHangup);
        await Until.TrueAsync(() => proxy.Log.Contains("shard s2 at", StringComparison.Ordinal), "it was added");

        await ProgressAsync();
        await CheckFileTablesAsync(client);
        _stopping = true;
        await Task.WhenAll(load);
        _errors.ShouldBeEmpty();
        await CheckMemberAsync([proxy]);
        await proxy.StopAsync();
        await CheckMemberAsync([await _cluster.RestartProxyAsync(proxy)]);
    }

    [Fact]
    public async Task A_file_with_a_shard_and_tables_on_it_is_taken_by_a_fleet_at_restart_and_by_SIGHUP()
    {
        await using var redis = await RedisServer.StartAsync();
        var restarted = await _cluster.StartProxyAsync(new ProxyOptions(Redis: redis.Url, Lease: "5s"));
        var told = await _cluster.StartProxyAsync(new ProxyOptions(Redis: redis.Url, Lease: "5s"));
        await using var client = await WireClient.ConnectAsync(told.Endpoint);
        await CreateAsync(client);
        await client.MustAsync("CREATE TABLE ranked (id int PRIMARY KEY); CREATE TABLE ranked_items (id int, n int)");
        await MakeTypeAsync();
        foreach (var proxy in (ProxyProcess[])[restarted, told])
            await NameShardAndTablesAsync(proxy);
        await restarted.StopAsync();

        restarted = await _cluster.RestartProxyAsync(restarted);
        told.Signal(SignalHangup);
        await using var first = await WireClient.ConnectAsync(restarted.Endpoint);

        await CheckFileTablesAsync(first);
        await CheckFileTablesAsync(client, 1);
        restarted.Log.ShouldNotContain("not declared");
    }

    [Fact]
    public async Task One_shard_becomes_two()
    {
        await using var single = await Cluster.StartAsync(1);
        var proxy = await single.StartProxyAsync(new ProxyOptions());
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await using var other = await WireClient.ConnectAsync(proxy.Endpoint);
        await CreateAsync(client);
        await MakeTypeAsync();
        for (var key = 0; key < 4; key++)
            await other.MustAsync($"INSERT INTO places (k) VALUES ({key})");

        await client.MustAsync($"SELECT add_shard('s1', '{TargetOf(_added)}')");

        for (var key = 4; key < 8; key++)
            await other.MustAsync($"INSERT INTO places (k) VALUES ({key})");
        (await _added.ScalarAsync<long>("SELECT count(*) FROM places")).ShouldBe(4);
        await other.MustAsync("BEGIN; DELETE FROM places WHERE k IN (0, 7); INSERT INTO colours VALUES (99, 'both'); COMMIT");
        foreach (var shard in (PostgresServer[])[single.Home, _added])
        {
            (await shard.ScalarAsync<long>("SELECT count(*) FROM places")).ShouldBe(3);
            (await shard.ScalarAsync<long>("SELECT count(*) FROM colours WHERE id = 99")).ShouldBe(1);
        }
        (await other.ScalarAsync("SELECT count(*) FROM places")).ShouldBe("6");
        (await single.Home.ScalarAsync<long>("SELECT max_value FROM pg_sequences WHERE sequencename = 'places_id_seq'")).ShouldBe((1L << 48) - 1);
    }

    [Fact]
    public async Task What_is_under_way_on_all_shards_is_waited_for()
    {
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions());
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await using var writer = await WireClient.ConnectAsync(proxy.Endpoint);
        await using var late = await WireClient.ConnectAsync(proxy.Endpoint);
        await CreateAsync(client);
        await MakeTypeAsync();
        await writer.MustAsync("BEGIN");
        await writer.MustAsync("INSERT INTO colours VALUES (100, 'late')");
        await writer.MustAsync("ALTER TABLE hashed ADD COLUMN extra int");

        var join = client.MustAsync($"SELECT add_shard('s2', '{TargetOf(_added)}')");
        await Until.TrueAsync(
            async () => await _cluster.Home.ScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") > 0, "the shard waits");
        var behind = late.MustAsync("INSERT INTO colours VALUES (101, 'later')");
        await writer.MustAsync("INSERT INTO colours VALUES (102, 'last')");
        await writer.MustAsync("COMMIT");
        await join;
        await behind;

        (await _added.ScalarAsync<long>("SELECT count(*) FROM colours WHERE id >= 100")).ShouldBe(3);
        (await _added.ScalarAsync<long>("SELECT count(*) FROM pg_attribute WHERE attrelid = 'hashed'::regclass AND attname = 'extra'")).ShouldBe(1);
    }

    [Fact]
    public async Task When_the_proxy_dies_half_way_another_adds_the_shard()
    {
        await using var redis = await RedisServer.StartAsync();
        var dying = await _cluster.StartProxyAsync(new ProxyOptions(Redis: redis.Url, Lease: "5s"));
        var other = await _cluster.StartProxyAsync(new ProxyOptions(Redis: redis.Url, Lease: "5s"));
        await using var client = await WireClient.ConnectAsync(other.Endpoint);
        await CreateAsync(client);
        await MakeTypeAsync();
        await _added.ExecuteAsync("CREATE TABLE places (k int, id bigserial, PRIMARY KEY (k, id))");
        await using var hold = new NpgsqlConnection(_added.ConnectionStringFor(PostgresServer.SuperUser));
        await hold.OpenAsync();
        await using (var command = new NpgsqlCommand("BEGIN; LOCK TABLE places IN ACCESS EXCLUSIVE MODE", hold))
            await command.ExecuteNonQueryAsync();
        await using var adder = await WireClient.ConnectAsync(dying.Endpoint);
        var attempt = adder.QueryAsync($"SELECT add_shard('s2', '{TargetOf(_added)}')");
        await Until.TrueAsync(async () => await _added.ScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0, "it has come to the table");

        await dying.KillAsync();
        await hold.CloseAsync();
        await Should.ThrowAsync<Exception>(attempt);

        await client.MustAsync($"SELECT add_shard('s2', '{TargetOf(_added)}')");
        await CheckMemberAsync([other]);
    }

    [Fact]
    public async Task What_cannot_be_a_shard_is_refused_and_changes_nothing()
    {
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions());
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await CreateAsync(client);
        await MakeTypeAsync();
        var target = TargetOf(_added);

        (await ErrorAsync(client, $"SELECT add_shard('s1', '{target}')")).ShouldContain("already");
        (await ErrorAsync(client, $"SELECT add_shard('s 2', '{target}')")).ShouldContain("name");
        (await ErrorAsync(client, $"SELECT add_shard('s2', '{TargetOf(_cluster.Shards[1])}')")).ShouldContain("\"s1\" already");
        (await ErrorAsync(client, $"SELECT add_shard('s2', '{target} password=x')")).ShouldContain("home shard");
        (await ErrorAsync(client, $"SELECT add_shard('s2', 'port=1')")).ShouldContain("host is missing");
        (await ErrorAsync(client, $"SELECT add_shard('s2', 'host=127.0.0.1 port={FreePort.Next()}')")).ShouldContain("cannot be reached");
        (await ErrorAsync(client, $"BEGIN; SELECT add_shard('s2', '{target}')")).ShouldContain("transaction block");
        await client.QueryAsync("ROLLBACK");
        await _added.ExecuteAsync("ALTER DATABASE shop SET shardproxy.stamp = '0188bd9c-7f0a-7cc3-b7a5-0123456789ab/shop/s7'");
        (await ErrorAsync(client, $"SELECT add_shard('s2', '{target}')")).ShouldContain("\"s7\"");
        await _added.ExecuteAsync("ALTER DATABASE shop RESET shardproxy.stamp");
        await _added.ExecuteAsync("CREATE TABLE hashed (other int)");
        (await ErrorAsync(client, $"SELECT add_shard('s2', '{target}')")).ShouldContain("made differently");
        await _added.ExecuteAsync("DROP TABLE hashed; DELETE FROM colours; INSERT INTO colours VALUES (1, 'none')");
        (await ErrorAsync(client, $"SELECT add_shard('s2', '{target}')")).ShouldContain("other rows");

        (await client.ScalarAsync("SELECT count(*) FROM hashed")).ShouldBe("0");
        await _added.ExecuteAsync("DELETE FROM colours");
        await client.MustAsync($"SELECT add_shard('s2', '{target}')");
        (await _added.ScalarAsync<long>("SELECT count(*) FROM colours")).ShouldBe(Colours);
    }

    private static async Task CreateAsync(WireClient client)
    {
        await client.MustAsync("CREATE TYPE mood AS ENUM ('good', 'bad')");
        await client.MustAsync("CREATE TABLE colours (id int PRIMARY KEY, name text)");
        await client.MustAsync("SELECT create_reference_table('colours')");
        await client.MustAsync("CREATE TABLE hashed (k int PRIMARY KEY, colour int REFERENCES colours, n int, mood mood)");
        await client.MustAsync("SELECT create_distributed_table('hashed', 'k')");
        await client.MustAsync("CREATE TABLE places (k int, id bigserial, PRIMARY KEY (k, id))");
        await client.MustAsync("SELECT create_distributed_table('places', 'k', strategy => 'lookup')");
        await client.MustAsync("CREATE TABLE mails (k int, mail text UNIQUE)");
        await client.MustAsync("SELECT create_distributed_table('mails', 'k', colocate_with => 'places')");
        await client.MustAsync("CREATE UNIQUE INDEX ON mails (upper(mail)) WHERE mail <> ''");
        await client.MustAsync("CREATE VIEW seen AS SELECT colour, count(*) FROM hashed GROUP BY colour");
        for (var id = 0; id < Colours; id++)
            await client.MustAsync($"INSERT INTO colours VALUES ({id}, 'c{id}')");
    }

    private async Task NameShardAndTablesAsync(ProxyProcess proxy)
    {
        var lines = (await File.ReadAllLinesAsync(proxy.ConfigFile)).ToList();
        var last = lines.FindIndex(static line => line.Contains("name: s1", StringComparison.Ordinal));
        lines.Insert(last + 1, lines[last].Replace("s1", "s2", StringComparison.Ordinal).Replace($"port={_cluster.Shards[1].Port}", $"port={_added.Port}", StringComparison.Ordinal));
        lines.AddRange([
            "    tables:",
            "      people: { key: id, zone: { column: region, values: { eu: [s0, s1], us: [s2] } } }",
            "      ranked_items: { key: id, colocate_with: ranked }",
            "      ranked: { key: id, strategy: range, ranges: \"[,10) on s0, [10,) on s2\" }",
        ]);
        await File.WriteAllLinesAsync(proxy.ConfigFile, lines);
    }

    /// <summary>Tables of the file: two that were there, the last to be declared, and one that is made when it is in force.</summary>
    private async Task CheckFileTablesAsync(WireClient client, int round = 0)
    {
        await Until.TrueAsync(
            async () => (await client.QueryAsync("EXPLAIN (SHARDS) SELECT * FROM ranked_items WHERE id = 11")).Exists(static message => message.Type == 'D' && message.TextValues.Contains("s2")),
            "the table is where the file says");
        if (round == 0)
            await client.MustAsync("CREATE TABLE people (id int, region text)");
        await client.MustAsync($"INSERT INTO ranked VALUES ({1 + round}), ({11 + round})");
        await client.MustAsync($"INSERT INTO ranked_items VALUES (11, {round})");
        await client.MustAsync($"INSERT INTO people VALUES ({round}, 'us'), ({round}, 'eu')");
        foreach (var table in (string[])["ranked", "ranked_items", "people"])
            (await _added.ScalarAsync<long>($"SELECT count(*) FROM {table}")).ShouldBe(1 + round, table);
        (await client.ScalarAsync("SELECT count(*) FROM people")).ShouldBe($"{2 + (2 * round)}");
    }

    // What an operator does who restores the schema there.
    private Task MakeTypeAsync() => _added.ExecuteAsync("CREATE TYPE mood AS ENUM ('good', 'bad')");

    private async Task LoadAsync(ProxyProcess proxy, int seed)
    {
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        for (var number = 0; !_stopping; number++)
        {
            var key = (seed * 1_000_000) + number;
            foreach (var statement in (string[])[
                $"INSERT INTO hashed VALUES ({key}, {number % Colours}, 0, 'good')",
                $"INSERT INTO places (k) VALUES ({key})",
                $"INSERT INTO colours VALUES ({key + 1000}, 'x')",
                $"BEGIN; UPDATE hashed SET n = n + 1 WHERE k IN ({key}, {key + 1}); UPDATE colours SET name = 'y' WHERE id = {key + 1000}; COMMIT",
            ])
            {
                if ((await client.QueryAsync(statement)).FirstOrDefault(static message => message.Type == 'E') is { } error)
                    _errors.Enqueue($"{statement}: {error}");
            }
            // Every client tries to have the same values; each value is for the first.
            if ((await client.QueryAsync($"INSERT INTO mails VALUES ({key}, 'm{number}')")).FirstOrDefault(static message => message.Type == 'E') is not { } other)
                await ShouldBeAsync(client, $"SELECT k FROM mails WHERE mail = 'm{number}'", $"{key}");
            else if (other.SqlState != "23505")
                _errors.Enqueue(other.ToString());
            await ShouldBeAsync(client, $"SELECT count(*) FROM hashed JOIN colours ON colours.id = colour WHERE k = {key}", "1");
            await ShouldBeAsync(client, $"SELECT name FROM colours WHERE id = {key + 1000}", "y");
            await ShouldBeAsync(client, $"SELECT count(*) FROM places WHERE k = {key}", "1");
            await ShouldBeAsync(client, $"SELECT count(*) >= {Colours} FROM colours", "t");
            if (number % 10 == 0 && (await client.QueryAsync("SELECT count(*), sum(n) FROM hashed")).FirstOrDefault(static message => message.Type == 'E') is { } failed)
                _errors.Enqueue(failed.ToString());
            Interlocked.Increment(ref _statements);
        }
    }

    private async Task ShouldBeAsync(WireClient client, string sql, string expected)
    {
        var reply = (await client.QueryAsync(sql)).FirstOrDefault(static message => message.Type is 'D' or 'E');
        if (reply is not { Type: 'D' } || reply.TextValues[0] != expected)
            _errors.Enqueue($"{sql}: {reply}");
    }

    private Task ProgressAsync()
    {
        var goal = Volatile.Read(ref _statements) + 30;
        return Until.TrueAsync(() => Volatile.Read(ref _statements) >= goal, "the load goes on");
    }

    /// <summary>It has what the others have, owns no bucket of hashed keys, and takes part in everything.</summary>
    private async Task CheckMemberAsync(IReadOnlyList<ProxyProcess> proxies)
    {
        PostgresServer[] shards = [.. _cluster.Shards, _added];
        const string Copy = "SELECT count(*) || ' ' || sum(hashtextextended(c::text, 0)) FROM colours c";
        var copies = await Task.WhenAll(shards.Select(shard => shard.ScalarAsync<string>(Copy)));
        copies.ShouldAllBe(copy => copy == copies[0]);
        var placed = await _added.ScalarAsync<long>("SELECT count(*) FROM mails");
        (await _added.ScalarAsync<long>("SELECT count(*) FROM hashed")).ShouldBe(0);
        (await _added.ScalarAsync<long>("SELECT min_value FROM pg_sequences WHERE sequencename = 'places_id_seq'")).ShouldBe((2L << 48) + 1);
        for (var index = 0; index < proxies.Count; index++)
        {
            await using var client = await WireClient.ConnectAsync(proxies[index].Endpoint);
            var first = 50_000_000 + Random.Shared.Next(10_000_000);
            var before = await _added.ScalarAsync<long>("SELECT count(*) FROM places");
            for (var key = first; key < first + 10; key++)
                await client.MustAsync($"INSERT INTO places (k) VALUES ({key})");
            (await _added.ScalarAsync<long>("SELECT count(*) FROM places")).ShouldBeGreaterThan(before, "new keys are placed there");
            (await client.ScalarAsync($"SELECT count(*) FROM places WHERE k BETWEEN {first} AND {first + 9}")).ShouldBe("10");
            for (var key = first; key < first + 10; key++)
                await client.MustAsync($"INSERT INTO mails VALUES ({key}, 'n{key}')");
            (await ErrorAsync(client, $"UPDATE mails SET mail = 'n{first}' WHERE k = {first + 9}")).ShouldContain("23505");
            await client.MustAsync($"DELETE FROM mails WHERE k = {first + 8}");
            await client.MustAsync($"INSERT INTO mails VALUES ({first}, 'n{first + 8}')");
            await client.MustAsync($"CREATE TYPE t{first} AS ENUM ('x'); ALTER TABLE hashed ADD COLUMN c{first} t{first}");
            await client.MustAsync($"UPDATE colours SET name = '{first}' WHERE id = 1");
            await client.MustAsync($"BEGIN; INSERT INTO places (k) VALUES ({first}); INSERT INTO hashed (k) VALUES ({first}), ({first + 1}), ({first + 2}); COMMIT");
            foreach (var shard in shards)
            {
                (await shard.ScalarAsync<long>($"SELECT count(*) FROM pg_attribute WHERE attrelid = 'hashed'::regclass AND attname = 'c{first}'")).ShouldBe(1);
                (await shard.ScalarAsync<string>("SELECT name FROM colours WHERE id = 1")).ShouldBe($"{first}");
                (await shard.ScalarAsync<long>("SELECT count(*) FROM pg_prepared_xacts")).ShouldBe(0);
            }
            (await client.ScalarAsync("SELECT sum(count) >= 3 FROM seen")).ShouldBe("t");
        }
        (await _added.ScalarAsync<long>("SELECT count(*) FROM mails")).ShouldBeGreaterThan(placed);
        var (rows, entries) = await UniqueCluster.CompareAsync(shards, "mails", "mail", "k");
        entries.ShouldBe(rows);
    }

    private static string TargetOf(PostgresServer server) => $"host={PostgresServer.Host} port={server.Port} dbname={PostgresServer.Database}";

    private static async Task<string> ErrorAsync(WireClient client, string sql) =>
        (await client.QueryAsync(sql)).FirstOrDefault(static message => message.Type == 'E')?.ToString() ?? "";
}
