using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Committing;

/// <summary>The setting cross_shard_writes, and servers that allow no prepared transactions.</summary>
public sealed class CrossShardWritesTests : IAsyncLifetime
{
    private static readonly IReadOnlyDictionary<string, string> Tables = new Dictionary<string, string> { ["things"] = "{ key: id }" };

    private Cluster? _cluster;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task Without_prepared_transactions_a_second_shard_is_refused_when_the_statement_comes()
    {
        await using var client = await StartAsync(maxPrepared: 0, writes: null, isCreated: true);
        var ddl = (await client.QueryAsync("ALTER TABLE things ADD COLUMN more text")).First(static message => message.Type == 'E');
        ddl.SqlState.ShouldBe("0A000");
        ddl.Fields['H'].ShouldContain("max_prepared_transactions");
        await client.MustAsync("BEGIN");
        (await WriteUntilRefusedAsync(client)).Fields['H'].ShouldContain("max_prepared_transactions");
        (await client.MustAsync("COMMIT")).First(static message => message.Type == 'C').CommandTag.ShouldBe("ROLLBACK");
        (await RowsAsync()).ShouldBe(0);
        // One shard needs no other.
        await client.MustAsync("BEGIN");
        await client.MustAsync("INSERT INTO things VALUES (1)");
        await client.MustAsync("COMMIT");
        (await RowsAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task Best_effort_needs_no_prepared_transactions()
    {
        await using var client = await StartAsync(maxPrepared: 0, writes: "best_effort");
        await client.MustAsync("CREATE TABLE things (id int8 PRIMARY KEY)");
        await client.MustAsync("BEGIN");
        for (var id = 1; id <= 20; id++)
            await client.MustAsync($"INSERT INTO things VALUES ({id})");
        await client.MustAsync("COMMIT");
        (await RowsAsync()).ShouldBe(20);
    }

    [Fact]
    public async Task Refuse_keeps_transactions_on_one_shard_and_lets_definitions_pass()
    {
        await using var client = await StartAsync(maxPrepared: 10, writes: "refuse");
        await client.MustAsync("CREATE TABLE things (id int8 PRIMARY KEY)");
        await client.MustAsync("BEGIN");
        (await WriteUntilRefusedAsync(client)).Fields['H'].ShouldContain("cross_shard_writes");
        await client.MustAsync("ROLLBACK");
        (await RowsAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task When_there_is_no_room_for_another_prepared_transaction_all_is_rolled_back()
    {
        await using var client = await StartAsync(maxPrepared: 1, writes: null);
        await client.MustAsync("CREATE TABLE things (id int8 PRIMARY KEY)");
        foreach (var shard in _cluster!.Shards)
            await shard.ExecuteAsync("BEGIN; CREATE TABLE taken (id int); PREPARE TRANSACTION 'taken'");
        await client.MustAsync("BEGIN");
        for (var id = 1; id <= 20; id++)
            await client.MustAsync($"INSERT INTO things VALUES ({id})");
        (await client.QueryAsync("COMMIT")).First(static message => message.Type == 'E').Fields['H'].ShouldContain("max_prepared_transactions");
        (await RowsAsync()).ShouldBe(0);
        foreach (var shard in _cluster.Shards)
            await shard.ExecuteAsync("ROLLBACK PREPARED 'taken'");
        (await client.ScalarAsync("SELECT 1")).ShouldBe("1");
    }

    private async Task<WireClient> StartAsync(int maxPrepared, string? writes, bool isCreated = false)
    {
        _cluster = await Cluster.StartAsync(2, options: new PostgresOptions(
            MaxConnections: 30, Settings: new Dictionary<string, string> { ["max_prepared_transactions"] = $"{maxPrepared}" }));
        foreach (var shard in isCreated ? _cluster.Shards : [])
            await shard.ExecuteAsync("CREATE TABLE things (id int8 PRIMARY KEY)");
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: Tables, CrossShardWrites: writes));
        var support = maxPrepared == 0 ? 2 : 0;
        await Until.TrueAsync(() => proxy.Log.Split("allows no prepared transactions").Length - 1 >= support, "the proxy has asked the shards");
        return await WireClient.ConnectAsync(proxy.Endpoint);
    }

    private static async Task<WireMessage> WriteUntilRefusedAsync(WireClient client)
    {
        for (var id = 1; id <= 20; id++)
        {
            var replies = await client.QueryAsync($"INSERT INTO things VALUES ({id})");
            if (replies.FirstOrDefault(static message => message.Type == 'E') is not { } error)
                continue;
            error.SqlState.ShouldBe("0A000");
            return error;
        }
        throw new InvalidOperationException("Nothing was refused");
    }

    private async Task<long> RowsAsync()
    {
        var count = 0L;
        foreach (var shard in _cluster!.Shards)
            count += await shard.ScalarAsync<long>("SELECT count(*) FROM things");
        return count;
    }
}
