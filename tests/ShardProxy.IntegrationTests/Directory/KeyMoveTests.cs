using System.Collections.Concurrent;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Directory;

/// <summary>Keys of lookup tables that move from shard to shard while clients work on them through several proxies.</summary>
public sealed class KeyMoveTests : IAsyncLifetime
{
    private const int Proxies = 3;
    private const int Keys = 12;

    // serialization_failure, lock_not_available: documented for statements that meet a move.
    private static readonly string[] Documented = ["40001", "55P03"];

    private readonly ConcurrentQueue<string> _errors = new();
    private readonly long[] _expected = new long[Keys];
    private Cluster _cluster = null!;
    private volatile bool _stopping;
    private int _statements;

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(3);

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task A_key_moves_with_its_rows_in_all_tables_of_the_group()
    {
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions());
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await client.MustAsync("CREATE TABLE tenants (id text PRIMARY KEY, made timestamptz DEFAULT '2024-01-01 00:00+00')");
        await client.MustAsync(
            "CREATE TABLE notes (tenant text REFERENCES tenants, no int GENERATED ALWAYS AS IDENTITY, body text, size int GENERATED ALWAYS AS (length(body)) STORED, tags text[], PRIMARY KEY (tenant, no))");
        await client.MustAsync("SELECT create_distributed_table('tenants', 'id', strategy => 'lookup')");
        await client.MustAsync("SELECT create_distributed_table('notes', 'tenant', colocate_with => 'tenants')");
        foreach (var tenant in (string[])["a", "b'\\", "c"])
        {
            await client.MustAsync($"INSERT INTO tenants VALUES ('{tenant.Replace("'", "''", StringComparison.Ordinal)}')");
            for (var number = 0; number < 20; number++)
                await client.MustAsync($"INSERT INTO notes (tenant, no, body, tags) OVERRIDING SYSTEM VALUE VALUES ('{tenant.Replace("'", "''", StringComparison.Ordinal)}', {number}, E'line\\n{number}\\t\\\\', '{{x,\"y z\"}}')");
        }
        var before = await client.ScalarAsync("SELECT string_agg(n::text, '|' ORDER BY no) FROM notes n WHERE tenant = 'b''\\'");

        foreach (var shard in (string[])["s2", "s0", "s1", "s1"])
        {
            await client.MustAsync($"SELECT move_shard_key('tenants', 'b''\\', '{shard}')");
            (await client.ScalarAsync("SELECT count(*) FROM tenants t JOIN notes n ON n.tenant = t.id WHERE t.id = 'b''\\'")).ShouldBe("20");
            (await client.ScalarAsync("SELECT string_agg(n::text, '|' ORDER BY no) FROM notes n WHERE tenant = 'b''\\'")).ShouldBe(before);
            (await _cluster.Shards[shard[1] - '0'].ScalarAsync<long>("SELECT count(*) FROM notes WHERE tenant = 'b''\\'")).ShouldBe(20);
            (await client.ScalarAsync("SELECT count(*) FROM notes")).ShouldBe("60");
        }
        // A key without rows gets its place there; later rows follow.
        await client.MustAsync("SELECT move_shard_key('tenants', 'new', 's2')");
        await client.MustAsync("INSERT INTO tenants VALUES ('new')");
        (await _cluster.Shards[2].ScalarAsync<long>("SELECT count(*) FROM tenants WHERE id = 'new'")).ShouldBe(1);

