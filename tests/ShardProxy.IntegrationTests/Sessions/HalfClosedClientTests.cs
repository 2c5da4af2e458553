using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Sessions;

/// <summary>A client may shut down its sending side behind its last message: what it sent is done, and it reads the answers.</summary>
[Collection(LabCollection.Name)]
public sealed class HalfClosedClientTests(Lab lab)
{
    [Fact]
    public async Task What_was_sent_before_the_end_is_done_and_answered()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.SendAsync(new FrontendScript()
            .Query("BEGIN").Query("UPDATE users SET name = 'half closed' WHERE id = 21").Query("SELECT pg_sleep(0.3) FROM users WHERE id = 21").Query("COMMIT")
            .Run("SELECT name FROM users WHERE id = $1", ["21"]).Sync());
        client.ShutdownSend();
        var replies = await client.ReceiveUntilClosedAsync();
        replies.Count(static message => message.Type == 'Z').ShouldBe(5);
        replies.Last(static message => message.Type == 'D').TextValues[0].ShouldBe("half closed");
        await using var other = await WireClient.ConnectAsync(lab.Subject);
        (await other.ScalarAsync("SELECT name FROM users WHERE id = 21")).ShouldBe("half closed");
        await other.MustAsync("UPDATE users SET name = 'user 21' WHERE id = 21");
    }

    [Fact]
    public async Task A_large_answer_arrives_whole()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.SendAsync(new FrontendScript().Query("SELECT repeat('x', 1000000) FROM generate_series(1, 20)"));
        client.ShutdownSend();
        var replies = await client.ReceiveUntilClosedAsync();
        replies.Count(static message => message.Type == 'D').ShouldBe(20);
        replies[^1].Type.ShouldBe('Z');
    }

    [Fact]
    public async Task An_open_transaction_is_rolled_back()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.SendAsync(new FrontendScript().Query("BEGIN").Query("UPDATE users SET name = 'half done' WHERE id = 22"));
        client.ShutdownSend();
        (await client.ReceiveUntilClosedAsync()).Count(static message => message.Type == 'Z').ShouldBe(2);
        await using var other = await WireClient.ConnectAsync(lab.Subject);
        (await other.ScalarAsync("SELECT name FROM users WHERE id = 22 FOR UPDATE")).ShouldBe("user 22");
    }
}
