using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>Keys change, so that rows move, while others change rows of all shards: every statement sees every row once.</summary>
[Collection(LabCollection.Name)]
public sealed class MovesBesideWritesTests(Lab lab) : IAsyncLifetime
{
    private const int Rows = 12;
    private const int Rounds = 10;

    public Task InitializeAsync() => StrategyTables.CreateAsync(lab);

    public Task DisposeAsync() => StrategyTables.DropAsync(lab);

    [Fact]
    public async Task No_row_is_missed_and_none_is_met_twice()
    {
        await using var before = await WireClient.ConnectAsync(lab.Subject);
        await before.MustAsync("UPDATE s_hash SET n = 0, v = '0'");
        var counted = 0;
        async Task CountAsync()
        {
            await using var client = await WireClient.ConnectAsync(lab.Subject);
            for (var round = 0; round < Rounds; round++)
            {
                var tag = await TriedAsync(client, "UPDATE s_hash SET n = n + 1");
                tag.ShouldBe($"UPDATE {Rows}");
                Interlocked.Increment(ref counted);
            }
        }
        async Task LockAsync(string select)
        {
            await using var client = await WireClient.ConnectAsync(lab.Subject);
            for (var round = 0; round < Rounds; round++)
            {
                await client.MustAsync("BEGIN");
                var answer = await client.QueryAsync(select);
                await client.QueryAsync("COMMIT");
                if (answer.Find(static message => message.Type == 'E') is { } error)
                    error.SqlState.ShouldBeOneOf("40P01", "40001");
                else
                    answer.Count(static message => message.Type == 'D').ShouldBe(Rows);
            }
        }
        async Task MoveAsync(int from)
        {
            await using var client = await WireClient.ConnectAsync(lab.Subject);
            for (var round = 0; round < Rounds; round++)
                await TriedAsync(client, $"UPDATE s_hash SET k = k % 1000 + 1000 * {round + 1}, v = v::int4 + 1 WHERE k % 2 = {from}");
        }
        await Task.WhenAll(
            CountAsync(), CountAsync(), MoveAsync(0), MoveAsync(1), LockAsync("SELECT * FROM s_hash FOR UPDATE"), LockAsync("SELECT n FROM s_hash ORDER BY k FOR SHARE"));
        await using var after = await WireClient.ConnectAsync(lab.Subject);
        (await RowsAsync(after, $"SELECT k FROM s_hash WHERE n = {counted} AND v = '{Rounds}'")).Count.ShouldBe(Rows);
        (await RowsAsync(after, "SELECT k FROM s_hash")).Count.ShouldBe(Rows);
        foreach (var row in await RowsAsync(after, "SELECT k FROM s_hash"))
            (await RowsAsync(after, $"SELECT k FROM s_hash WHERE k = {row}")).Count.ShouldBe(1);
    }

    /// <summary>Tries again what has ended in a deadlock over shards, which leaves nothing behind.</summary>
    private static async Task<string> TriedAsync(WireClient client, string statement)
    {
        for (var tries = 0; ; tries++)
        {
            var answer = await client.QueryAsync(statement);
            if (answer.Find(static message => message.Type == 'E') is not { } error)
                return answer.Find(static message => message.Type == 'C')!.CommandTag;
            (tries < 20 && error.SqlState is "40P01" or "40001").ShouldBeTrue(error.ToString());
        }
    }

    private static async Task<List<string>> RowsAsync(WireClient client, string query) =>
        [.. (await client.QueryAsync(query)).Where(static message => message.Type == 'D').Select(static message => message.ToString()["DataRow ".Length..])];
}