        (await ErrorAsync(client, "SELECT move_shard_key('tenants', 'a', 'nowhere')")).ShouldContain("there is no shard");
        await client.MustAsync("CREATE TABLE hashed (k int PRIMARY KEY)");
        await client.MustAsync("SELECT create_distributed_table('hashed', 'k')");
        (await ErrorAsync(client, "SELECT move_shard_key('hashed', 1, 's0')")).ShouldContain("not placed by look-up");
    }

    [Fact]
    public async Task A_transaction_in_the_way_is_waited_for_and_goes_on_where_it_was()
    {
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions());
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await using var mover = await WireClient.ConnectAsync(proxy.Endpoint);
        await using var late = await WireClient.ConnectAsync(proxy.Endpoint);
        await client.MustAsync("CREATE TABLE t (k int PRIMARY KEY, n int)");
        await client.MustAsync("SELECT create_distributed_table('t', 'k', strategy => 'lookup')");
        await client.MustAsync("INSERT INTO t VALUES (1, 0)");
        var from = await HomeOfAsync(1);
        var to = (from + 1) % 3;
        await client.MustAsync("BEGIN");
        await client.MustAsync("UPDATE t SET n = n + 1 WHERE k = 1");

        var move = mover.MustAsync($"SELECT move_shard_key('t', 1, 's{to}')");
        await Until.TrueAsync(async () => (await client.ScalarAsync("SELECT n FROM t WHERE k = 1")) == "1" && !move.IsCompleted, "the open transaction still sees its row");
        var waiting = late.MustAsync("UPDATE t SET n = n + 10 WHERE k = 1");
        await client.MustAsync("UPDATE t SET n = n + 1 WHERE k = 1");
        await client.MustAsync("COMMIT");
        await move;
        await waiting;

        (await HomeOfAsync(1)).ShouldBe(to);
        (await client.ScalarAsync("SELECT n FROM t WHERE k = 1")).ShouldBe("12");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_statement_reaches_a_shard_that_does_not_own_its_key(bool extended)
    {
        await using var redis = await RedisServer.StartAsync();
        var proxies = new List<ProxyProcess>();
        for (var number = 0; number < Proxies; number++)
            proxies.Add(await _cluster.StartProxyAsync(new ProxyOptions(Redis: redis.Url)));
        await using var mover = await WireClient.ConnectAsync(proxies[0].Endpoint);
        await mover.MustAsync("CREATE TABLE t (k int PRIMARY KEY, n bigint NOT NULL)");
        await mover.MustAsync("CREATE TABLE log (k int, id bigint, PRIMARY KEY (k, id))");
        await mover.MustAsync("SELECT create_distributed_table('t', 'k', strategy => 'lookup')");
        await mover.MustAsync("SELECT create_distributed_table('log', 'k', colocate_with => 't')");
        for (var key = 0; key < Keys; key++)
            await mover.MustAsync($"INSERT INTO t VALUES ({key}, 0)");
        var load = Enumerable.Range(0, 6).Select(number => WriteAsync(proxies[number % Proxies], number, extended)).ToArray();

        var random = new Random(7);
        for (var round = 0; round < 30; round++)
        {
            await mover.MustAsync($"SELECT move_shard_key('t', {random.Next(Keys)}, 's{random.Next(3)}')");
            if (round % 10 == 0)
            {
                await mover.MustAsync($"CREATE TABLE extra{round} (k int PRIMARY KEY)");
                await mover.MustAsync($"SELECT create_distributed_table('extra{round}', 'k', strategy => 'lookup')");
            }
        }
        var goal = Volatile.Read(ref _statements) + 200;
        await Until.TrueAsync(() => Volatile.Read(ref _statements) >= goal, "the load goes on");
        _stopping = true;
        await Task.WhenAll(load);

        _errors.ShouldBeEmpty();
        for (var key = 0; key < Keys; key++)
        {
            (await mover.ScalarAsync($"SELECT n FROM t WHERE k = {key}")).ShouldBe($"{_expected[key]}");
            (await mover.ScalarAsync($"SELECT count(*) FROM log WHERE k = {key}")).ShouldBe($"{_expected[key]}");
            var homes = await Task.WhenAll(_cluster.Shards.Select(shard => shard.ScalarAsync<long>(
                $"SELECT (SELECT count(*) FROM t WHERE k = {key}) + (SELECT count(*) FROM log WHERE k = {key})")));
            homes.Count(static count => count > 0).ShouldBe(1, $"all rows of key {key} are on one shard");
        }
    }

    // Each unit adds one to a key and logs it, in a block of its own every other time.
    private async Task WriteAsync(ProxyProcess proxy, int seed, bool extended)
    {
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        var random = new Random(seed);
        for (var id = seed * 1_000_000L; !_stopping; id++)
        {
            var key = random.Next(Keys);
            string[] statements = [$"UPDATE t SET n = n + 1 WHERE k = {key}", $"INSERT INTO log VALUES ({key}, {id})"];
            if (id % 2 == 0)
                statements = ["BEGIN", .. statements, "COMMIT"];
            else
                statements = [$"WITH u AS (UPDATE t SET n = n + 1 WHERE k = {key} RETURNING k) INSERT INTO log SELECT {key}, {id} FROM u WHERE u.k = {key}"];
            var error = "";
            foreach (var statement in statements)
            {
                var replies = extended && statement is not ("BEGIN" or "COMMIT")
                    ? await client.RunAsync(new FrontendScript().Parse(statement).Bind().Execute().Sync())
                    : await client.QueryAsync(statement);
                Interlocked.Increment(ref _statements);
                if (replies.FirstOrDefault(static message => message.Type == 'E') is { } failed)
                {
                    error = failed.ToString();
                    break;
                }
                if (statement.StartsWith("UPDATE", StringComparison.Ordinal) && !replies.Any(static message => message.ToString().Contains("UPDATE 1", StringComparison.Ordinal)))
                    _errors.Enqueue($"{statement}: {string.Join(' ', replies)}");
            }
            if (error.Length == 0)
                Interlocked.Increment(ref _expected[key]);
            else if (!Documented.Any(code => error.Contains(code, StringComparison.Ordinal)))
                _errors.Enqueue(error);
            if (error.Length > 0 && statements.Length > 1)
                await client.QueryAsync("ROLLBACK");
        }
    }

    private async Task<int> HomeOfAsync(int key)
    {
        var counts = await Task.WhenAll(_cluster.Shards.Select(shard => shard.ScalarAsync<long>($"SELECT count(*) FROM t WHERE k = {key}")));
        return Array.FindIndex(counts, static count => count > 0);
    }

    private static async Task<string> ErrorAsync(WireClient client, string sql) =>
        (await client.QueryAsync(sql)).FirstOrDefault(static message => message.Type == 'E')?.ToString() ?? "";
}
