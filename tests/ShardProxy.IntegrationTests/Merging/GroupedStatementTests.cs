using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Merging;

/// <summary>Groups and aggregates over shards against one PostgreSQL: rows, descriptions and tags, in all protocols and formats.</summary>
[Collection(LabCollection.Name)]
public sealed class GroupedStatementTests(Lab lab)
{
    public static TheoryData<string> Statements =>
    [
        "SELECT count(*), sum(amount), avg(amount), min(amount), max(amount) FROM orders",
        "SELECT count(*) FROM orders WHERE amount > 10",
        "SELECT sum(id), avg(id), stddev(id), variance(amount), var_pop(id), stddev_pop(amount) FROM orders",
        "SELECT sum(amount) / count(*), coalesce(sum(amount), 0), count(*) > 5 AS many FROM orders",
        "SELECT sum(amount) FROM orders WHERE false",
        "SELECT count(*), max(id), bool_and(amount > 0), bool_or(id = 1), bit_or(id) FROM orders WHERE user_id > 1000000",
        "SELECT product, count(*), sum(amount) FROM orders GROUP BY product ORDER BY product",
        "SELECT product, count(*) FROM orders GROUP BY product",
        "SELECT product AS p, count(*) AS n FROM orders GROUP BY p ORDER BY n DESC, p LIMIT 3",
        "SELECT product, sum(amount) total FROM orders GROUP BY 1 HAVING count(*) > 1 ORDER BY total DESC NULLS LAST, 1",
        "SELECT product % 3, count(*), avg(amount) FROM orders GROUP BY product % 3 ORDER BY 1",
        "SELECT date_trunc('month', placed) AS month, count(*) FROM orders GROUP BY date_trunc('month', placed) ORDER BY month",
        "SELECT date_trunc('month', placed)::date, count(*) FROM orders GROUP BY date_trunc('month', placed) ORDER BY 1",
        "SELECT product, count(DISTINCT user_id), sum(DISTINCT amount), count(*) FILTER (WHERE amount > 20) FROM orders GROUP BY product ORDER BY product",
        "SELECT count(DISTINCT user_id), count(DISTINCT product) FROM orders WHERE user_id < 0",
        "SELECT count(DISTINCT product), avg(DISTINCT product) FROM orders",
        "SELECT CASE WHEN product > 10 THEN 'high' ELSE 'low' END, count(*) FROM orders GROUP BY CASE WHEN product > 10 THEN 'high' ELSE 'low' END",
        "SELECT o.product, p.price, sum(o.amount * p.price) FROM orders o JOIN products p ON p.id = o.product GROUP BY o.product, p.price ORDER BY 3 DESC, 1 FETCH FIRST 5 ROWS ONLY",
        "SELECT u.id % 4 AS part, sum(o.amount) FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id % 4 ORDER BY part",
        "SELECT u.id % 4, sum(i.quantity * o.amount) FROM users u JOIN orders o ON o.user_id = u.id JOIN items i ON i.user_id = o.user_id AND i.order_id = o.id GROUP BY 1 ORDER BY 1",
        "SELECT born, count(*) FROM users GROUP BY born ORDER BY count(*) DESC, born LIMIT 4 OFFSET 1",
        "SELECT born, count(*) FROM users GROUP BY born ORDER BY count(*) FETCH FIRST 2 ROWS WITH TIES",
        "SELECT DISTINCT count(*) FROM orders GROUP BY product ORDER BY 1",
        "SELECT sum(balance) AS \"the sum\", -sum(balance), round(avg(balance), 1) FROM users",
        "SELECT product FROM orders GROUP BY product HAVING max(amount) > 30 ORDER BY product DESC",
        "SELECT 1 FROM orders HAVING count(*) > 1",
        "SELECT max(placed), min(placed), max(placed) - min(placed) FROM orders",
        "SELECT extract(year FROM placed), count(*) FROM orders GROUP BY extract(year FROM placed) ORDER BY 1",
        "SELECT sum(f8), avg(f4), min(f8), max(iv), min(ti) FROM kinds",
        "SELECT name, count(*) FROM users GROUP BY name",
        "SELECT /* a comment */ product, -- another\n count(*)\nFROM orders GROUP BY product -- end",
        "SELECT count(*) AS c, product AS \"odd \"\"name\" FROM orders GROUP BY product ORDER BY \"odd \"\"name\"",
        "SELECT b, every(b), bit_xor(i4) FROM kinds GROUP BY b",
    ];

