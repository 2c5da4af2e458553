using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering;

/// <summary>FOR UPDATE and its kin of joins that no shard can do by itself: the rows, and which of them are locked, are one PostgreSQL's.</summary>
[Collection(LabCollection.Name)]
public sealed class RowLockTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    [Theory]
    [InlineData("SELECT u.id, o.user_id, o.id, o.amount FROM orders o JOIN users u ON u.id = o.product WHERE o.user_id < 9 ORDER BY 1, 2, 3 FOR UPDATE")]
    [InlineData("SELECT u.id, o.user_id, o.id FROM orders o JOIN users u ON u.id = o.product WHERE o.user_id < 9 ORDER BY 1, 2, 3 FOR SHARE OF u")]
    [InlineData("SELECT u.id, o.user_id, o.id FROM users u, orders o WHERE u.id = o.product AND o.user_id IN (2, 3, 5, 6, 7) ORDER BY 1, 2, 3 FOR NO KEY UPDATE OF u FOR KEY SHARE OF o")]
    [InlineData("SELECT u.id FROM users u WHERE u.id < 12 AND u.id IN (SELECT product FROM orders) ORDER BY 1 FOR UPDATE")]
    [InlineData("SELECT a.id, b.id FROM users a LEFT JOIN users b ON b.id = a.balance WHERE a.id < 5 ORDER BY 1 FOR UPDATE OF a")]
    [InlineData("SELECT n.body, u.name FROM notes n JOIN users u ON u.id = n.id WHERE u.id < 5 ORDER BY n.id FOR UPDATE")]
    [InlineData("SELECT public.users.id FROM public.users JOIN products p ON p.id = users.id WHERE users.id < 4 ORDER BY 1 FOR UPDATE OF users")]
    [InlineData("WITH o AS (SELECT product FROM orders WHERE user_id < 9) SELECT u.id FROM users u JOIN o ON o.product = u.id ORDER BY 1 FOR UPDATE OF u")]
    [InlineData("SELECT u.id FROM orders o JOIN users u ON u.id = o.product WHERE o.user_id < 9 FOR UPDATE OF x")]
    [InlineData("SELECT count(*) FROM orders o JOIN users u ON u.id = o.product WHERE o.user_id < 9 FOR UPDATE")]
    [InlineData("SELECT u.id FROM users u LEFT JOIN orders o ON u.id = o.product AND o.user_id < 9 WHERE u.id < 3 FOR UPDATE")]
    public Task Statements(string statement) => _differential.SameInAllProtocolsAsync(statement);

    [Fact]
    public Task In_blocks() => _differential.SameAsync(
        "BEGIN",
        "UPDATE users SET name = 'changed' WHERE id = 3",
        "SELECT u.id, u.name FROM orders o JOIN users u ON u.id = o.product WHERE o.user_id < 9 ORDER BY 1, 2 FOR UPDATE",
        "UPDATE users SET name = 'changed again' WHERE id = 3",
        "SELECT u.id, u.name FROM orders o JOIN users u ON u.id = o.product WHERE o.user_id < 9 ORDER BY 1, 2 FOR UPDATE",
        "ROLLBACK",
        "BEGIN ISOLATION LEVEL REPEATABLE READ",
        "SELECT u.id, u.name FROM orders o JOIN users u ON u.id = o.product WHERE o.user_id < 9 ORDER BY 1, 2 FOR UPDATE",
        "COMMIT",
        "BEGIN READ ONLY",
        "SELECT u.id FROM orders o JOIN users u ON u.id = o.product WHERE o.user_id < 9 ORDER BY 1 FOR SHARE",
        "ROLLBACK");

    [Fact]
    public Task With_parameters() => _differential.SameAsync(
        new FrontendScript().Run("SELECT u.id, o.id FROM orders o JOIN users u ON u.id = o.product WHERE o.user_id < $1 ORDER BY 1, 2 FOR UPDATE OF u", ["9"], 1).Sync(),
        new FrontendScript().Query("PREPARE l(int8) AS SELECT u.id, o.id FROM orders o JOIN users u ON u.id = o.product WHERE o.user_id < $1 ORDER BY 1, 2 FOR UPDATE"),
        new FrontendScript().Query("EXECUTE l(7)"),
        new FrontendScript().Query("DEALLOCATE l"));

    /// <summary>The keys of what was read say which rows a shard locks.</summary>
    [Theory]
    [InlineData("SELECT u.id FROM orders o JOIN users u ON u.id = o.product WHERE o.user_id < 5 FOR UPDATE OF u")]
    [InlineData("SELECT u.id FROM orders o JOIN users u ON u.id = o.product WHERE o.user_id = 7 OR o.user_id = 6 FOR UPDATE")]
    [InlineData("SELECT u.id FROM users u WHERE u.id BETWEEN 3 AND 9 AND u.name LIKE 'user%' AND EXISTS (SELECT * FROM users v WHERE v.id = u.id + 1) FOR UPDATE")]
    public async Task Locked_rows(string statement)
    {
        var locked = new List<string>();
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var holder = await WireClient.ConnectAsync(endpoint);
            await using var other = await WireClient.ConnectAsync(endpoint);
            await holder.MustAsync("BEGIN");
            await holder.MustAsync(statement);
            var free = await other.MustAsync("SELECT id FROM users ORDER BY id FOR UPDATE SKIP LOCKED");
            var orders = await other.MustAsync("SELECT user_id, id FROM orders ORDER BY user_id, id FOR UPDATE SKIP LOCKED");
            locked.Add(string.Join(' ', free.Concat(orders).Where(static message => message.Type == 'D')));
            await holder.MustAsync("ROLLBACK");
        }
        locked[1].ShouldBe(locked[0]);
    }

    /// <summary>Whoever waits for a row sees it as it is when the lock is his, and not at all if it has gone from the condition.</summary>
    [Fact]
    public async Task Rows_that_change_while_they_are_waited_for()
    {
        var answers = new List<List<string>>();
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var writer = await WireClient.ConnectAsync(endpoint);
            await using var reader = await WireClient.ConnectAsync(endpoint);
            await writer.MustAsync("BEGIN");
            await writer.MustAsync("UPDATE users SET name = 'changed' WHERE id = 5");
            await writer.MustAsync("UPDATE users SET balance = -1 WHERE id = 6");
            await reader.SendAsync(new FrontendScript().Query("SELECT u.id, u.name, o.id FROM orders o JOIN users u ON u.id = o.product WHERE o.user_id < 9 AND u.balance > 0 ORDER BY 1, 2, 3 FOR UPDATE OF u"));
            await Until.TrueAsync(async () => await WaitersAsync(endpoint) > 0, "somebody waits for the row");
            await writer.MustAsync("COMMIT");
            answers.Add([.. (await reader.ReceiveUntilReadyAsync()).Select(static message => message.ToString())]);
            // Other suites look at rows in the order in which they were stored.
            await LabSchema.RefillAsync(endpoint);
        }
        answers[1].ShouldBe(answers[0]);
        answers[0].ShouldContain(static line => line.Contains("changed", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("SELECT u.id FROM users u JOIN orders o ON o.product = u.id FOR UPDATE")]
    [InlineData("SELECT u.id FROM users u JOIN orders o ON o.product = u.id WHERE o.user_id < 5 LIMIT 1 FOR UPDATE")]
    [InlineData("SELECT u.id FROM users u JOIN orders o ON o.product = u.id WHERE o.user_id < 5 FOR UPDATE NOWAIT")]
    [InlineData("SELECT u.id FROM (SELECT * FROM users) u JOIN orders o ON o.product = u.id WHERE o.user_id < 5 FOR UPDATE")]
    [InlineData("SELECT u.id FROM users u WHERE id IN (SELECT product FROM orders WHERE user_id < 5 FOR UPDATE)")]
    public async Task Refused(string statement) => (await _differential.RightOrRefusedAsync(statement)).ShouldBeTrue();

    [Fact]
    public async Task A_cursor_is_refused()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.MustAsync("BEGIN");
        (await client.QueryAsync("DECLARE c CURSOR FOR SELECT u.id FROM users u JOIN orders o ON o.product = u.id WHERE o.user_id < 5 FOR UPDATE"))
            .ShouldContain(static message => message.Type == 'E' && message.SqlState == "0A000");
    }

    private async Task<long> WaitersAsync(Endpoint endpoint)
    {
        var servers = endpoint == lab.Reference ? [lab.Cluster.Reference] : lab.Cluster.Shards;
        var waiters = 0L;
        foreach (var server in servers)
            waiters += await server.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
        return waiters;
    }
}
