using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;
using Xunit.Abstractions;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>A statement's answer is the one of a single PostgreSQL, or the statement is refused; there is no third outcome.</summary>
[Collection(LabCollection.Name)]
public sealed class RightOrRefusedTests(Lab lab, ITestOutputHelper output)
{
    private static readonly int StatementsPerSeed = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") == "1" ? 2000 : 150;

    private readonly Differential _differential = new(lab);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Generated_selects(int seed)
    {
        var generator = new StatementGenerator(seed);
        var answered = 0;
        for (var count = 0; count < StatementsPerSeed; count++)
        {
            if (!await _differential.RightOrRefusedAsync(generator.Next()))
                answered++;
        }
        output.WriteLine($"{answered} of {StatementsPerSeed} answered, the others refused");
        // Refusing everything would be right too, and useless.
        answered.ShouldBeGreaterThan(StatementsPerSeed / 10);
    }

    /// <summary>Statements whose conditions look like a key and are none, or hold less than they seem to.</summary>
    [Theory]
    [InlineData("SELECT name FROM users WHERE id = 1 UNION ALL SELECT name FROM users WHERE id = 2")]
    [InlineData("SELECT id = 1 FROM users")]
    [InlineData("SELECT u.id, o.id FROM users u LEFT JOIN orders o ON o.user_id = u.id AND u.id = 1")]
    [InlineData("SELECT u.id, o.id FROM users u LEFT JOIN orders o ON o.user_id = 1")]
    [InlineData("SELECT u.id, o.id FROM orders o RIGHT JOIN users u ON o.user_id = u.id AND o.user_id = 3")]
    [InlineData("SELECT u.id, o.id FROM users u FULL JOIN orders o ON o.user_id = u.id WHERE u.id = 3")]
    [InlineData("SELECT u.id, o.id FROM users u FULL JOIN orders o ON o.user_id = u.id WHERE u.id = 3 AND o.user_id = 3")]
    [InlineData("SELECT u.id, o.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE o.user_id = 3")]
    [InlineData("SELECT u.id FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE u.id = 3 AND o.user_id IS NULL")]
    [InlineData("SELECT name FROM users WHERE id = 1 OR name = 'user 2'")]
    [InlineData("SELECT name FROM users WHERE NOT (id <> 1)")]
    [InlineData("SELECT name FROM users WHERE NOT (id = 1)")]
    [InlineData("SELECT name FROM users WHERE (id = 1) IS NOT TRUE")]
    [InlineData("SELECT name FROM users WHERE (id = 1) = false")]
    [InlineData("SELECT name FROM users WHERE id = 1 AND id = 2")]
    [InlineData("SELECT count(*) FROM users WHERE id = 1 AND id = 2")]
    [InlineData("SELECT count(*) FROM users WHERE false")]
    [InlineData("SELECT count(*), max(id) FROM users WHERE id = NULL")]
    [InlineData("SELECT name FROM users WHERE id IN (1, 2, 3)")]
    [InlineData("SELECT name FROM users WHERE id IN (1, NULL)")]
    [InlineData("SELECT name FROM users WHERE id NOT IN (1)")]
    [InlineData("SELECT name FROM users WHERE id = ALL (ARRAY[1])")]
    [InlineData("SELECT name FROM users WHERE id = ALL (ARRAY[]::int8[])")]
    [InlineData("SELECT name FROM users WHERE id = ANY (ARRAY[]::int8[])")]
    [InlineData("SELECT count(*) FROM users WHERE id = ANY ('{}')")]
    [InlineData("SELECT name FROM users WHERE id = ANY ('{1,NULL}')")]
    [InlineData("SELECT name FROM users WHERE id = ANY ('{{1},{1}}')")]
    [InlineData("SELECT name FROM users WHERE id != ANY (ARRAY[1])")]
    [InlineData("SELECT name FROM users WHERE id > 0 ORDER BY id LIMIT 3")]
    [InlineData("SELECT count(*) FROM users")]
    [InlineData("SELECT avg(balance), sum(balance) / count(*) FROM users")]
    [InlineData("SELECT coalesce(sum(balance), 0) FROM users WHERE id = 1000")]
    [InlineData("SELECT feeling, count(*) FROM users GROUP BY feeling")]
    [InlineData("SELECT DISTINCT feeling FROM users")]
    [InlineData("SELECT name FROM users ORDER BY id DESC NULLS LAST LIMIT 2 OFFSET 3")]
    [InlineData("SELECT row_number() OVER (ORDER BY id), id FROM users")]
    [InlineData("SELECT id FROM users WHERE id IN (SELECT user_id FROM orders WHERE amount > 20)")]
    [InlineData("SELECT id FROM users u WHERE id = 3 AND EXISTS (SELECT 1 FROM orders o WHERE o.amount > 20)")]
    [InlineData("SELECT id FROM users u WHERE id = 3 AND EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id)")]
    [InlineData("SELECT id FROM users u WHERE id = 3 AND EXISTS (SELECT 1 FROM orders o WHERE o.user_id = 7)")]
    [InlineData("SELECT id, (SELECT count(*) FROM orders) FROM users WHERE id = 3")]
    [InlineData("SELECT id, (SELECT count(*) FROM orders WHERE user_id = users.id) FROM users WHERE id = 3")]
    [InlineData("SELECT id, (SELECT count(*) FROM notes) FROM users WHERE id = 3")]
    [InlineData("SELECT u.id, n.body FROM users u, notes n WHERE u.id = 3 AND n.id = 1")]
    [InlineData("SELECT u.id, p.title FROM users u, products p WHERE u.id = 3 AND p.id = 1")]
    [InlineData("SELECT p.title, o.amount FROM products p LEFT JOIN orders o ON o.product = p.id WHERE o.user_id = 3")]
    [InlineData("SELECT p.title, o.amount FROM products p LEFT JOIN orders o ON o.product = p.id AND o.user_id = 3")]
    [InlineData("WITH u AS (SELECT * FROM users WHERE id = 3) SELECT u.name, o.id FROM u JOIN orders o ON o.user_id = u.id")]
    [InlineData("WITH u AS (SELECT * FROM users WHERE id = 3) SELECT count(*) FROM u, orders")]
    [InlineData("WITH users AS (SELECT 1 AS id) SELECT * FROM users")]
    [InlineData("WITH a AS (SELECT (SELECT max(id) FROM notes) FROM users), b AS (SELECT id FROM products) SELECT name FROM users")]
    [InlineData("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT u.name FROM t JOIN users u ON u.id = t.n")]
    [InlineData("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT u.name, n FROM t, users u WHERE u.id = 5")]
    [InlineData("SELECT * FROM users NATURAL JOIN (VALUES (3::int8)) v(id)")]
    [InlineData("SELECT name FROM users JOIN (VALUES (3), (4)) v(id) USING (id)")]
    [InlineData("SELECT u.name FROM users u JOIN orders o USING (id) WHERE o.user_id = 3")]
    [InlineData("SELECT u.name, o.id FROM users u JOIN orders o ON u.id = o.user_id WHERE u.id = 3")]
    [InlineData("SELECT u.name, o.id FROM users u JOIN orders o ON u.id = o.user_id + 0 WHERE u.id = 3")]
    [InlineData("SELECT u.name, o.id FROM users u JOIN orders o ON u.id = o.id WHERE u.id = 3")]
    [InlineData("SELECT a.name, b.name FROM users a, users b WHERE a.id = 1 AND b.id = 2")]
    [InlineData("SELECT a.name, b.name FROM users a, users b WHERE a.id = 1 AND b.id = a.id")]
    [InlineData("SELECT e.payload FROM events e JOIN users u ON e.device = u.name WHERE u.id = 3")]
    [InlineData("SELECT * FROM (SELECT * FROM users ORDER BY id LIMIT 5) u WHERE u.id = 3")]
    [InlineData("SELECT * FROM (SELECT id, row_number() OVER (ORDER BY id) FROM users) u WHERE u.id = 3")]
    [InlineData("SELECT * FROM (SELECT DISTINCT ON (feeling) id, feeling FROM users ORDER BY feeling, id) u WHERE u.id = 1")]
    [InlineData("SELECT * FROM (SELECT id, count(*) FROM users GROUP BY id) u WHERE u.id = 3")]
    [InlineData("SELECT * FROM (SELECT max(id) AS id FROM users) u WHERE u.id = 3")]
    [InlineData("SELECT * FROM (SELECT 3 AS id, name FROM users) u WHERE u.id = 3")]
    [InlineData("SELECT * FROM (SELECT id + 1 AS id FROM users) u WHERE u.id = 3")]
    [InlineData("SELECT x.id FROM (SELECT name AS id, id AS name FROM users) x WHERE x.name = 3")]
    [InlineData("SELECT * FROM (SELECT id FROM users UNION SELECT user_id FROM orders) u WHERE u.id = 3")]
    [InlineData("SELECT user_id, sum(amount) FROM orders WHERE user_id = 3 GROUP BY GROUPING SETS ((user_id), ())")]
    [InlineData("SELECT name FROM users TABLESAMPLE BERNOULLI (100) WHERE id = 3")]
    [InlineData("SELECT name FROM ONLY users WHERE id = 3")]
    [InlineData("SELECT users.* FROM users, LATERAL (SELECT 1 FROM orders WHERE user_id = users.id LIMIT 1) l WHERE users.id = 3")]
    [InlineData("SELECT l.amount FROM users, LATERAL (SELECT * FROM orders WHERE user_id = users.id) l WHERE users.id = 3")]
    [InlineData("SELECT l.amount FROM products p, LATERAL (SELECT * FROM orders WHERE product = p.id) l WHERE p.id = 3")]
    [InlineData("SELECT name FROM users WHERE id = (SELECT 3)")]
    [InlineData("SELECT name FROM users WHERE id = (SELECT user_id FROM orders WHERE user_id = 3 LIMIT 1)")]
    [InlineData("SELECT name FROM users WHERE id = 3 AND random() >= 0")]
    [InlineData("SELECT name FROM users WHERE id = floor(random() + 3)::int8")]
    [InlineData("SELECT name FROM users WHERE id = length('abc')")]
    [InlineData("SELECT name FROM users WHERE id::text = '3'")]
    [InlineData("SELECT name FROM users WHERE id::int4 = 3")]
    [InlineData("SELECT name FROM users WHERE \"id\" = 3")]
    [InlineData("SELECT name FROM users \"U\" WHERE \"U\".id = 3")]
    [InlineData("SELECT name FROM users WHERE users.id = 3 AND (users.name) = 'user 3'")]
    [InlineData("SELECT (users).name FROM users WHERE (users).id = 3")]
    [InlineData("SELECT users FROM users WHERE id = 3")]
    [InlineData("SELECT name FROM users WHERE (id, name) = (3, 'user 3')")]
    [InlineData("SELECT name FROM users WHERE (id, name) IN ((3, 'user 3'), (4, 'user 4'))")]
    [InlineData("SELECT name FROM users WHERE ROW(id) = ROW(3)")]
    [InlineData("SELECT name FROM users WHERE (id, 1) < (3, 1)")]
    [InlineData("SELECT name FROM users WHERE id IS NOT DISTINCT FROM 3")]
    [InlineData("SELECT name FROM users WHERE id = 3 IS NOT FALSE")]
    [InlineData("SELECT name FROM users WHERE CASE WHEN id = 3 THEN true ELSE name = 'user 4' END")]
    [InlineData("SELECT name FROM users WHERE id OPERATOR(pg_catalog.=) 3")]
    [InlineData("SELECT name FROM users WHERE id = 3 FOR UPDATE")]
    [InlineData("SELECT count(*) FROM users WHERE id = 3 HAVING count(*) > 0")]
    [InlineData("SELECT 1 WHERE EXISTS (SELECT 1 FROM users WHERE id = 3)")]
    [InlineData("SELECT 1 WHERE EXISTS (SELECT 1 FROM users)")]
    [InlineData("VALUES ((SELECT name FROM users WHERE id = 3))")]
    [InlineData("SELECT 1 ORDER BY (SELECT count(*) FROM users)")]
    [InlineData("SELECT 1 LIMIT (SELECT count(*) FROM users)")]
    [InlineData("TABLE users")]
    [InlineData("SELECT ARRAY(SELECT name FROM users WHERE id = 3)")]
    [InlineData("SELECT name FROM pg_class c JOIN users u ON u.id = 3 WHERE c.relname = 'users'")]
    [InlineData("SELECT relname FROM pg_class WHERE relname = 'users'")]
    [InlineData("SELECT table_name FROM information_schema.tables WHERE table_name = 'orders'")]
    public Task Misleading_conditions(string statement) => _differential.RightOrRefusedAsync(statement);