    [Theory]
    [MemberData(nameof(Statements))]
    public async Task The_answer_is_that_of_one_server(string sql)
    {
        await using var subject = await WireClient.ConnectAsync(lab.Subject);
        await using var reference = await WireClient.ConnectAsync(lab.Reference);
        Comparable(await subject.QueryAsync(sql), sql).ShouldBe(Comparable(await reference.QueryAsync(sql), sql));
        foreach (short format in new short[] { 0, 1 })
        {
            var script = new FrontendScript().Run(sql, resultFormat: format).Sync();
            Comparable(await subject.RunAsync(script), sql).ShouldBe(Comparable(await reference.RunAsync(script), sql), $"format {format}");
        }
    }

    [Fact]
    public async Task Parameters_stand_in_conditions_and_in_what_is_computed_at_the_end()
    {
        const string Sql = "SELECT product, sum(amount) * $1 FROM orders WHERE amount > $2 GROUP BY product HAVING count(*) >= $3 ORDER BY product LIMIT $4";
        await using var subject = await WireClient.ConnectAsync(lab.Subject);
        await using var reference = await WireClient.ConnectAsync(lab.Reference);
        var script = new FrontendScript().Run(Sql, ["1.5", "3", "1", "7"]).Sync().Run(Sql, ["2", "3", "2", null], resultFormat: 1).Sync();
        Comparable(await subject.RunAsync(script), Sql).ShouldBe(Comparable(await reference.RunAsync(script), Sql));
    }

    [Fact]
    public async Task A_block_sees_its_own_rows_in_groups()
    {
        const string Sql = "SELECT product, count(*) FROM orders GROUP BY product ORDER BY product";
        await using var subject = await WireClient.ConnectAsync(lab.Subject);
        await using var reference = await WireClient.ConnectAsync(lab.Reference);
        foreach (var statement in new[] { "BEGIN", "INSERT INTO orders (user_id, id, product) VALUES (1, 999, 777)", Sql, "ROLLBACK", Sql })
            Comparable(await subject.QueryAsync(statement), statement).ShouldBe(Comparable(await reference.QueryAsync(statement), statement));
    }

    [Theory]
    [InlineData("SELECT user_id, sum(amount) / (count(*) - count(*)) FROM orders GROUP BY product", "42803")]
    [InlineData("SELECT product, sum(nothing) FROM orders GROUP BY product", "42703")]
    [InlineData("SELECT product, sum(amount) / (count(*) - count(*)) FROM orders GROUP BY product", "22012")]
    public async Task Errors_are_PostgreSQLs(string sql, string state)
    {
        await using var subject = await WireClient.ConnectAsync(lab.Subject);
        var replies = await subject.QueryAsync(sql);
        replies.ShouldContain(static reply => reply.Type == 'E');
        replies.First(static reply => reply.Type == 'E').SqlState.ShouldBe(state);
        (await subject.ScalarAsync("SELECT count(*) FROM orders WHERE user_id = 1")).ShouldNotBeEmpty();
    }

    private static string Comparable(List<WireMessage> replies, string sql)
    {
        var lines = replies.ConvertAll(static reply => reply.ToString());
        if (sql.Contains("ORDER BY", StringComparison.Ordinal) && !sql.Contains("WITH TIES", StringComparison.Ordinal))
            return string.Join('\n', lines);
        return string.Join('\n', lines.Where(static line => !line.StartsWith("DataRow", StringComparison.Ordinal))
            .Concat(lines.Where(static line => line.StartsWith("DataRow", StringComparison.Ordinal)).Order(StringComparer.Ordinal)));
    }
}
