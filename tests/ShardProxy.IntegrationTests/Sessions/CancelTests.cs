using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Sessions;

/// <summary>A cancel request ends the statement of its own client, on the shard where that runs, and nothing else.</summary>
[Collection(LabCollection.Name)]
public sealed class CancelTests(Lab lab)
{
    [Fact]
    public async Task The_right_statement_ends_whatever_shard_it_runs_on()
    {
        for (var id = 1; id <= 6; id++)
        {
            await using var client = await WireClient.ConnectAsync(lab.Subject);
            await using var bystander = await WireClient.ConnectAsync(lab.Subject);
            await client.SendAsync(new FrontendScript().Query($"SELECT pg_sleep(60) FROM users WHERE id = {id}"));
            await bystander.SendAsync(new FrontendScript().Query($"SELECT pg_sleep(1.5) FROM users WHERE id = {id}"));
            await SleepingAsync(2);
            await client.CancelAsync();
            var replies = await client.ReceiveUntilReadyAsync();
            replies.Single(static message => message.Type == 'E').SqlState.ShouldBe("57014");
            replies[^1].Status.ShouldBe('I');
            (await bystander.ReceiveUntilReadyAsync()).ShouldNotContain(static message => message.Type == 'E');
            (await client.ScalarAsync($"SELECT name FROM users WHERE id = {id}")).ShouldBe($"user {id}");
        }
    }

    [Fact]
    public async Task In_a_transaction_and_in_the_extended_protocol()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.MustAsync("BEGIN");
        await client.MustAsync("SELECT name FROM users WHERE id = 2");
        await client.SendAsync(new FrontendScript().Run("SELECT pg_sleep(60) FROM users WHERE id = $1", ["1"]).Sync());
        await SleepingAsync(1);
        await client.CancelAsync();
        var replies = await client.ReceiveUntilReadyAsync();
        replies.Single(static message => message.Type == 'E').SqlState.ShouldBe("57014");
        replies[^1].Status.ShouldBe('E');
        await client.MustAsync("ROLLBACK");
    }

    [Fact]
    public async Task Nothing_happens_to_an_idle_client_or_its_next_statement()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.MustAsync("SELECT name FROM users WHERE id = 1");
        for (var round = 0; round < 20; round++)
        {
            await client.CancelAsync();
            (await client.ScalarAsync($"SELECT name FROM users WHERE id = {1 + round}")).ShouldBe($"user {1 + round}");
        }
    }

    [Fact]
    public async Task A_wrong_key_cancels_nothing()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.SendAsync(new FrontendScript().Query("SELECT pg_sleep(60) FROM users WHERE id = 1"));
        await SleepingAsync(1);
        var sleepers = await SleepersAsync();
        await using (var attacker = await WireClient.OpenSocketAsync(lab.Subject))
        {
            var key = (byte[])client.CancelKey.Clone();
            key[^1] ^= 1;
            await attacker.SendAsync([.. FrontendScript.Int32(key.Length + 8), .. FrontendScript.Int32(80877102), .. key]);
            (await attacker.ReceiveByteAsync()).ShouldBeNull();
        }
        (await SleepersAsync()).ShouldBe(sleepers);
        await client.CancelAsync();
        (await client.ReceiveUntilReadyAsync()).Single(static message => message.Type == 'E').SqlState.ShouldBe("57014");
    }

    [Fact]
    public async Task A_client_that_hangs_up_leaves_no_statement_running()
    {
        await using (var client = await WireClient.ConnectAsync(lab.Subject))
        {
            await client.SendAsync(new FrontendScript().Query("SELECT pg_sleep(60) FROM users WHERE id = 1"));
            await SleepingAsync(1);
        }
        if (!Lab.IsDirect)
            await Until.TrueAsync(async () => await SleepersAsync() == 0, "the abandoned statement is cancelled");
    }

    private async Task<int> SleepersAsync()
    {
        var servers = Lab.IsDirect ? [lab.Cluster.Reference] : lab.Cluster.Shards;
        var count = 0L;
        foreach (var server in servers)
            count += await server.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND wait_event = 'PgSleep'");
        return (int)count;
    }

    private Task SleepingAsync(int count) =>
        Until.TrueAsync(async () => await SleepersAsync() >= count, $"{count} statements sleep");
}
