using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>UPDATE, DELETE and INSERT over several shards beside one PostgreSQL: answers, tags, rows returned, errors and what the tables then hold.</summary>
[Collection(LabCollection.Name)]
public sealed class SpreadWriteTests(Lab lab) : IAsyncLifetime
{
    public Task InitializeAsync() => WriteSchema.CreateAsync(lab);

    public Task DisposeAsync() => WriteSchema.DropAsync(lab);

    [Fact]
    public async Task Own_rows_on_each_shard()
    {
        await SameAsync(
            "UPDATE w_accounts SET balance = balance + 1",
            "UPDATE w_accounts SET balance = balance * 2 WHERE region = 'eu' RETURNING id, balance",
            "UPDATE w_accounts SET owner = upper(owner) WHERE id IN (1, 2, 3, 4, 5)",
            "UPDATE w_accounts SET owner = 'nobody' WHERE id > 1000",
            "UPDATE w_accounts a SET balance = a.balance + e.amount FROM w_entries e WHERE e.account = a.id AND e.line = 1 RETURNING a.id, e.amount, a.balance",
            "UPDATE w_accounts a SET balance = balance * r.rate FROM w_regions r WHERE r.code = a.region",
            "UPDATE w_accounts SET balance = (SELECT sum(amount) FROM w_entries e WHERE e.account = w_accounts.id) WHERE EXISTS (SELECT FROM w_entries e WHERE e.account = w_accounts.id)",
            "UPDATE w_accounts SET region = (SELECT max(code) FROM w_regions) WHERE region IS NULL RETURNING id, region",
            "WITH rich AS (SELECT id FROM w_accounts WHERE balance > 20) UPDATE w_accounts SET owner = 'rich' FROM rich WHERE rich.id = w_accounts.id",
            "UPDATE w_accounts SET changed = now() WHERE region = 'us'",
            "UPDATE w_accounts SET balance = 1 / (id - 3)",
            "UPDATE w_accounts SET balance = -2000 WHERE id = 9 OR region = 'eu'",
            "UPDATE w_accounts SET nope = 1",
            "DELETE FROM w_entries WHERE line = 2 RETURNING *",
            "DELETE FROM w_entries USING w_accounts a WHERE a.id = w_entries.account AND a.region = 'eu'",
            "DELETE FROM w_entries WHERE account IN (SELECT id FROM w_accounts WHERE balance > 100)",
            "DELETE FROM w_accounts WHERE id = ANY ('{4,5,6,7}') RETURNING id",
            "DELETE FROM w_entries",
            "DELETE FROM w_entries");
    }

