using System.Collections.Concurrent;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Directory;

/// <summary>
/// Lookup tables under load on three proxies while their Redis is killed, emptied, stopped and failed over. No query fails but
/// those of new keys (57P03), and afterwards the directory says of every key what its rows say.
/// </summary>
public sealed class LookupFaultTests : IAsyncLifetime
{
    private const int Proxies = 3;
    private const int Keys = 100;

    // A new key's place cannot be stored: documented for the time in which the store does not answer or is being made whole.
    private const string CannotPlace = "57P03";

    private readonly ConcurrentQueue<string> _errors = new();
    private readonly List<ProxyProcess> _proxies = [];
    private Cluster _cluster = null!;
    private RedisServer _redis = null!;
    private volatile bool _stopping;
    private int _rows;
    private int _newRows;
    private int _newKey = 100_000;
    private int _statements;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(2);
        _redis = await RedisServer.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task No_query_fails_and_the_directory_is_whole_afterwards()
    {
        await StartProxiesAsync(_redis.Url);
        await using var client = await WireClient.ConnectAsync(_proxies[0].Endpoint);
        await CreateAsync(client);
        var load = StartLoad();

        await _redis.KillAsync();
        await ProgressAsync();
        await _redis.RestartAsync();
        await WholeAsync(client, _redis);
        await _redis.EmptyAsync();
        await WholeAsync(client, _redis);
        _redis.Pause();
        await Until.PassedAsync(RedisServer.PauseTime);
        await ProgressAsync();
        _redis.Continue();
        await WholeAsync(client, _redis);
        // What it had on disk is old: the places given since, and moves, are missing.
        await _redis.TryCommandAsync("SAVE");
        await client.MustAsync($"SELECT move_shard_key('t', 0, '{await OtherShardAsync(0)}')");
        await ProgressAsync();
        await _redis.KillAsync();
        await _redis.RestartAsync(withData: true);
        await WholeAsync(client, _redis);

        await StopAsync(load);
        await CheckAsync(client, _redis);
    }

    [Fact]
    public async Task A_replica_that_lacks_the_last_writes_is_told_what_it_lacks()
    {
        await using var replica = await RedisServer.StartAsync("--replicaof", "127.0.0.1", $"{_redis.Port}");
        await Until.TrueAsync(async () => (await replica.TryCommandAsync("INFO replication"))!.Contains("master_link_status:up", StringComparison.Ordinal), "the replica follows");
        await StartProxiesAsync($"redis://127.0.0.1:{_redis.Port},127.0.0.1:{replica.Port}/0");
        await using var client = await WireClient.ConnectAsync(_proxies[0].Endpoint);
        await CreateAsync(client);
        var load = StartLoad();
        await ProgressAsync();
        await Until.TrueAsync(
            async () => (await replica.TryCommandAsync("DBSIZE")) == await _redis.TryCommandAsync("DBSIZE") && await PlacesAsync(replica) >= Keys, "the replica has all");

        // From here on nothing reaches it.
        await replica.TryCommandAsync($"REPLICAOF 127.0.0.1 {FreePort.Next()}");
        for (var key = 0; key < 10; key++)
            await client.MustAsync($"SELECT move_shard_key('t', {key}, '{await OtherShardAsync(key)}')");
        await client.MustAsync("BEGIN; INSERT INTO t VALUES (2000, 0); ROLLBACK");
        await _redis.KillAsync();
        await ProgressAsync();
        await replica.TryCommandAsync("REPLICAOF NO ONE");
        await WholeAsync(client, replica);

        await StopAsync(load);
        await CheckAsync(client, replica);
    }

    [Fact]
    public async Task A_key_that_only_one_proxy_remembers_is_not_placed_a_second_time()
    {
        await StartProxiesAsync(_redis.Url, count: 2);
        await using var one = await WireClient.ConnectAsync(_proxies[0].Endpoint);
        await using var other = await WireClient.ConnectAsync(_proxies[1].Endpoint);
        await CreateAsync(one, "int");
        for (var round = 0; round < 5; round++)
        {
            // By policy each would go to the shard with the fewest, so in another order each would go elsewhere.
            for (var key = 0; key < 20; key++)
            {
                await one.MustAsync("BEGIN");
                await one.MustAsync($"INSERT INTO t VALUES ({(round * 100) + key}, 1)");
                await one.MustAsync("ROLLBACK");
            }
            await one.MustAsync("BEGIN");
            await one.MustAsync($"INSERT INTO t VALUES ({round * 100}, 1)");

            await _redis.EmptyAsync();
            for (var key = 19; key >= 1; key--)
                await Task.WhenAll(other.MustAsync($"INSERT INTO t VALUES ({(round * 100) + key}, 2)"));
            // Nobody sees its row yet.
            await other.MustAsync($"INSERT INTO t VALUES ({round * 100}, 2)");
            await one.MustAsync("COMMIT");
            for (var key = 0; key < 20; key++)
                await one.MustAsync($"INSERT INTO t VALUES ({(round * 100) + key}, 3)");
        }
        await CheckTogetherAsync();
        (await other.ScalarAsync("SELECT count(*) FROM t")).ShouldBe($"{5 * ((2 * 20) + 1)}");
    }

