using System.Diagnostics;
using ShardProxy.IntegrationTests.Fixtures;
using Xunit.Abstractions;

namespace ShardProxy.IntegrationTests.Committing;

/// <summary>
/// Proxies and shards are killed and connections cut under a load of transactions over several shards. Afterwards every
/// transaction is there on all shards or on none: what was acknowledged is there, what was told to be rolled back is not.
/// </summary>
public sealed class CrashTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Clients = 10;
    private static readonly bool IsLong = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") == "1";
    private static readonly int Faults = IsLong ? 200 : 10;

    private readonly Random _random = new(6);
    private readonly Dictionary<string, int> _done = new(StringComparer.Ordinal);
    private Cluster _cluster = null!;
    private ProxyProcess[] _proxies = [];

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(4, options: new PostgresOptions(MaxConnections: 90));

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Nothing_is_half_done_whatever_dies(int proxies)
    {
        await using var redis = proxies > 1 ? await RedisServer.StartAsync() : null;
        var options = new ProxyOptions(Tables: TransferLoad.Tables, PoolSize: 20, Redis: redis?.Url, Lease: "5s");
        _proxies = new ProxyProcess[proxies];
        for (var i = 0; i < proxies; i++)
            _proxies[i] = await _cluster.StartProxyAsync(options);
        await TransferLoad.CreateAsync(_proxies[0].Endpoint);
        var load = new TransferLoad([.. _proxies.Select(static proxy => proxy.Endpoint)], seed: proxies);
        load.Start(Clients);
        try
        {
            for (var fault = 0; fault < Faults; fault++)
            {
                var goal = load.Acknowledged + _random.Next(5, 80);
                await Until.TrueAsync(() => load.Acknowledged >= goal, $"the load goes on after {fault} faults", TimeSpan.FromSeconds(60));
                await BreakAsync();
            }
            var last = load.Acknowledged + 20;
            await Until.TrueAsync(() => load.Acknowledged >= last, "the load goes on after the last fault", TimeSpan.FromSeconds(60));
        }
        finally
        {
            await load.StopAsync();
        }
        var recovery = Stopwatch.StartNew();
        await Until.TrueAsync(async () => await PreparedAsync() == 0, "nothing stands prepared any more");
        output.WriteLine($"{proxies} proxies: {string.Join(", ", _done.Select(static pair => $"{pair.Value} × {pair.Key}"))}; last recovery {recovery.Elapsed.TotalSeconds:f1} s");
        await CheckAsync(load);
    }

    private async Task BreakAsync()
    {
        var shard = _cluster.Shards[_random.Next(_cluster.Shards.Count)];
        var proxy = _random.Next(_proxies.Length);
        switch (_random.Next(10))
        {
            case 0 or 1:
                Note("proxy killed");
                await KillProxyAsync(proxy);
                break;
            case 2 or 3:
                Note("shard killed");
                await shard.KillAsync();
                await shard.RestartAsync();
                break;
            case 4:
                Note("shard stopped at once");
                await shard.StopAsync(immediately: true);
                await shard.RestartAsync();
                break;
            case 5:
                Note("proxy and shard killed");
                await Task.WhenAll(KillProxyAsync(proxy), RestartShardAsync(shard));
                break;
            default:
                Note("connection cut in a commit");
                await CutAsync(shard);
                break;
        }
    }

    private void Note(string fault) => _done[fault] = _done.GetValueOrDefault(fault) + 1;

    private async Task KillProxyAsync(int index)
    {
        await _proxies[index].KillAsync();
        _proxies[index] = await _cluster.RestartProxyAsync(_proxies[index]);
    }

    private static async Task RestartShardAsync(PostgresServer shard)
    {
        await shard.KillAsync();
        await shard.RestartAsync();
    }

    /// <summary>Ends a server process that has just prepared, decided or committed: between two steps of a commit.</summary>
    private static Task CutAsync(PostgresServer shard) => Until.TrueAsync(
        async () => await shard.ScalarAsync<long>("""
            SELECT count(pg_terminate_backend(pid)) FROM (
                SELECT pid FROM pg_stat_activity
                WHERE pid <> pg_backend_pid() AND (query LIKE 'PREPARE TRANSACTION%' OR query LIKE '%shardproxy_decide(%' OR query LIKE 'COMMIT%') AND query_start > clock_timestamp() - interval '5 ms'
                LIMIT 2) a
            """) > 0,
        "a commit is under way");

    private async Task<long> PreparedAsync()
    {
        var count = 0L;
        foreach (var shard in _cluster.Shards)
            count += await shard.ScalarAsync<long>("SELECT count(*) FROM pg_prepared_xacts");
        return count;
    }

    private async Task CheckAsync(TransferLoad load)
    {
        var history = new Dictionary<long, int>();
        long accounts = 0, tellers = 0, branches = 0;
        foreach (var shard in _cluster.Shards)
        {
            foreach (var row in await shard.ScalarAsync<string[]>("SELECT coalesce(array_agg(id || ' ' || delta), '{}') FROM history"))
            {
                var fields = row.Split(' ');
                history.Add(long.Parse(fields[0]), int.Parse(fields[1]));
            }
            accounts += await shard.ScalarAsync<long>("SELECT coalesce(sum(balance), 0)::int8 FROM accounts");
            tellers += await shard.ScalarAsync<long>("SELECT coalesce(sum(balance), 0)::int8 FROM tellers");
            branches += await shard.ScalarAsync<long>("SELECT coalesce(sum(balance), 0)::int8 FROM branches");
        }
        var counts = load.Journal.Values.CountBy(static outcome => outcome).ToDictionary();
        output.WriteLine(string.Join(", ", counts.Select(static pair => $"{pair.Value} {pair.Key}")) + $"; {history.Count} in the history");
        load.Journal.Where(pair => pair.Value == TransferLoad.Outcome.Acknowledged && !history.ContainsKey(pair.Key)).ShouldBeEmpty("acknowledged and lost");
        load.Journal.Where(pair => pair.Value == TransferLoad.Outcome.RolledBack && history.ContainsKey(pair.Key)).ShouldBeEmpty("told to be rolled back, and there");
        var total = history.Values.Sum(static delta => (long)delta);
        accounts.ShouldBe(total);
        tellers.ShouldBe(total);
        branches.ShouldBe(total);
    }
}