    [Fact]
    public async Task One_time_for_all_shards()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        await beside.SameAsync("UPDATE w_accounts SET changed = CURRENT_TIMESTAMP");
        (await beside.SubjectRowsAsync("SELECT DISTINCT changed FROM w_accounts")).Length.ShouldBe(1);
        await beside.SameAsync("INSERT INTO w_stamped (id, tag) SELECT 1, 'x' WHERE false");
        await beside.SameAsync("INSERT INTO w_stamped (id, tag) VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e'), (6, 'f')");
        await beside.SameAsync("INSERT INTO w_stamped VALUES (11, 'a'), (12, 'b'), (13, 'c'), (14, 'd')");
        await beside.SameAsync("INSERT INTO w_stamped VALUES (21, 'a', DEFAULT), (22, 'b', now()), (23, 'c', now() - interval '1 day')");
        (await beside.SubjectRowsAsync("SELECT DISTINCT made, day FROM w_stamped WHERE id < 10")).Length.ShouldBe(1);
        (await beside.SubjectRowsAsync("SELECT DISTINCT made, day FROM w_stamped WHERE id BETWEEN 11 AND 14")).Length.ShouldBe(1);
        (await beside.SubjectRowsAsync("SELECT DISTINCT made FROM w_stamped WHERE id IN (21, 22)")).Length.ShouldBe(1);
        await beside.SameAsync("DELETE FROM w_stamped WHERE made < now() - interval '1 hour' RETURNING id");
        await beside.SameAsync("DELETE FROM w_stamped WHERE made::date = CURRENT_DATE AND day = (CURRENT_DATE)");
        (await beside.RefusedAsync("UPDATE w_accounts SET changed = 'now'"))!.SqlState.ShouldBe("0A000");
        (await beside.RefusedAsync("UPDATE w_accounts SET changed = 'tomorrow 04:00'::timestamptz"))!.SqlState.ShouldBe("0A000");
        await beside.SameAsync("UPDATE w_accounts SET owner = 'known to be nowhere today at all'");
        await beside.SameStateAsync("clocks");
    }

    [Fact]
    public async Task Rows_of_one_insert_go_to_their_shards()
    {
        await SameAsync(
            "INSERT INTO w_accounts (id, owner) VALUES (101, 'a'), (102, 'b'), (103, 'c'), (104, 'd'), (105, 'e')",
            "INSERT INTO w_accounts (owner, id) VALUES ('a', 111), ('b', 112), ('it''s', 113), (E'x\\ny', 114), ($$d$$, 115)",
            "INSERT INTO w_accounts VALUES (121, 'a', DEFAULT, 'eu'), (122, 'b', 1 + 2, lower('EU')), (123, 'c', (SELECT max(rate) FROM w_regions), NULL)",
            "INSERT INTO w_accounts (id, owner) VALUES (101, 'a'), (131, 'b')",
            "INSERT INTO w_accounts (id, owner) VALUES (101, 'again'), (131, 'b'), (102, 'again'), (132, 'd') ON CONFLICT DO NOTHING",
            "INSERT INTO w_accounts (id, owner) VALUES (101, 'new 1'), (141, 'b'), (102, 'new 2'), (142, 'd') ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, balance = w_accounts.balance + 1",
            "INSERT INTO w_accounts AS t (id, owner) VALUES (101, 'x'), (143, 'x'), (103, 'x') ON CONFLICT (id) DO UPDATE SET owner = t.owner || excluded.owner WHERE t.id <> 103",
            "INSERT INTO w_accounts (id, owner) VALUES (151, 'x'), (151, 'y'), (152, 'z') ON CONFLICT (id) DO UPDATE SET owner = excluded.owner",
            "INSERT INTO w_accounts (id, owner, balance) VALUES (161, 'x', -5000), (162, 'y', 1), (163, 'z', 1)",
            "INSERT INTO w_accounts (id, owner) VALUES (171, 'x'), (NULL, 'y'), (172, NULL)",
            "INSERT INTO w_accounts (id, owner) VALUES (181, 'x'), (182, NULL), (183, 'z')",
            "INSERT INTO w_accounts (id, owner) VALUES (191, 'x'), ('192', 'y'), (193.4, 'z')");
    }

    [Fact]
    public async Task Rows_come_back_in_the_order_given()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        var values = string.Join(", ", Enumerable.Range(200, 300).Select(static id => $"({id * 7}, 'o{id}')"));
        foreach (var text in (string[])
                 [
                     $"INSERT INTO w_accounts (id, owner) VALUES {values} RETURNING id, owner, balance",
                     $"INSERT INTO w_accounts (id, owner) VALUES {values} ON CONFLICT (id) DO UPDATE SET owner = 'twice' RETURNING id, owner",
                 ])
        {
            await beside.SameAsync(new FrontendScript().Query(text), text, ordered: true);
        }
        await beside.SameStateAsync("the inserts");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Parameters(short format)
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        Task RunAsync(string text, params string?[] parameters) => beside.SameWithParametersAsync(text, format, parameters);
        await RunAsync("INSERT INTO w_accounts (id, owner) VALUES ($1, $2), ($3, $4), ($5, $6) RETURNING id, owner, balance", "301", "a", "302", "b", "303", "c");
        await RunAsync("INSERT INTO w_accounts (id, owner, balance) VALUES ($1, $4, $5), ($2, $4, 2), ($3, $4, $5) ON CONFLICT (id) DO UPDATE SET region = $6", "301", "311", "312", "all", "3.25", "eu");
        await RunAsync("UPDATE w_accounts SET balance = balance + $1 WHERE region = $2 RETURNING id, balance", "1.5", "eu");
        await RunAsync("UPDATE w_accounts SET balance = $1 WHERE id IN ($2, $3, $4)", "7", "1", "2", "3");
        await RunAsync("UPDATE w_accounts SET changed = now(), owner = $2 WHERE id = ANY ($1)", "{1,2,3,4,5}", "here and now we all are");
        await RunAsync("DELETE FROM w_entries WHERE amount > $1", "12");
        await RunAsync("DELETE FROM w_entries WHERE account IN ($1, $2)", "7", "8");
        await RunAsync("UPDATE w_accounts SET balance = 1 / ($1::int8 - id)", "3");
    }

    [Fact]
    public async Task Pipelines_blocks_and_several_statements()
    {
        await SameAsync(
            "UPDATE w_accounts SET balance = 1; DELETE FROM w_entries WHERE line = 1",
            "UPDATE w_accounts SET balance = 2; SELECT 1 / 0",
            "BEGIN",
            "UPDATE w_accounts SET balance = 3",
            "SAVEPOINT a",
            "UPDATE w_accounts SET balance = 4",
            "ROLLBACK TO a",
            "INSERT INTO w_accounts (id, owner) VALUES (401, 'a'), (402, 'b'), (403, 'c')",
            "SELECT count(*), sum(balance) FROM w_accounts",
            "COMMIT",
            "BEGIN",
            "DELETE FROM w_accounts",
            "SELECT count(*) FROM w_accounts",
            "ROLLBACK",
            "BEGIN",
            "UPDATE w_accounts SET balance = 1 / (id - 5)",
            "SELECT 1",
            "COMMIT");
        await using var beside = await WritesBeside.ConnectAsync(lab);
        await beside.SameAsync(
            new FrontendScript().Run("UPDATE w_accounts SET balance = 5").Run("SELECT count(*) FROM w_accounts WHERE balance = 5").Run("DELETE FROM w_entries").Sync(), "a pipeline");
        await beside.SameAsync(
            new FrontendScript().Run("UPDATE w_accounts SET balance = 6").Run("SELECT 1 / 0").Run("DELETE FROM w_accounts").Sync(), "a pipeline that fails");
        await beside.SameAsync(
            new FrontendScript().Parse("INSERT INTO w_accounts (id, owner) VALUES ($1, $2), ($3, $4)", "twice").DescribeStatement("twice").Sync(), "described");
        foreach (var from in (int[])[500, 510, 500])
            await beside.SameAsync(new FrontendScript().Bind([$"{from}", "x", $"{from + 1}", "y"], statement: "twice").Execute().Sync(), "a prepared statement");
        await beside.SameStateAsync("the pipelines");
    }

    [Fact]
    public async Task Inserts_from_queries_that_stay_on_their_shards()
    {
        await SameAsync(
            "INSERT INTO w_archive SELECT * FROM w_entries WHERE line = 1",
            "INSERT INTO w_archive (account, line, amount) SELECT id, 7, balance FROM w_accounts WHERE region = 'eu' RETURNING account, amount",
            "INSERT INTO w_archive (account, line, amount, note) SELECT a.id, 8, sum(e.amount), max(r.title) FROM w_accounts a JOIN w_entries e ON e.account = a.id LEFT JOIN w_regions r ON r.code = a.region GROUP BY a.id",
            "INSERT INTO w_archive SELECT * FROM w_entries ON CONFLICT (account, line) DO UPDATE SET note = 'again'",
            "INSERT INTO w_archive SELECT account, line + 20, amount, note FROM w_entries WHERE line = 1 UNION ALL SELECT account, line + 30, amount, note FROM w_archive WHERE line = 7",
            "INSERT INTO w_archive SELECT * FROM w_entries",
            "MERGE INTO w_archive t USING w_entries s ON t.account = s.account AND t.line = s.line WHEN MATCHED AND s.line = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET note = 'merged'",
            "MERGE INTO w_archive t USING (SELECT id, balance FROM w_accounts WHERE balance > 10) s ON t.account = s.id AND t.line = 50 WHEN NOT MATCHED THEN INSERT (account, line, amount) VALUES (s.id, 50, s.balance) WHEN MATCHED THEN DO NOTHING");
    }

    private async Task SameAsync(params string[] statements)
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var statement in statements)
            await beside.SameAsync(statement);
        await beside.SameStateAsync(string.Join("; ", statements));
    }
}
