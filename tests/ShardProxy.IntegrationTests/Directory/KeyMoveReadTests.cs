using System.Collections.Concurrent;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Directory;

/// <summary>Statements over several shards, and transactions with one snapshot, beside keys that move: no row twice, none missing.</summary>
public sealed class KeyMoveReadTests : IAsyncLifetime
{
    private const int Keys = 10;
    private const int Moves = 16;

    // serialization_failure, lock_not_available: documented for statements that meet a move.
    private static readonly string[] Documented = ["40001", "55P03"];

    private static readonly string[] Statements =
    [
        "SELECT count(*) FROM t",
        "SELECT count(*), sum(n) FROM t",
        "SELECT k FROM t ORDER BY k",
        "SELECT k FROM t",
        "SELECT count(*) FROM t a JOIN t b ON a.n = b.n",
        "COPY t (k) TO STDOUT",
        "DECLARE c NO SCROLL CURSOR FOR SELECT k FROM t ORDER BY k; FETCH ALL FROM c",
    ];

    private readonly ConcurrentQueue<string> _errors = new();
    private Cluster _cluster = null!;
    private volatile bool _stopping;
    private int _answers;

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(3);

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Every_statement_sees_each_row_once(int proxyCount)
    {
        await using var redis = proxyCount > 1 ? await RedisServer.StartAsync() : null;
        var proxies = new List<ProxyProcess>();
        for (var number = 0; number < proxyCount; number++)
            proxies.Add(await _cluster.StartProxyAsync(new ProxyOptions(Redis: redis?.Url)));
        await using var mover = await WireClient.ConnectAsync(proxies[0].Endpoint);
        await mover.MustAsync("CREATE TABLE t (k int PRIMARY KEY, n bigint NOT NULL)");
        await mover.MustAsync("SELECT create_distributed_table('t', 'k', strategy => 'lookup')");
        for (var key = 0; key < Keys; key++)
            await mover.MustAsync($"INSERT INTO t VALUES ({key}, {1 << key})");
        var load = Enumerable.Range(0, 4).Select(number => ReadAsync(proxies[number % proxyCount], number))
            .Append(ReadSnapshotsAsync(proxies[^1]))
            .ToArray();

        var random = new Random(11);
        var moved = 0;
        for (var round = 0; round < Moves; round++)
        {
            var replies = await mover.QueryAsync($"SELECT move_shard_key('t', {random.Next(Keys)}, 's{random.Next(3)}')");
            if (replies.FirstOrDefault(static message => message.Type == 'E') is not { } error)
                moved++;
            else if (!Documented.Any(code => error.ToString().Contains(code, StringComparison.Ordinal)))
                _errors.Enqueue($"move: {error}");
        }
        var goal = Volatile.Read(ref _answers) + 30;
        await Until.TrueAsync(() => Volatile.Read(ref _answers) >= goal, "the load goes on");
        _stopping = true;
        await Task.WhenAll(load);

        _errors.ShouldBeEmpty();
        moved.ShouldBeGreaterThan(Moves / 2);
    }

    private async Task ReadAsync(ProxyProcess proxy, int seed)
    {
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        for (var turn = seed; !_stopping; turn++)
        {
            // Two writers of all rows would deadlock now and then.
            var statement = seed == 0 && turn % 3 == 0 ? "UPDATE t SET n = n" : Statements[turn % Statements.Length];
            if (statement.StartsWith("DECLARE", StringComparison.Ordinal))
                statement = $"BEGIN; {statement}; COMMIT";
            await AskAsync(client, statement);
        }
    }

    // Each shard's part is seen by a snapshot of its own, taken when the block first comes there.
    private async Task ReadSnapshotsAsync(ProxyProcess proxy)
    {
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        for (var turn = 0; !_stopping; turn++)
        {
            await client.MustAsync("BEGIN ISOLATION LEVEL REPEATABLE READ");
            foreach (var statement in (string[])[$"SELECT k FROM t WHERE k = {turn % Keys}", "SELECT count(*) FROM t", $"SELECT k FROM t WHERE k = {(turn + 3) % Keys}"])
            {
                if (!await AskAsync(client, statement))
                    break;
            }
            await client.QueryAsync("COMMIT");
        }
    }

    private async Task<bool> AskAsync(WireClient client, string statement)
    {
        var replies = await client.QueryAsync(statement);
        if (replies.FirstOrDefault(static message => message.Type == 'E') is { } failed)
        {
            if (!Documented.Any(code => failed.ToString().Contains(code, StringComparison.Ordinal)))
                _errors.Enqueue($"{statement}: {failed}");
            if (statement.StartsWith("BEGIN;", StringComparison.Ordinal))
                await client.QueryAsync("ROLLBACK");
            return false;
        }
        Interlocked.Increment(ref _answers);
        var rows = replies.Where(static message => message.Type is 'D' or 'd').Select(static message => message.ToString()).ToList();
        var answer = string.Join(' ', replies.Select(static message => message.ToString()));
        var isRight = statement switch
        {
            "SELECT count(*) FROM t" or "SELECT count(*) FROM t a JOIN t b ON a.n = b.n" => Row(replies) == $"{Keys}",
            "SELECT count(*), sum(n) FROM t" => Row(replies) == $"{Keys} {(1 << Keys) - 1}",
            "UPDATE t SET n = n" => answer.Contains($"UPDATE {Keys}", StringComparison.Ordinal),
            _ when statement.Contains("WHERE k =", StringComparison.Ordinal) => rows.Count == 1,
            _ => rows.Count == Keys && rows.Distinct().Count() == Keys,
        };
        if (!isRight)
            _errors.Enqueue($"{statement}: {answer}");
        return true;
    }

    private static string Row(List<WireMessage> replies) => string.Join(' ', replies.First(static message => message.Type == 'D').TextValues);
}
