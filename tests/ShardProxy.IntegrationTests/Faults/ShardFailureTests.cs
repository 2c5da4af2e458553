using System.Collections.Concurrent;
using System.Diagnostics;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Faults;

/// <summary>A shard dies under load and comes back; the proxy stays up and the other shards' users notice nothing.</summary>
public sealed class ShardFailureTests : IAsyncLifetime
{
    private const int Users = 200;
    private const int LoadClients = 24;

    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;
    private int[] _shardOf = [];

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(3, options: new PostgresOptions(MaxConnections: 40));
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: new Dictionary<string, string> { ["users"] = "{ key: id }" }, PoolSize: 8));
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("CREATE TABLE users (id int8 PRIMARY KEY, visits int8 NOT NULL DEFAULT 0)");
        for (var id = 0; id < Users; id++)
            await client.MustAsync($"INSERT INTO users VALUES ({id})");
        _shardOf = new int[Users];
        for (var id = 0; id < Users; id++)
        {
            for (var shard = 0; shard < _cluster.Shards.Count; shard++)
            {
                if (await _cluster.Shards[shard].ScalarAsync<long>($"SELECT count(*) FROM users WHERE id = {id}") == 1)
                    _shardOf[id] = shard;
            }
        }
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Theory]
    [InlineData(2)]
    [InlineData(0)]
    public async Task A_killed_shard_fails_alone_and_serves_again_within_a_second(int victim)
    {
        using var stop = new CancellationTokenSource();
        var errors = new ConcurrentBag<(int Shard, string SqlState, string Message)>();
        var answered = new long[_cluster.Shards.Count];
        var acknowledged = new long[Users];
        var unknown = new long[Users];
        var load = Enumerable.Range(0, LoadClients).Select(number => Task.Run(async () =>
        {
            var random = new Random(number);
            await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
            while (!stop.IsCancellationRequested)
            {
                var id = random.Next(Users);
                var replies = number % 2 == 0
                    ? await client.QueryAsync($"UPDATE users SET visits = visits + 1 WHERE id = {id}")
                    : await client.RunAsync(new FrontendScript().Run("UPDATE users SET visits = visits + 1 WHERE id = $1", [id.ToString()]).Sync());
                if (replies.FirstOrDefault(static message => message.Type == 'E') is { } error)
                {
                    errors.Add((_shardOf[id], error.SqlState, error.Fields['M']));
                    Interlocked.Increment(ref unknown[id]);
                }
                else
                {
                    Interlocked.Increment(ref answered[_shardOf[id]]);
                    Interlocked.Increment(ref acknowledged[id]);
                }
                replies[^1].Status.ShouldBe('I');
            }
        })).ToList();
        try
        {
            await Until.TrueAsync(() => answered.All(static count => count > 100), "every shard answers under load");
            await _cluster.Shards[victim].KillAsync();
            await Until.TrueAsync(() => errors.Count > 10, "statements for the dead shard fail");
            var others = answered.Where((_, shard) => shard != victim).Sum();
            await Until.TrueAsync(
                () => answered.Where((_, shard) => shard != victim).Sum() > others + 500, "the other shards go on while one is dead");
            await _cluster.Shards[victim].RestartAsync();
            var back = Stopwatch.StartNew();
            var before = Interlocked.Read(ref answered[victim]);
            await Until.TrueAsync(() => Interlocked.Read(ref answered[victim]) > before + 10, "the shard serves again");
            back.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(1));
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(load);
        }
        errors.ShouldAllBe(error => error.Shard == victim);
        errors.ShouldAllBe(static error => error.SqlState.StartsWith("08") || error.SqlState.StartsWith("57P"));
        errors.ShouldAllBe(error => error.SqlState.StartsWith("57P") || error.Message.Contains($"s{victim}"));
        _proxy.HasExited.ShouldBeFalse();
        // Nothing acknowledged is lost, nothing is done twice.
        await using var check = await WireClient.ConnectAsync(_proxy.Endpoint);
        for (var id = 0; id < Users; id++)
        {
            var visits = long.Parse(await check.ScalarAsync($"SELECT visits FROM users WHERE id = {id}"));
            visits.ShouldBeInRange(acknowledged[id], acknowledged[id] + unknown[id]);
        }
    }

    [Fact]
    public async Task A_transaction_on_a_killed_shard_fails_as_a_whole()
    {
        var victim = _cluster.Shards[1];
        var there = Array.IndexOf(_shardOf, 1);
        var elsewhere = Array.IndexOf(_shardOf, 2);
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("BEGIN");
        await client.MustAsync($"SELECT visits FROM users WHERE id = {elsewhere}");
        await client.MustAsync($"UPDATE users SET visits = -1 WHERE id = {there}");
        await victim.KillAsync();
        var replies = await client.QueryAsync($"SELECT visits FROM users WHERE id = {there}");
        replies.Count(static message => message.Type == 'E').ShouldBe(1);
        replies[^1].Status.ShouldBe('E');
        (await client.MustAsync("COMMIT")).First(static message => message.Type == 'C').CommandTag.ShouldBe("ROLLBACK");
        (await client.ScalarAsync($"SELECT visits FROM users WHERE id = {elsewhere}")).ShouldBe("0");
        await victim.RestartAsync();
        await Until.TrueAsync(
            async () => (await client.QueryAsync($"SELECT visits FROM users WHERE id = {there}")).Any(static message => message.Type == 'D' && message.TextValues[0] == "0"),
            "the shard serves again, without the transaction's change");
    }

    [Fact]
    public async Task A_graceful_restart_of_a_shard_is_noticed()
    {
        var there = Array.IndexOf(_shardOf, 1);
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync($"SELECT visits FROM users WHERE id = {there}");
        await _cluster.Shards[1].StopAsync();
        (await client.QueryAsync($"SELECT visits FROM users WHERE id = {there}")).Count(static message => message.Type == 'E').ShouldBe(1);
        await _cluster.Shards[1].RestartAsync();
        await Until.TrueAsync(
            async () => (await client.QueryAsync($"SELECT visits FROM users WHERE id = {there}")).Any(static message => message.Type == 'D'), "the shard serves again");
        (await client.ScalarAsync("SELECT 1")).ShouldBe("1");
    }

    [Fact]
    public async Task A_terminated_server_process_costs_one_statement()
    {
        var there = Array.IndexOf(_shardOf, 1);
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.SendAsync(new FrontendScript().Query($"SELECT pg_sleep(60) FROM users WHERE id = {there}"));
        await Until.TrueAsync(
            async () => await _cluster.Shards[1].ScalarAsync<long>(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") > 0,
            "the statement runs");
        var replies = await client.ReceiveUntilReadyAsync();
        replies.Single(static message => message.Type == 'E').Fields['S'].ShouldBe("ERROR");
        (await client.ScalarAsync($"SELECT visits FROM users WHERE id = {there}")).ShouldBe("0");
    }
}
