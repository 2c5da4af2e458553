using System.Globalization;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Pooling;

/// <summary>Many more transactions on several shards than the pools have connections: none may wait for another in a circle.</summary>
public sealed class TransactionsOverShardsTests : IAsyncLifetime
{
    private const int Shards = 3;
    private const int Rows = 600;
    private const int Clients = 24;
    private const int Transactions = 25;

    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(Shards);
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions(
            Tables: new Dictionary<string, string> { ["accounts"] = "{ key: id }" },
            PoolSize: 2,
            Limits: new Dictionary<string, string> { ["lease_timeout"] = "10s" }));
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("CREATE TABLE accounts (id int4 PRIMARY KEY, balance int8 NOT NULL)");
        await client.MustAsync($"INSERT INTO accounts (id, balance) SELECT i, 0 FROM generate_series(1, {Rows}) i");
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task All_come_to_their_end()
    {
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(number => Task.Run(() => RunAsync(number))));
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        (await client.ScalarAsync("SELECT sum(balance) FROM accounts")).ShouldBe((Clients * Transactions * 4).ToString(CultureInfo.InvariantCulture));
    }

    // Each client has rows of its own, so that only connections can be waited for.
    private async Task RunAsync(int number)
    {
        var random = new Random(number);
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        for (var count = 0; count < Transactions; count++)
        {
            await client.MustAsync("BEGIN");
            for (var update = 0; update < 4; update++)
            {
                var id = 1 + number + (Clients * random.Next(Rows / Clients));
                await client.MustAsync($"UPDATE accounts SET balance = balance + 1 WHERE id = {id}");
            }
            await client.MustAsync("COMMIT");
        }
    }
}
