using System.Collections.Concurrent;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Directory;

/// <summary>Three proxies on one Redis under load, while tables are distributed and Redis is troubled.</summary>
public sealed class FleetLoadTests : IAsyncLifetime
{
    private const int Proxies = 3;
    private const int Writers = 6;

    private readonly List<ProxyProcess> _proxies = [];
    private readonly ConcurrentDictionary<(string Table, int Key), bool> _written = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly List<string> _tables = [];
    private Cluster _cluster = null!;
    private RedisServer _redis = null!;
    private volatile bool _stopping;
    private int _lastKey;
    private int _statements;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(2);
        _redis = await RedisServer.StartAsync();
        for (var number = 0; number < Proxies; number++)
            _proxies.Add(await _cluster.StartProxyAsync(new ProxyOptions(Redis: _redis.Url)));
    }

    public async Task DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task No_statement_reaches_a_shard_that_does_not_own_its_key()
    {
        await using var declarer = await WireClient.ConnectAsync(_proxies[0].Endpoint);
        await DeclareAsync(declarer, "t0");
        var load = Enumerable.Range(0, Writers).Select(WriteAsync).ToArray();

        for (var number = 1; number <= 8; number++)
            await DeclareAsync(declarer, $"t{number}");
        await StopAsync(load);

        _errors.ShouldBeEmpty();
        await CheckAsync();
    }

    [Fact]
    public async Task Redis_may_be_killed_emptied_and_stopped_without_a_failed_query()
    {
        await using var declarer = await WireClient.ConnectAsync(_proxies[0].Endpoint);
        await DeclareAsync(declarer, "t0");
        await DeclareAsync(declarer, "t1");
        var load = Enumerable.Range(0, Writers).Select(WriteAsync).ToArray();

        await _redis.KillAsync();
        await ProgressAsync();
        await _redis.RestartAsync();
        await WholeAsync();
        await _redis.EmptyAsync();
        await WholeAsync();
        await ProgressAsync();
        _redis.Pause();
        await Until.PassedAsync(RedisServer.PauseTime);
        await ProgressAsync();
        _redis.Continue();
        await WholeAsync();
        await Until.TrueAsync(async () => await TryDeclareAsync(declarer, "t2"), "a table can be distributed again");
        await StopAsync(load);

        _errors.ShouldBeEmpty();
        await CheckAsync();
    }

    private async Task DeclareAsync(WireClient client, string table) => (await TryDeclareAsync(client, table)).ShouldBeTrue(table);

    private async Task<bool> TryDeclareAsync(WireClient client, string table)
    {
        await client.MustAsync($"CREATE TABLE IF NOT EXISTS {table} (k int PRIMARY KEY, v text)");
        var replies = await client.QueryAsync($"SELECT create_distributed_table('{table}', 'k')");
        if (replies.Any(static message => message.Type == 'E'))
            return false;
        lock (_tables)
            _tables.Add(table);
        return true;
    }

    private async Task WriteAsync(int number)
    {
        await using var client = await WireClient.ConnectAsync(_proxies[number % Proxies].Endpoint);
        var random = new Random(number);
        while (!_stopping)
        {
            string table;
            lock (_tables)
                table = _tables[random.Next(_tables.Count)];
            var key = Interlocked.Increment(ref _lastKey);
            var error = (await client.QueryAsync($"INSERT INTO {table} VALUES ({key}, 'v{key}')")).FirstOrDefault(static message => message.Type == 'E');
            if (error is null)
                _written.TryAdd((table, key), true);
            else
                _errors.Enqueue($"{table}: {error}");
            var found = (await client.QueryAsync($"SELECT v FROM {table} WHERE k = {key}")).FirstOrDefault(static message => message.Type is 'D' or 'E');
            if (error is null && (found is null || found.Type == 'E'))
                _errors.Enqueue($"{table} {key} was not found again: {found}");
            Interlocked.Increment(ref _statements);
        }
    }

    /// <summary>The load goes on for a while: a number of statements, not a time.</summary>
    private Task ProgressAsync()
    {
        var goal = Volatile.Read(ref _statements) + 500;
        return Until.TrueAsync(() => Volatile.Read(ref _statements) >= goal, "the load goes on");
    }

    private Task WholeAsync() => Until.TrueAsync(
        async () => await _redis.TryCommandAsync("EXISTS {shardproxy}:database:shop") is { } reply && reply.StartsWith(":1", StringComparison.Ordinal),
        "the directory is whole again");

    private async Task StopAsync(Task[] load)
    {
        await ProgressAsync();
        _stopping = true;
        await Task.WhenAll(load);
    }

    /// <summary>A row that is found by its key stands on its owner; no other rows are anywhere.</summary>
    private async Task CheckAsync()
    {
        await using var client = await WireClient.ConnectAsync(_proxies[^1].Endpoint);
        foreach (var table in _tables)
        {
            var keys = _written.Keys.Where(written => written.Table == table).Select(static written => written.Key).ToArray();
            var counts = await Task.WhenAll(_cluster.Shards.Select(shard => shard.ScalarAsync<long>($"SELECT count(*) FROM {table}")));
            counts.Sum().ShouldBe(keys.Length, table);
            foreach (var key in keys)
                (await client.ScalarAsync($"SELECT v FROM {table} WHERE k = {key}")).ShouldBe($"v{key}");
        }
    }
}
