using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering;

/// <summary>SELECTs that no single shard can answer and that do not decompose: the answer is one PostgreSQL's, message by message.</summary>
[Collection(LabCollection.Name)]
public sealed class GatherTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    [Theory]
    [InlineData("SELECT e.device, u.name FROM users u LEFT JOIN events e ON e.device = u.name ORDER BY u.id")]
    [InlineData("SELECT a.id, b.id FROM users a JOIN users b ON a.id = b.id + 1 WHERE a.id < 9 ORDER BY 1, 2")]
    [InlineData("SELECT a.id, b.id FROM users a JOIN users b ON a.feeling = b.feeling WHERE a.id < 5 AND b.id BETWEEN 3 AND 7 ORDER BY 1, 2")]
    [InlineData("SELECT name, sum(balance) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM users ORDER BY id")]
    [InlineData("SELECT rank() OVER w, name FROM users WINDOW w AS (PARTITION BY feeling ORDER BY balance DESC) ORDER BY 1, 2")]
    [InlineData("SELECT feeling, tags[1], count(*), grouping(feeling) FROM users GROUP BY GROUPING SETS ((feeling, tags[1]), (feeling), ()) ORDER BY 1, 2, 3")]
    [InlineData("SELECT feeling, count(*) FROM users GROUP BY ROLLUP (feeling) ORDER BY 1, 2")]
    [InlineData("WITH RECURSIVE chain(id, depth) AS (SELECT id, 1 FROM users WHERE id = 1 UNION ALL SELECT u.id, c.depth + 1 FROM chain c JOIN users u ON u.id = c.id * 2) SELECT * FROM chain ORDER BY 1")]
    [InlineData("SELECT id FROM users EXCEPT SELECT user_id FROM orders ORDER BY 1")]
    [InlineData("SELECT id FROM users INTERSECT ALL SELECT user_id FROM orders ORDER BY 1")]
    [InlineData("SELECT product FROM orders UNION SELECT id FROM products ORDER BY 1")]
    [InlineData("SELECT u.id, (SELECT count(*) FROM orders o WHERE o.product = u.id) FROM users u ORDER BY 1")]
    [InlineData("SELECT id FROM users u WHERE NOT EXISTS (SELECT * FROM orders o WHERE o.product = u.id) ORDER BY 1")]
    [InlineData("SELECT u.id, l.amount FROM users u, LATERAL (SELECT amount FROM orders o WHERE o.product = u.id ORDER BY amount, user_id, id LIMIT 2) l ORDER BY 1, 2")]
    [InlineData("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY balance) FROM users")]
    [InlineData("SELECT mode() WITHIN GROUP (ORDER BY feeling) FROM users WHERE id < 30")]
    [InlineData("SELECT n.body, u.name FROM notes n JOIN users u ON u.id = n.id ORDER BY n.id")]
    [InlineData("SELECT p.title, count(o.*) FROM products p LEFT JOIN orders o ON o.product = p.id GROUP BY p.title ORDER BY 1")]
    [InlineData("SELECT public.users.id FROM public.users, orders WHERE orders.product = public.users.id AND public.users.name <> 'x' ORDER BY 1")]
    [InlineData("SELECT public.users.* FROM public.users, orders WHERE orders.product = users.id ORDER BY users.id LIMIT 3")]
    [InlineData("SELECT g, u.name FROM generate_series(1, 5) g LEFT JOIN users u ON u.id = g ORDER BY 1")]
    [InlineData("TABLE users ORDER BY users.id")]
    [InlineData("(TABLE ONLY users) UNION (TABLE users) ORDER BY id")]
    [InlineData("SELECT * FROM ONLY (users) WHERE id IN (SELECT product FROM orders) ORDER BY id")]
    [InlineData("SELECT * FROM users * WHERE id IN (SELECT product FROM orders) ORDER BY id")]
    [InlineData("SELECT x.a, x.b FROM users AS x(a, b) WHERE x.a IN (SELECT product FROM orders) ORDER BY 1")]
    [InlineData("SELECT users.name FROM users NATURAL JOIN (SELECT product::int8 AS id FROM orders) o ORDER BY 1")]
    [InlineData("SELECT id FROM users u JOIN orders o USING (id) ORDER BY 1")]
    [InlineData("WITH users AS (SELECT 1 AS id) SELECT users.id, o.product FROM users, orders o ORDER BY 1, 2")]
    [InlineData("WITH o AS (SELECT * FROM orders) SELECT a.id FROM o a JOIN o b ON a.product = b.id ORDER BY 1")]
    [InlineData("SELECT row_to_json(u) FROM users u JOIN orders o ON o.product = u.id ORDER BY u.id")]
    [InlineData("SELECT count(*) FROM users u, orders o")]
    [InlineData("SELECT 1 FROM users LIMIT 3")]
    [InlineData("SELECT DISTINCT ON (feeling) feeling, id FROM users ORDER BY feeling, id DESC")]
    [InlineData("SELECT j.* FROM (users u JOIN orders o ON o.product = u.id) AS j ORDER BY 1, 8, 9 LIMIT 4")]
    [InlineData("SELECT id, balance / (id - 7) FROM users WHERE id <> 7 AND id IN (SELECT product FROM orders) ORDER BY 1")]
    [InlineData("SELECT u.id FROM users u FULL JOIN orders o ON o.product = u.id AND u.id > 3 WHERE u.name LIKE 'user%' OR u.name IS NULL ORDER BY 1")]
    [InlineData("SELECT o.id FROM users u RIGHT JOIN orders o ON o.product = u.id AND u.id > 3 AND o.id < 2 ORDER BY 1")]
    [InlineData("SELECT id FROM orders WHERE placed >= timestamptz '2024-01-01 00:00:00+00' + interval '1' day AND product IN (SELECT id FROM users) ORDER BY 1")]
    [InlineData("SELECT u.id FROM users u WHERE substring(name from 6 for 1) IN ('1', '2') AND NOT EXISTS (SELECT * FROM orders o WHERE o.product = u.id AND upper(left(o.note, -2)) LIKE 'NOT%') ORDER BY 1")]
    [InlineData("SELECT count(*) FROM users u WHERE u.id::int4 IN (SELECT o.product FROM orders o WHERE length(note) = 6 OR extract(day from placed) = 3)")]
    [InlineData("SELECT u.id, count(o.id) FROM users u LEFT JOIN orders o ON o.product = u.id AND o.note NOT LIKE '%1' AND strpos(lower(o.note), 'note') = 1 WHERE extract(year FROM u.born) = 2000 AND position('9' IN u.email) > 0 GROUP BY u.id ORDER BY 1")]
    [InlineData("SELECT id FROM users u WHERE id <> ALL (SELECT product FROM orders WHERE substr(note, 6) = '1') AND EXISTS (SELECT FROM orders WHERE product = 3) ORDER BY 1")]
    public Task Statements(string statement) => _differential.SameInAllProtocolsAsync(statement);

    /// <summary>Of rows that only have to be there, equal ones are sent once; conditions by functions are looked at before they are.</summary>
    [Theory]
    [InlineData("SELECT id FROM users u WHERE NOT EXISTS (SELECT FROM orders o WHERE o.product = u.id)", "SELECT DISTINCT gathered.")]
    [InlineData("SELECT id FROM users u WHERE id IN (SELECT product FROM orders) AND EXISTS (SELECT FROM orders o WHERE o.product = u.id + 1 AND o.note = 'note 1')", "SELECT DISTINCT gathered.")]
    [InlineData("SELECT a.id FROM users a JOIN users b ON b.balance = a.balance WHERE lower(a.name) LIKE '%1' AND substring(b.name, 1, 2) = 'us'", "(pg_catalog.\"lower\"(gathered.\"name\") OPERATOR(pg_catalog.~~) '%1')")]
    public async Task What_is_read(string statement, string read)
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        string.Join('\n', await client.MustAsync($"EXPLAIN {statement}")).ShouldContain(read);
    }

    /// <summary>As text: in binary a row holds object ids of users' types, which are each server's own.</summary>
    [Fact]
    public Task A_whole_row_as_a_column() => _differential.SameAsync("SELECT u FROM users u WHERE id IN (SELECT product FROM orders) ORDER BY u.id");

    [Theory]
    [InlineData("SELECT nothing FROM users u JOIN orders o ON o.product = u.id")]
    [InlineData("SELECT u.id FROM users u JOIN orders o ON o.product = u.nothing")]
    [InlineData("SELECT id FROM users, orders")]
    [InlineData("SELECT 1 / (count(*) - 40) FROM users HAVING count(DISTINCT name) > 1")]
    [InlineData("SELECT missing(u.id) FROM users u, orders o")]
    [InlineData("SELECT u.id FROM users u, missing m")]
    public Task Errors(string statement) => _differential.SameAsync(statement, "SELECT 1");

    [Fact]
    public Task Sees_what_its_block_has_written_and_leaves_nothing() => _differential.SameAsync(
        "BEGIN",
        "UPDATE users SET name = 'changed' WHERE id = 3",
        "SELECT a.name, b.id FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < 6 ORDER BY 2",
        "SELECT a.name, b.id FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < 6 ORDER BY 2",
        "SELECT count(*) FROM pg_class WHERE relname LIKE 'shardproxy%' AND relpersistence = 't'",
        "ROLLBACK",
        "SELECT a.name, b.id FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < 6 ORDER BY 2");

    [Fact]
    public Task An_error_fails_the_block_and_a_savepoint_saves_it() => _differential.SameAsync(
        "BEGIN",
        "SAVEPOINT s",
        "SELECT 1 / (a.id - 3) FROM users a JOIN users b ON b.id = a.id + 1",
        "SELECT 1",
        "ROLLBACK TO s",
        "SELECT a.id FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < 4 ORDER BY 1",
        "COMMIT");

    [Fact]
    public Task Several_in_one_text() => _differential.SameAsync(
        "SELECT a.id FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < 4 ORDER BY 1; SELECT id FROM users EXCEPT SELECT user_id FROM orders ORDER BY 1; SELECT 1",
        "SELECT id FROM users EXCEPT SELECT user_id FROM orders ORDER BY 1; SELECT 1/0",
        "SELECT 1");

    [Fact]
    public Task Parameters_formats_and_row_limits() => _differential.SameAsync(
        new FrontendScript()
            .Parse("SELECT a.id, a.name, $2::text FROM users a JOIN users b ON b.id = a.id + $1 WHERE a.id < 6 ORDER BY 1", "g", 20)
            .DescribeStatement("g")
            .Bind(["1", "x"], statement: "g").DescribePortal().Execute().Sync(),
        new FrontendScript().Bind(["2", null], statement: "g", resultFormat: 1).DescribePortal().Execute().Sync(),
        new FrontendScript().Bind(["1", "x"], portal: "p", statement: "g").Execute(2, "p").Execute(2, "p").Execute(2, "p").Sync(),
        new FrontendScript().Query("BEGIN"),
        new FrontendScript().Bind(["1", "x"], portal: "p", statement: "g").Execute(2, "p").Sync(),
        new FrontendScript().Bind(["3", "y"], portal: "q", statement: "g").Execute(1, "q").Execute(1, "p").Sync(),
        new FrontendScript().Execute(0, "q").Execute(0, "p").Sync(),
        new FrontendScript().Query("COMMIT"),
        new FrontendScript().Bind(["nonsense", "x"], statement: "g").Execute().Sync(),
        new FrontendScript().Query("SELECT 1"));

    [Fact]
    public Task Keys_that_turn_out_to_live_on_several_shards() => _differential.SameAsync(
        new FrontendScript()
            .Parse("SELECT u.name, sum(o.amount) OVER (ORDER BY o.user_id, o.id) FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id = ANY ($1) ORDER BY 2", "g", 1016)
            .Bind(["{1,2,3,5,6,7}"], statement: "g").DescribePortal().Execute().Sync(),
        new FrontendScript().Bind(["{3}"], statement: "g").DescribePortal().Execute().Sync(),
        new FrontendScript().Query("SELECT max(name), count(*) FROM users WHERE id IN (1, 2, 3, 4) HAVING count(*) > 1; SELECT rank() OVER (ORDER BY name) FROM users WHERE id IN (1, 2, 3, 4) ORDER BY 1"),
        new FrontendScript().Query("SELECT rank() OVER (ORDER BY name) FROM users WHERE id IN (5, 5) ORDER BY 1"));

    [Fact]
    public Task In_a_pipeline() => _differential.SameAsync(
        new FrontendScript()
            .Run("SELECT name FROM users WHERE id = 1")
            .Run("SELECT id FROM users EXCEPT SELECT user_id FROM orders ORDER BY 1")
            .Run("SELECT name FROM users WHERE id = 2")
            .Run("SELECT a.id FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < 4 ORDER BY 1")
            .Sync(),
        new FrontendScript().Run("SELECT id FROM users EXCEPT SELECT user_id FROM orders ORDER BY 1").Run("SELECT 1/0").Run("SELECT 2").Sync(),
        new FrontendScript().Run("SELECT 1").Sync());

    [Fact]
    public Task Cursors() => _differential.SameAsync(
        "DECLARE c CURSOR FOR SELECT id FROM users EXCEPT SELECT user_id FROM orders ORDER BY 1",
        "BEGIN",
        "DECLARE c CURSOR FOR SELECT id FROM users EXCEPT SELECT user_id FROM orders ORDER BY 1",
        "FETCH 2 FROM c",
        "SELECT a.id FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < 4 ORDER BY 1",
        "FETCH 3 FROM c",
        "CLOSE c",
        "COMMIT",
        "BEGIN",
        "DECLARE h CURSOR WITH HOLD FOR SELECT id FROM users EXCEPT SELECT user_id FROM orders ORDER BY 1",
        "COMMIT",
        "FETCH 2 FROM h",
        "CLOSE h");

    [Fact]
    public Task COPY_of_a_query() => _differential.SameAsync(
        "COPY (SELECT a.id, a.name FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < 6 ORDER BY 1) TO STDOUT (FORMAT csv)");

    [Fact]
    public Task Temporary_tables_of_the_clients_hide_sharded_ones() => _differential.SameAsync(
        "CREATE TEMP TABLE orders (id int, product int)",
        "INSERT INTO orders VALUES (1, 2), (3, 4)",
        "SELECT u.name, o.id FROM orders o JOIN users u ON u.id = o.product ORDER BY 1",
        "SELECT u.name, o.id FROM public.orders o JOIN users u ON u.id = o.product ORDER BY 1, 2",
        "DROP TABLE pg_temp.orders");

    [Theory]
    [InlineData("SELECT u.ctid FROM users u JOIN orders o ON o.product = u.id")]
    [InlineData("SELECT tableoid::regclass FROM users")]
    [InlineData("SELECT pg_typeof(u) FROM users u JOIN orders o ON o.product = u.id")]
    [InlineData("SELECT u.id FROM users u JOIN orders o ON o.product = u.id FOR UPDATE")]
    [InlineData("SELECT current_query(), count(*) FROM users u, orders o")]
    public async Task Refused(string statement) => (await _differential.RightOrRefusedAsync(statement)).ShouldBeTrue();
}