    [Fact]
    public async Task A_key_that_its_proxy_has_forgotten_is_not_placed_a_second_time_while_its_first_row_is_uncommitted()
    {
        await StartProxiesAsync(_redis.Url, count: 2);
        await using var one = await WireClient.ConnectAsync(_proxies[0].Endpoint);
        await using var other = await WireClient.ConnectAsync(_proxies[1].Endpoint);
        await CreateAsync(one, "text");
        // Longer than what a proxy remembers. By policy the first key of a store goes to one shard, the second to the other.
        var (first, second) = (new string('a', 600), new string('b', 600));
        await one.MustAsync("BEGIN");
        await one.MustAsync($"INSERT INTO t VALUES ('{first}', 1)");
        await one.MustAsync("ROLLBACK");
        await one.MustAsync("BEGIN");
        await one.MustAsync($"INSERT INTO t VALUES ('{second}', 1)");

        await _redis.EmptyAsync();
        var insert = other.QueryAsync($"INSERT INTO t VALUES ('{second}', 2)");
        await Until.TrueAsync(async () => await _redis.TryCommandAsync("EXISTS {shardproxy}:database:shop") is ":1\r\n", "the directory is back");
        await Until.PassedAsync(TimeSpan.FromSeconds(2));
        await one.MustAsync("COMMIT");

        var refused = (await insert).Any(static message => message.Type == 'E' && message.SqlState == CannotPlace);
        if (refused)
            await Until.TrueAsync(async () => (await ErrorAsync(other, $"INSERT INTO t VALUES ('{second}', 2)")).Length == 0, "new keys are placed again");
        await CheckTogetherAsync();
        (await other.ScalarAsync($"SELECT count(*) FROM t WHERE k = '{second}'")).ShouldBe("2");
    }

    [Fact]
    public async Task A_proxy_that_may_still_write_is_waited_for_before_new_keys_are_placed()
    {
        await StartProxiesAsync(_redis.Url, count: 2, lease: "8s");
        await using var one = await WireClient.ConnectAsync(_proxies[0].Endpoint);
        await one.MustAsync("CREATE TABLE t (k int PRIMARY KEY)");
        await one.MustAsync("SELECT create_distributed_table('t', 'k', strategy => 'lookup')");
        await one.MustAsync("INSERT INTO t VALUES (1)");

        // It cannot tell what it knows, and holds its lease all the same.
        _proxies[1].Signal(19);
        await _redis.EmptyAsync();

        (await ErrorAsync(one, "INSERT INTO t VALUES (2)")).ShouldContain(CannotPlace);
        await one.MustAsync("DELETE FROM t WHERE k = 1; INSERT INTO t VALUES (1)");
        (await one.ScalarAsync("SELECT count(*) FROM t WHERE k = 2")).ShouldBe("0");
        await Until.TrueAsync(async () => (await ErrorAsync(one, "INSERT INTO t VALUES (2)")).Length == 0, "its lease has ended", TimeSpan.FromSeconds(60));
        _proxies[1].Signal(18);
    }

    private static async Task CreateAsync(WireClient client, string keyType)
    {
        await client.MustAsync($"CREATE TABLE t (k {keyType}, id bigint, PRIMARY KEY (k, id))");
        await client.MustAsync("SELECT create_distributed_table('t', 'k', strategy => 'lookup')");
    }

    private async Task StartProxiesAsync(string redis, int count = Proxies, string lease = "60s")
    {
        for (var number = 0; number < count; number++)
            _proxies.Add(await _cluster.StartProxyAsync(new ProxyOptions(Redis: redis, Lease: lease)));
    }

    private static async Task CreateAsync(WireClient client)
    {
        await client.MustAsync("CREATE TABLE t (k int, id bigint, PRIMARY KEY (k, id))");
        await client.MustAsync("SELECT create_distributed_table('t', 'k', strategy => 'lookup')");
        // Half of the keys have no rows, so that only the proxies' memory says where they belong.
        for (var key = 0; key < Keys; key++)
            await client.MustAsync($"BEGIN; INSERT INTO t VALUES ({key}, 0); {(key % 2 == 0 ? "COMMIT" : "ROLLBACK")}");
    }

    private Task[] StartLoad() =>
    [
        .. Enumerable.Range(0, 6).Select(number => LoadAsync(_proxies[number % Proxies], number)),
        .. Enumerable.Range(0, 2).Select(number => PlaceAsync(_proxies[number % Proxies])),
    ];

    private async Task StopAsync(Task[] load)
    {
        await ProgressAsync();
        _stopping = true;
        await Task.WhenAll(load);
        _errors.ShouldBeEmpty();
    }

