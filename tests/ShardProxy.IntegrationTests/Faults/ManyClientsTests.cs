using System.Diagnostics;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Faults;

/// <summary>Far more clients than server connections: everybody is served, nobody starves.</summary>
public sealed class ManyClientsTests : IAsyncLifetime
{
    private const int Clients = 1000;
    private const int PoolSize = 10;

    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;

    public async Task InitializeAsync()
    {
        // Two shards with ten connections each: 20 server connections for all clients.
        _cluster = await Cluster.StartAsync(2, options: new PostgresOptions(MaxConnections: 40));
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions(
            Tables: new Dictionary<string, string> { ["users"] = "{ key: id }" },
            PoolSize: PoolSize,
            Limits: new Dictionary<string, string> { ["max_clients"] = "1010" }));
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("CREATE TABLE users (id int8 PRIMARY KEY, name text, visits int4 NOT NULL DEFAULT 0)");
        for (var id = 0; id < Clients; id++)
            await client.MustAsync($"INSERT INTO users VALUES ({id}, 'user {id}')");
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task A_thousand_clients_share_twenty_connections()
    {
        const int Rounds = 20;
        var clients = await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => WireClient.ConnectAsync(_proxy.Endpoint)));
        var finished = new long[Clients];
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(clients.Select(async (client, id) =>
        {
            await client.MustAsync($"SET application_name = 'client {id}'");
            for (var round = 0; round < Rounds; round++)
            {
                if (round % 5 == 0)
                {
                    await client.MustAsync("BEGIN");
                    await client.MustAsync($"UPDATE users SET visits = visits + 1 WHERE id = {id}");
                    await client.MustAsync("COMMIT");
                }
                else
                {
                    var replies = await client.MustAsync($"SELECT name, current_setting('application_name') FROM users WHERE id = {id}");
                    replies.Single(static message => message.Type == 'D').TextValues.ShouldBe([$"user {id}", $"client {id}"]);
                }
            }
            finished[id] = clock.ElapsedMilliseconds;
        }));
        // Served in turn, all clients end at about the same time: nobody waits for the others to be done first.
        Array.Sort(finished);
        finished[0].ShouldBeGreaterThan(finished[^1] / 20);
        foreach (var shard in _cluster.Shards)
        {
            (await shard.ScalarAsync<long>("SELECT count(*) FROM users WHERE visits <> 4")).ShouldBe(0);
            (await shard.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"))
                .ShouldBeLessThanOrEqualTo(PoolSize + 3);
        }
        foreach (var client in clients)
            await client.DisposeAsync();
    }

    [Fact]
    public async Task A_client_too_many_is_told_so()
    {
        var clients = new List<WireClient>();
        try
        {
            WireException? refusal = null;
            while (refusal is null && clients.Count < 1100)
            {
                try
                {
                    clients.Add(await WireClient.ConnectAsync(_proxy.Endpoint));
                }
                catch (WireException exception)
                {
                    refusal = exception;
                }
            }
            clients.Count.ShouldBe(1010);
            refusal.ShouldNotBeNull().SqlState.ShouldBe("53300");
            await clients[0].DisposeAsync();
            await Until.TrueAsync(
                async () =>
                {
                    try
                    {
                        clients.Add(await WireClient.ConnectAsync(_proxy.Endpoint));
                        return true;
                    }
                    catch (WireException)
                    {
                        return false;
                    }
                },
                "a place is free again");
        }
        finally
        {
            foreach (var client in clients)
                await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Idle_transactions_hold_their_connections_and_the_others_wait_their_turn()
    {
        var holders = new List<WireClient>();
        for (var index = 0; index < PoolSize; index++)
        {
            var holder = await WireClient.ConnectAsync(_proxy.Endpoint);
            await holder.MustAsync("BEGIN");
            await holder.MustAsync("SELECT name FROM users WHERE id = 1");
            holders.Add(holder);
        }
        await using var waiter = await WireClient.ConnectAsync(_proxy.Endpoint);
        await waiter.SendAsync(new FrontendScript().Query("SELECT name FROM users WHERE id = 1"));
        // Another shard's pool is not exhausted by this one's.
        var elsewhere = await OtherShardsIdAsync(1);
        await using (var other = await WireClient.ConnectAsync(_proxy.Endpoint))
            (await other.ScalarAsync($"SELECT name FROM users WHERE id = {elsewhere}")).ShouldBe($"user {elsewhere}");
        await holders[0].MustAsync("COMMIT");
        (await waiter.ReceiveUntilReadyAsync()).Single(static message => message.Type == 'D').TextValues[0].ShouldBe("user 1");
        foreach (var holder in holders)
            await holder.DisposeAsync();
    }

    private async Task<int> OtherShardsIdAsync(int id)
    {
        var owner = await _cluster.Shards[0].ScalarAsync<long>($"SELECT count(*) FROM users WHERE id = {id}") == 1 ? 0 : 1;
        return (int)await _cluster.Shards[1 - owner].ScalarAsync<long>("SELECT min(id) FROM users");
    }
}
