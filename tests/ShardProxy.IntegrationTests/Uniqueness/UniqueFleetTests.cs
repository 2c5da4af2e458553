using System.Collections.Concurrent;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Uniqueness;

/// <summary>Unique values through two proxies, and when proxies and shards die in the midst: rows and entries agree.</summary>
public sealed class UniqueFleetTests : IAsyncLifetime
{
    private const int Clients = 32;
    private static readonly int Faults = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") == "1" ? 100 : 8;

    private readonly Random _random = new(7);
    private Cluster _cluster = null!;
    private RedisServer _redis = null!;
    private ProxyProcess[] _proxies = [];

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(3, options: new PostgresOptions(MaxConnections: 90));
        _redis = await RedisServer.StartAsync();
        var options = new ProxyOptions(Tables: UniqueCluster.Tables, PoolSize: 20, Redis: _redis.Url, Lease: "5s");
        _proxies = [await _cluster.StartProxyAsync(options), await _cluster.StartProxyAsync(options)];
        await using var client = await WireClient.ConnectAsync(_proxies[0].Endpoint);
        await client.MustAsync("CREATE TABLE u_users (id int8 PRIMARY KEY, email text NOT NULL UNIQUE)");
    }

    public async Task DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task Of_many_through_two_proxies_one_wins_each()
    {
        const int Values = 40;
        var wins = new int[Values];
        var others = new ConcurrentBag<string>();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async number =>
        {
            await using var client = await WireClient.ConnectAsync(_proxies[number % 2].Endpoint);
            for (var value = 0; value < Values; value++)
            {
                var answer = await client.QueryAsync($"INSERT INTO u_users VALUES ({1 + number + (Clients * value)}, 'v{value}')");
                if (answer.FirstOrDefault(static message => message.Type == 'E') is not { } error)
                    Interlocked.Increment(ref wins[value]);
                else if (error.SqlState != "23505")
                    others.Add(error.ToString());
            }
        }));
        others.ShouldBeEmpty();
        wins.ShouldAllBe(static count => count == 1);
        await AgreeAsync();
    }

    [Fact]
    public async Task Whatever_dies_rows_and_entries_agree()
    {
        var isStopping = false;
        var next = 0L;
        var done = 0L;
        var kept = new ConcurrentDictionary<string, bool>();
        var load = Enumerable.Range(0, 8).Select(number => Task.Run(async () =>
        {
            var random = new Random(number);
            while (!Volatile.Read(ref isStopping))
            {
                try
                {
                    await using var client = await WireClient.ConnectAsync(_proxies[number % 2].Endpoint);
                    while (!Volatile.Read(ref isStopping))
                    {
                        var id = Interlocked.Increment(ref next);
                        var email = $"e{random.Next(400)}";
                        var statement = random.Next(6) switch
                        {
                            0 => $"DELETE FROM u_users WHERE email = '{email}'",
                            1 => $"UPDATE u_users SET email = '{email}' WHERE email = 'e{random.Next(400)}'",
                            2 => $"INSERT INTO u_users VALUES ({id}, '{email}'), (-{id}, 'n{id}')",
                            3 => $"INSERT INTO u_users VALUES ({id}, '{email}') ON CONFLICT (email) DO UPDATE SET email = 'e{random.Next(400)}'",
                            4 => $"INSERT INTO u_users VALUES ({id}, '{email}'), (-{id}, 'n{id}') ON CONFLICT DO NOTHING",
                            _ => $"INSERT INTO u_users VALUES ({id}, '{email}')",
                        };
                        var answer = await client.QueryAsync(statement);
                        if (answer.Exists(static message => message.Type == 'E'))
                            continue;
                        if (statement.Contains($"'n{id}'", StringComparison.Ordinal))
                            kept[$"n{id}"] = true;
                        Interlocked.Increment(ref done);
                    }
                }
                catch (Exception exception) when (exception is IOException or WireException or System.Net.Sockets.SocketException or TimeoutException)
                {
                    await Task.Yield();
                }
            }
        })).ToArray();
        try
        {
            for (var fault = 0; fault < Faults; fault++)
            {
                var goal = Interlocked.Read(ref done) + _random.Next(10, 60);
                await Until.TrueAsync(() => Interlocked.Read(ref done) >= goal, $"the load goes on after {fault} faults", TimeSpan.FromSeconds(60));
                await BreakAsync();
            }
        }
        finally
        {
            Volatile.Write(ref isStopping, true);
            await Task.WhenAll(load);
        }
        await Until.TrueAsync(async () => await PreparedAsync() == 0, "nothing stands prepared any more");
        // What a client said last may still be done, one shard after the other, when that client has gone.
        await Until.TrueAsync(AreAlikeAsync, "rows and entries agree");
        var rows = await AgreeAsync();
        kept.Keys.Except(rows).ShouldBeEmpty("acknowledged and lost");
    }

    private async Task BreakAsync()
    {
        var index = _random.Next(2);
        var shard = _cluster.Shards[_random.Next(3)];
        switch (_random.Next(4))
        {
            case 0:
                await _proxies[index].KillAsync();
                _proxies[index] = await _cluster.RestartProxyAsync(_proxies[index]);
                break;
            case 1:
                await shard.KillAsync();
                await shard.RestartAsync();
                break;
            default:
                await shard.ScalarAsync<long>("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend'");
                break;
        }
    }

    private async Task<long> PreparedAsync()
    {
        var count = 0L;
        foreach (var shard in _cluster.Shards)
            count += await shard.ScalarAsync<long>("SELECT count(*) FROM pg_prepared_xacts");
        return count;
    }

    private async Task<bool> AreAlikeAsync()
    {
        var (rows, entries) = await UniqueCluster.CompareAsync(_cluster.Shards, "u_users", "email");
        return rows.SequenceEqual(entries);
    }

    /// <returns>The emails of all rows.</returns>
    private async Task<List<string>> AgreeAsync()
    {
        var (rows, entries) = await UniqueCluster.CompareAsync(_cluster.Shards, "u_users", "email");
        entries.ShouldBe(rows);
        var emails = rows.Select(static row => row.Trim('(', ')').Split(',')[0]).ToList();
        emails.Distinct().Count().ShouldBe(emails.Count);
        return emails;
    }
}