    [Theory]
    [InlineData("INSERT INTO users (id, name) VALUES (4001, 'a'), (4002, 'b'), (4003, 'c')")]
    [InlineData("INSERT INTO users (id, name) VALUES (4001, 'a'), (4001, 'b')")]
    [InlineData("INSERT INTO users (name) VALUES ('no key')")]
    [InlineData("INSERT INTO users (id, name) VALUES (NULL, 'no key')")]
    [InlineData("INSERT INTO users (id, name) VALUES (DEFAULT, 'no key')")]
    [InlineData("INSERT INTO users DEFAULT VALUES")]
    [InlineData("INSERT INTO users VALUES (4004, 'positional')")]
    [InlineData("INSERT INTO users (id, name) SELECT 4005, 'selected'")]
    [InlineData("INSERT INTO users (id, name) SELECT n, 'many' FROM generate_series(4001, 4050) n")]
    [InlineData("INSERT INTO users (id, name) SELECT id + 4000, name FROM users WHERE id = 1")]
    [InlineData("INSERT INTO orders (user_id, id) SELECT id, 4000 FROM users WHERE id = 4")]
    [InlineData("INSERT INTO orders (user_id, id) SELECT id, 4000 FROM users")]
    [InlineData("INSERT INTO notes (id, body) SELECT 4000 + id, name FROM users WHERE id = 1")]
    [InlineData("INSERT INTO users (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = users.name RETURNING name")]
    [InlineData("INSERT INTO users (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET id = 4006")]
    [InlineData("INSERT INTO users (id, name) VALUES (4000 + 7, 'expression')")]
    [InlineData("INSERT INTO users (id, name) VALUES ((SELECT 4008), 'subquery')")]
    [InlineData("INSERT INTO users (id, name) OVERRIDING SYSTEM VALUE VALUES (4009, 'x')")]
    [InlineData("UPDATE users SET id = 4010 WHERE id = 1")]
    [InlineData("UPDATE users SET id = id WHERE id = 1")]
    [InlineData("UPDATE users SET (id, name) = (4010, 'x') WHERE id = 1")]
    [InlineData("UPDATE users SET name = 'all'")]
    [InlineData("UPDATE users SET name = (SELECT max(name) FROM users) WHERE id = 1")]
    [InlineData("UPDATE users SET name = name WHERE id IN (1, 2, 3, 4)")]
    [InlineData("UPDATE users u SET name = u.name FROM orders o WHERE o.user_id = u.id AND u.id = 1 RETURNING u.name, o.id")]
    [InlineData("UPDATE users u SET name = u.name FROM orders o WHERE o.user_id = 2 AND u.id = 1")]
    [InlineData("UPDATE orders SET amount = amount FROM users WHERE users.id = orders.user_id AND orders.user_id = 7")]
    [InlineData("UPDATE products SET price = price WHERE id IN (SELECT product FROM orders WHERE user_id = 3)")]
    [InlineData("UPDATE products SET price = price + random() WHERE id = 1")]
    [InlineData("UPDATE products SET title = title WHERE id = 1 RETURNING *")]
    [InlineData("INSERT INTO products VALUES (4001, 'now: ' || length(now()::text)::text, 1)")]
    [InlineData("DELETE FROM users")]
    [InlineData("DELETE FROM users WHERE id > 0")]
    [InlineData("DELETE FROM orders USING users WHERE users.id = orders.user_id AND users.id = 1 AND false")]
    [InlineData("DELETE FROM orders USING users WHERE orders.user_id = 1 AND users.id = 2")]
    [InlineData("WITH d AS (DELETE FROM orders WHERE user_id = 1 AND false RETURNING *) SELECT * FROM d")]
    [InlineData("WITH d AS (DELETE FROM orders WHERE user_id = 1 RETURNING *) INSERT INTO notes SELECT 4000 + id, note FROM d")]
    [InlineData("WITH d AS (UPDATE users SET name = name WHERE id = 1 RETURNING *) SELECT o.id FROM d JOIN orders o ON o.user_id = d.id")]
    [InlineData("MERGE INTO users u USING (SELECT 1::int8 AS id) s ON u.id = s.id WHEN MATCHED THEN UPDATE SET name = name")]
    [InlineData("MERGE INTO users u USING orders s ON u.id = s.user_id WHEN MATCHED THEN UPDATE SET name = name")]
    [InlineData("MERGE INTO users u USING orders s ON u.id = s.user_id AND u.id = 5 WHEN MATCHED THEN UPDATE SET name = name")]
    [InlineData("MERGE INTO users u USING (VALUES (4011::int8)) s(id) ON u.id = s.id AND u.id = 4011 WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, 'm')")]
    [InlineData("TRUNCATE users, notes")]
    [InlineData("SELECT name INTO picked FROM users WHERE id = 1")]
    [InlineData("CREATE TABLE picked AS SELECT name FROM users WHERE id = 1")]
    [InlineData("CREATE TABLE picked AS SELECT name FROM users")]
    [InlineData("SELECT * FROM users WHERE id = 1 FOR UPDATE OF users")]
    public async Task Writes(string statement)
    {
        var refused = false;
        try
        {
            refused = await _differential.RightOrRefusedAsync(statement);
            if (!refused)
                await SameDataAsync();
        }
        finally
        {
            // Whatever the statement did is undone by filling both sides anew.
            await LabSchema.RefillAsync(lab.Reference);
            await LabSchema.RefillAsync(lab.Subject);
            if (statement.Contains("products", StringComparison.Ordinal))
            {
                await LabSchema.RefillProductsAsync(lab.Reference);
                await LabSchema.RefillProductsAsync(lab.Subject);
            }
            await _differential.SameAsync(
                "DELETE FROM notes WHERE id > 4000", "SET client_min_messages = error", "DROP TABLE IF EXISTS picked");
        }
    }

    /// <summary>Both sides hold the same rows, and every row stands where it belongs.</summary>
    private async Task SameDataAsync()
    {
        foreach (var (table, key) in ((string, string)[])[("users", "id"), ("orders", "user_id"), ("items", "user_id")])
            await SameRowsAsync(table, key);
    }

    private async Task SameRowsAsync(string table, string key)
    {
        await using var reference = await WireClient.ConnectAsync(lab.Reference);
        await using var subject = await WireClient.ConnectAsync(lab.Subject);
        Rows(await subject.MustAsync($"COPY {table} TO STDOUT")).ShouldBe(Rows(await reference.MustAsync($"COPY {table} TO STDOUT")));
        if (Lab.IsDirect)
            return;
        for (var shard = 0; shard < lab.Cluster.Shards.Count; shard++)
            (await Placement.MisplacedRowsAsync(lab.Cluster.Shards[shard], shard, lab.Cluster.Shards.Count, table, key, "int8")).ShouldBe(0);
    }

    private static string[] Rows(List<WireMessage> replies) =>
        [.. replies.Where(static message => message.Type == 'd').Select(static message => message.ToString()).Order(StringComparer.Ordinal)];
}