    // Works on keys that every proxy has met.
    private async Task LoadAsync(ProxyProcess proxy, int seed)
    {
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        var random = new Random(seed);
        for (var key = 0; key < Keys; key++)
            await client.MustAsync($"SELECT FROM t WHERE k = {key}");
        for (var id = (seed * 1_000_000L) + 1; !_stopping; id++)
        {
            var key = random.Next(Keys);
            var written = await client.QueryAsync($"INSERT INTO t VALUES ({key}, {id})");
            Count(written, ref _rows);
            var found = await client.QueryAsync($"SELECT id FROM t WHERE k = {key} AND id = {id}");
            if (!found.Any(static message => message.Type == 'D') && !written.Any(static message => message.Type == 'E'))
                _errors.Enqueue($"{key} {id}: {string.Join(' ', found)}");
            Interlocked.Increment(ref _statements);
        }
    }

    // New keys all the time; while the store does not answer they are refused.
    private async Task PlaceAsync(ProxyProcess proxy)
    {
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        while (!_stopping)
        {
            var written = await client.QueryAsync($"INSERT INTO t VALUES ({Interlocked.Increment(ref _newKey)}, 1)");
            if (!written.Any(static message => message.Type == 'E' && message.ToString().Contains(CannotPlace, StringComparison.Ordinal)))
                Count(written, ref _newRows);
        }
    }

    private void Count(IReadOnlyList<WireMessage> replies, ref int counter)
    {
        if (replies.FirstOrDefault(static message => message.Type == 'E') is { } error)
            _errors.Enqueue(error.ToString());
        else
            Interlocked.Increment(ref counter);
    }

    private Task ProgressAsync()
    {
        var goal = Volatile.Read(ref _statements) + 200;
        return Until.TrueAsync(() => Volatile.Read(ref _statements) >= goal, "the load goes on");
    }

    /// <summary>The directory and all places of keys are there, though nobody may have asked for most of them, and new keys get places.</summary>
    private async Task WholeAsync(WireClient client, RedisServer redis)
    {
        await Until.TrueAsync(
            async () => await redis.TryCommandAsync("EXISTS {shardproxy}:database:shop") is ":1\r\n" && await PlacesAsync(redis) >= Keys,
            "the directory is whole again");
        await Until.TrueAsync(async () => (await ErrorAsync(client, $"INSERT INTO t VALUES ({Interlocked.Increment(ref _newKey)}, 1)")).Length == 0, "new keys are placed again");
        Interlocked.Increment(ref _newRows);
    }

    private static async Task<int> PlacesAsync(RedisServer redis)
    {
        var names = await redis.TryCommandAsync("KEYS {shardproxy}:places:shop:*") ?? "";
        var name = names.Split("\r\n").FirstOrDefault(static line => line.StartsWith('{'));
        return name is not null && int.TryParse((await redis.TryCommandAsync($"HLEN {name}"))?.TrimStart(':').TrimEnd(), out var keys) ? keys : 0;
    }

    private async Task<string> OtherShardAsync(int key) => await _cluster.Shards[0].ScalarAsync<long>($"SELECT count(*) FROM t WHERE k = {key}") > 0 ? "s1" : "s0";

    /// <summary>Every key's rows are on one shard, none is lost, and a proxy that has no memory of its own finds all of them.</summary>
    private async Task CheckAsync(WireClient client, RedisServer redis)
    {
        await CheckTogetherAsync();
        (await client.ScalarAsync("SELECT count(*) FROM t WHERE id > 0")).ShouldBe($"{_rows + _newRows}");
        var late = await _cluster.StartProxyAsync(new ProxyOptions(Redis: redis.Url));
        await using var fresh = await WireClient.ConnectAsync(late.Endpoint);
        await Until.TrueAsync(async () => (await ErrorAsync(fresh, "INSERT INTO t VALUES (1001, 0)")).Length == 0, "it trusts the store");
        for (var key = 0; key < Keys; key++)
        {
            var counts = await Task.WhenAll(_cluster.Shards.Select(shard => shard.ScalarAsync<long>($"SELECT count(*) FROM t WHERE k = {key}")));
            (await fresh.ScalarAsync($"SELECT count(*) FROM t WHERE k = {key}")).ShouldBe($"{counts.Sum()}", $"the entry of {key} agrees with its rows");
        }
    }

    private async Task CheckTogetherAsync()
    {
        var keys = new List<string>();
        foreach (var shard in _cluster.Shards)
            keys.AddRange((await shard.ScalarAsync<string>("SELECT coalesce(string_agg(DISTINCT k::text, ' '), '') FROM t")).Split(' ', StringSplitOptions.RemoveEmptyEntries));
        keys.ShouldBeUnique("no key is on two shards");
    }

    private static async Task<string> ErrorAsync(WireClient client, string sql) =>
        (await client.QueryAsync(sql)).FirstOrDefault(static message => message.Type == 'E')?.ToString() ?? "";
}
