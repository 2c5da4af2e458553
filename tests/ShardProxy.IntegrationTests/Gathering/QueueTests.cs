using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering;

/// <summary>Tables as queues, as job runners have them: workers that lock a few rows each and pass by what others hold, over shards.</summary>
[Collection(LabCollection.Name)]
public sealed class QueueTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    /// <summary>Two workers get what they would get of one PostgreSQL, and everything else stays free for a third.</summary>
    [Theory]
    [InlineData("SELECT id, name FROM users WHERE balance > 3 ORDER BY balance LIMIT 5 FOR UPDATE SKIP LOCKED")]
    [InlineData("SELECT id FROM users ORDER BY balance DESC, id LIMIT 3 OFFSET 2 FOR NO KEY UPDATE SKIP LOCKED")]
    [InlineData("SELECT * FROM users WHERE born < now() AND born <= CURRENT_DATE ORDER BY born LIMIT 4 FOR UPDATE SKIP LOCKED")]
    [InlineData("SELECT u.id, p.title FROM users u JOIN products p ON p.id = u.id - 2 ORDER BY u.id LIMIT 4 FOR UPDATE OF u SKIP LOCKED")]
    [InlineData("SELECT o.user_id, o.id, u.name FROM orders o JOIN users u ON u.id = o.user_id WHERE o.amount >= 10 ORDER BY o.amount DESC, o.user_id, o.id LIMIT 6 FOR UPDATE OF o SKIP LOCKED")]
    [InlineData("SELECT u.id FROM users u JOIN orders o ON o.product = u.id WHERE o.user_id < 9 ORDER BY 1 FOR UPDATE OF u SKIP LOCKED")]
    [InlineData("SELECT id FROM users WHERE id < 3 ORDER BY id FOR SHARE NOWAIT")]
    [InlineData("SELECT id FROM users ORDER BY id FETCH FIRST 2 ROWS ONLY FOR KEY SHARE")]
    [InlineData("WITH w AS (SELECT 3 AS id) SELECT id FROM users WHERE id > (SELECT id FROM w) ORDER BY id LIMIT 3 FOR UPDATE SKIP LOCKED")]
    public async Task Two_workers(string statement)
    {
        var answers = new List<List<string>>();
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var first = await WireClient.ConnectAsync(endpoint);
            await using var second = await WireClient.ConnectAsync(endpoint);
            await using var third = await WireClient.ConnectAsync(endpoint);
            await first.MustAsync("BEGIN");
            await second.MustAsync("BEGIN");
            List<string> seen = [.. Rows(await first.MustAsync(statement)), "--", .. Rows(await second.RunAsync(new FrontendScript().Run(statement, resultFormat: 1).Sync())), "--"];
            seen.AddRange(Rows(await third.MustAsync("SELECT id FROM users ORDER BY id FOR UPDATE SKIP LOCKED")));
            seen.AddRange(Rows(await third.MustAsync("SELECT user_id, id FROM orders ORDER BY user_id, id FOR UPDATE SKIP LOCKED")));
            await first.MustAsync("COMMIT");
            await second.MustAsync("SAVEPOINT s");
            seen.AddRange(Rows(await second.MustAsync("SELECT id FROM users ORDER BY id LIMIT 3 FOR UPDATE SKIP LOCKED")));
            await second.MustAsync("ROLLBACK TO s");
            seen.AddRange(Rows(await third.MustAsync("SELECT id FROM users ORDER BY id FOR UPDATE SKIP LOCKED")));
            await second.MustAsync("ROLLBACK");
            answers.Add(seen);
        }
        answers[1].ShouldBe(answers[0]);
    }

    /// <summary>Without an order any rows will do, but as many as there are.</summary>
    [Fact]
    public async Task Rows_in_no_order()
    {
        await using var first = await WireClient.ConnectAsync(lab.Subject);
        await using var second = await WireClient.ConnectAsync(lab.Subject);
        await first.MustAsync("BEGIN");
        await second.MustAsync("BEGIN");
        var mine = Rows(await first.MustAsync("SELECT id FROM users LIMIT 7 FOR UPDATE SKIP LOCKED")).ToList();
        var others = Rows(await second.MustAsync("SELECT id FROM users FOR UPDATE SKIP LOCKED")).ToList();
        mine.Count.ShouldBe(7);
        others.Count.ShouldBe(LabSchema.UserCount - 7);
        mine.ShouldAllBe(row => !others.Contains(row));
    }

    /// <summary>Several workers at once empty a queue: every row goes to one of them, and none is left.</summary>
    [Fact]
    public async Task Workers_share_a_queue()
    {
        var taken = await Task.WhenAll(Enumerable.Range(0, 4).Select(async worker =>
        {
            await using var client = await WireClient.ConnectAsync(lab.Subject);
            var rows = new List<string>();
            for (var idle = 0; idle < 3;)
            {
                var got = Rows(await client.MustAsync(
                    $"UPDATE users SET name = 'worker {worker}' WHERE id IN (SELECT id FROM users WHERE name LIKE 'user %' AND born <= now() ORDER BY balance LIMIT 3 FOR UPDATE SKIP LOCKED) RETURNING id")).ToList();
                idle = got.Count == 0 ? idle + 1 : 0;
                rows.AddRange(got);
            }
            return rows;
        }));
        var all = taken.SelectMany(static rows => rows).ToList();
        all.Count.ShouldBe(all.Distinct().Count());
        // A worker that looks while others compare rows can find none; what is left is what all found busy.
        await using var last = await WireClient.ConnectAsync(lab.Subject);
        all.AddRange(Rows(await last.MustAsync("UPDATE users SET name = 'last' WHERE id IN (SELECT id FROM users WHERE name LIKE 'user %' FOR UPDATE SKIP LOCKED) RETURNING id")));
        all.Count.ShouldBe(LabSchema.UserCount);
        await LabSchema.RefillAsync(lab.Subject);
    }

    [Fact]
    public async Task Writes_of_picked_rows()
    {
        string[] statements =
        [
            "UPDATE users SET balance = balance + 100 WHERE id IN (SELECT id FROM users WHERE balance < 20 ORDER BY balance DESC LIMIT 5 FOR UPDATE SKIP LOCKED) RETURNING *",
            "UPDATE users SET balance = balance + 100 WHERE id = (SELECT id FROM users WHERE balance < 30 ORDER BY balance DESC LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, balance",
            "WITH picked AS (SELECT id FROM users WHERE born <= now() ORDER BY born DESC LIMIT 3 FOR UPDATE SKIP LOCKED) UPDATE users SET name = 'picked', born = CURRENT_DATE FROM picked WHERE users.id = picked.id RETURNING users.id",
            "WITH picked AS MATERIALIZED (SELECT * FROM orders WHERE note = 'note 1' ORDER BY amount, user_id LIMIT 4 FOR NO KEY UPDATE) UPDATE orders o SET note = 'p' || picked.id, placed = picked.placed FROM picked WHERE o.user_id = picked.user_id AND o.id = picked.id RETURNING o.*",
            "UPDATE users u SET name = 'q' FROM (SELECT id FROM users ORDER BY id DESC LIMIT 2 FOR UPDATE SKIP LOCKED) AS q WHERE u.id = q.id RETURNING u.id, q.id",
            "UPDATE orders SET note = 'two' WHERE (user_id, id) IN (SELECT user_id, id FROM orders ORDER BY user_id DESC, id LIMIT 3 FOR UPDATE) RETURNING user_id, id",
            "DELETE FROM items WHERE user_id IN (SELECT user_id FROM items ORDER BY quantity DESC, user_id LIMIT 2) RETURNING *",
            "DELETE FROM items WHERE user_id = ANY (SELECT user_id FROM items ORDER BY user_id LIMIT 2 FOR UPDATE) RETURNING user_id",
            "DELETE FROM items USING (SELECT user_id FROM items ORDER BY user_id LIMIT 1 FOR UPDATE) AS p WHERE p.user_id = items.user_id",
            "UPDATE users SET name = 'none' WHERE id IN (SELECT id FROM users WHERE balance < 0 ORDER BY id LIMIT 5 FOR UPDATE SKIP LOCKED) RETURNING id",
            "UPDATE users SET name = 'none' WHERE id = (SELECT id FROM users WHERE balance < 0 ORDER BY id LIMIT 1 FOR UPDATE)",
            "UPDATE users SET feeling = (SELECT feeling FROM users ORDER BY id LIMIT 1), tags = (SELECT tags FROM users ORDER BY id DESC LIMIT 1) WHERE id < 5 RETURNING id, feeling, tags",
            "UPDATE users SET balance = (SELECT count(*) FROM orders) WHERE id IN (SELECT product FROM orders WHERE amount > 20) RETURNING id, balance",
            "UPDATE notes SET body = 'sharded' WHERE id IN (SELECT id FROM users ORDER BY id LIMIT 3) RETURNING *",
            "DELETE FROM orders WHERE product IN (SELECT id FROM notes WHERE id < 3) RETURNING product",
            "UPDATE users SET name = 'gathered' WHERE id IN (SELECT o.product FROM orders o JOIN users u ON u.id = o.product ORDER BY o.product, o.user_id LIMIT 5) RETURNING id",
            "UPDATE users SET name = 'not in' WHERE id < 9 AND id NOT IN (SELECT id FROM users ORDER BY id LIMIT 5) RETURNING id",
        ];
        foreach (var statement in statements)
            (await _differential.RightOrRefusedAsync(statement)).ShouldBeFalse(statement);
        await SameTablesAsync();
    }

    [Fact]
    public async Task Picked_rows_with_parameters_and_in_blocks()
    {
        const string Pick = "UPDATE users SET name = $1 WHERE id IN (SELECT id FROM users WHERE balance > $2 AND born <= now() ORDER BY balance LIMIT $3 FOR UPDATE SKIP LOCKED) AND id > $4 RETURNING id";
        await _differential.SameAsync(
            new FrontendScript().Query("BEGIN"),
            new FrontendScript().Run("UPDATE users SET name = $1 WHERE id IN (SELECT id FROM users WHERE balance > $2 ORDER BY balance LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, name", ["p", "4"]).Sync(),
            new FrontendScript().Run("UPDATE users SET name = $1 WHERE id = (SELECT id FROM users WHERE balance > $2 ORDER BY balance LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *", ["q", "14"], 1).Sync(),
            new FrontendScript().Query("SAVEPOINT a"),
            new FrontendScript().Run("SELECT id, name FROM users WHERE born <= now() AND balance > $1 ORDER BY balance LIMIT $2 FOR UPDATE SKIP LOCKED", ["7", "3"], 1).Sync(),
            new FrontendScript().Query("ROLLBACK TO a"),
            new FrontendScript().Run("DELETE FROM users WHERE id IN (SELECT id FROM users WHERE balance > $1 ORDER BY balance LIMIT $2 FOR UPDATE) AND name <> $3", ["20", "3", "x"]).Sync(),
            new FrontendScript().Query("SELECT count(*) FROM users"),
            new FrontendScript().Query("ROLLBACK"),
            new FrontendScript().Query("SELECT id, name FROM users ORDER BY id"));
        await _differential.SameAsync(
            "PREPARE pick(int8, int8) AS UPDATE users SET balance = -balance WHERE id = (SELECT id FROM users WHERE id > $1 ORDER BY balance LIMIT 1 FOR UPDATE SKIP LOCKED) AND id < $2 RETURNING id, balance",
            "BEGIN",
            "EXECUTE pick(5, 30)",
            "EXECUTE pick(5, 6)",
            "ROLLBACK",
            "DEALLOCATE pick");
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        var replies = await client.RunAsync(new FrontendScript().Run(Pick, ["w", "10", "5", "12"]).Sync());
        Rows(replies).Count().ShouldBe(2, string.Join('\n', replies));
        await LabSchema.RefillAsync(lab.Subject);
    }

    /// <summary>Errors of a subquery that runs first, and what cannot be read first.</summary>
    [Theory]
    [InlineData("UPDATE users SET name = 'x' WHERE id = (SELECT id FROM users ORDER BY id LIMIT 2 FOR UPDATE)", "21000")]
    [InlineData("UPDATE users SET name = 'x' WHERE id IN (SELECT id / 0 FROM users ORDER BY id LIMIT 2)", "22012")]
    [InlineData("UPDATE users SET name = 'x' WHERE id IN (SELECT id FROM users WHERE name = 1 LIMIT 2 FOR UPDATE)", "42883")]
    [InlineData("UPDATE users u SET name = 'x' WHERE id IN (SELECT product FROM orders o WHERE o.amount > u.balance ORDER BY o.amount LIMIT 2)", "0A000")]
    [InlineData("UPDATE users SET name = 'x' WHERE id IN (SELECT u.id FROM users u JOIN orders o ON o.product = u.id LIMIT 2 FOR UPDATE OF u)", "0A000")]
    [InlineData("SELECT u.id FROM users u JOIN orders o ON o.product = u.id WHERE o.user_id < 5 FOR UPDATE OF u NOWAIT", "0A000")]
    public async Task Errors(string statement, string state)
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        var replies = await client.QueryAsync(statement);
        replies.ShouldContain(message => message.Type == 'E' && message.SqlState == state, string.Join('\n', replies));
    }

    [Fact]
    public Task Explained() => ExplainAsync(
        "EXPLAIN SELECT id FROM users WHERE born <= now() ORDER BY id LIMIT 3 FOR UPDATE SKIP LOCKED",
        "EXPLAIN UPDATE users SET name = 'x' WHERE id IN (SELECT id FROM users ORDER BY id LIMIT 2 FOR UPDATE)",
        "EXPLAIN (SHARDS) UPDATE users SET name = 'x' WHERE id IN (SELECT id FROM users ORDER BY id LIMIT 2 FOR UPDATE)");

    private async Task ExplainAsync(params string[] statements)
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        foreach (var statement in statements)
            await client.MustAsync(statement);
    }

    private async Task SameTablesAsync()
    {
        await _differential.SameAsync(
            "SELECT * FROM users ORDER BY id", "SELECT * FROM orders ORDER BY user_id, id", "SELECT * FROM items ORDER BY user_id, order_id, line", "SELECT * FROM notes ORDER BY id");
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await LabSchema.RefillAsync(endpoint);
            await using var client = await WireClient.ConnectAsync(endpoint);
            await client.MustAsync("UPDATE notes SET body = 'note ' || id");
        }
    }

    private static IEnumerable<string> Rows(IEnumerable<WireMessage> messages)
    {
        var list = messages.ToList();
        list.ShouldNotContain(static message => message.Type == 'E', string.Join('\n', list));
        return list.Where(static message => message.Type == 'D').Select(static message => message.ToString());
    }
}
