using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Protocol;

/// <summary>Parse, Bind, Describe, Execute, Close, Flush and Sync in every order that drivers use, and in some that none does.</summary>
[Collection(LabCollection.Name)]
public sealed class ExtendedQueryTests(Lab lab)
{
    private const string ByKey = "SELECT id, name, balance FROM users WHERE id = $1";

    private readonly Differential _differential = new(lab);

    private static FrontendScript Script => new();

    [Fact]
    public Task A_named_statement_is_used_for_keys_of_all_shards() => _differential.SameAsync(
        Script.Parse(ByKey, "s").DescribeStatement("s").Sync(),
        Enumerable.Range(1, 20).Aggregate(Script, static (script, id) => script.Bind([id.ToString()], statement: "s").Execute().Sync()),
        Script.Bind(["3"], statement: "s").DescribePortal().Execute().Bind(["4"], statement: "s").Execute().Sync(),
        Script.CloseStatement("s").Sync(),
        Script.Bind(["3"], statement: "s").Execute().Sync(),
        Script.Parse(ByKey, "s").Sync());

    [Fact]
    public Task The_unnamed_statement_is_replaced() => _differential.SameAsync(
        Script.Parse(ByKey).Bind(["1"]).Execute().Sync(),
        Script.Bind(["2"]).Execute().Sync(),
        Script.Parse("SELECT 'other'").Bind().Execute().Sync(),
        Script.Bind(["2"]).Execute().Sync(),
        Script.Query("SELECT 'simple'"),
        Script.Bind().Execute().Sync());

    [Fact]
    public Task Statement_names_must_be_new() => _differential.SameAsync(
        Script.Parse(ByKey, "s").Parse(ByKey, "s").Sync(),
        Script.Bind(["5"], statement: "s").Execute().Sync(),
        Script.Parse("SELECT 1", "s").Sync(),
        Script.Bind(["5"], statement: "missing").Execute().Sync(),
        Script.DescribeStatement("missing").Sync(),
        Script.DescribePortal("missing").Sync(),
        Script.Execute(0, "missing").Sync(),
        Script.CloseStatement("missing").ClosePortal("missing").Sync());

    [Fact]
    public Task A_failed_parse_leaves_no_statement() => _differential.SameAsync(
        Script.Parse("SELEC 1", "bad").Sync(),
        Script.Bind(statement: "bad").Sync(),
        Script.Parse("SELECT * FROM missing_table", "bad").Sync(),
        Script.Bind(statement: "bad").Sync(),
        Script.Parse("SELECT 1; SELECT 2", "bad").Sync(),
        Script.Parse("SELECT 1", "bad").Bind(statement: "bad").Execute().Sync());

    [Fact]
    public Task Everything_after_an_error_is_skipped_until_Sync() => _differential.SameAsync(
        Script.Run("SELECT 1/0").Run(ByKey, ["1"]).Parse("SELECT 1", "kept").Sync().Run(ByKey, ["2"]).Sync(),
        Script.DescribeStatement("kept").Sync(),
        Script.Run(ByKey, ["1"]).Run("SELECT missing FROM users WHERE id = 1").Run(ByKey, ["2"]).Flush().Sync(),
        Script.Bind(["not a number"]).Execute().Message('Q', FrontendScript.Text("SELECT 'skipped too'")).Sync());

    [Fact]
    public Task Wrong_parameters() => _differential.SameAsync(
        Script.Parse(ByKey).Bind([]).Execute().Sync(),
        Script.Parse(ByKey).Bind(["1", "2"]).Execute().Sync(),
        Script.Parse(ByKey).Bind(["one"]).Execute().Sync(),
        Script.Parse(ByKey).Bind(["99999999999999999999"]).Execute().Sync(),
        Script.Parse(ByKey).Bind([null]).Execute().Sync(),
        Script.Parse(ByKey).BindBytes([[1, 2, 3]], [1]).Execute().Sync(),
        Script.Parse(ByKey).BindBytes([[0, 0, 0, 0, 0, 0, 0, 1]], [1]).Execute().Sync(),
        Script.Parse(ByKey).BindBytes([[0, 0, 0, 0, 0, 0, 0, 1]], [1, 1]).Execute().Sync(),
        Script.Parse(ByKey).BindBytes([[0, 0, 0, 0, 0, 0, 0, 1]], [7]).Execute().Sync());

    [Theory]
    [InlineData("SELECT $1::int + 1")]
    [InlineData("SELECT * FROM users WHERE id = $1")]
    [InlineData("SELECT * FROM orders o JOIN users u ON u.id = o.user_id WHERE u.id = $1 AND o.note = $2")]
    [InlineData("INSERT INTO users (id, name, feeling, tags) VALUES ($1, $2, $3, $4)")]
    [InlineData("UPDATE users SET name = $2 WHERE id = $1")]
    [InlineData("UPDATE users SET name = $2 WHERE id = $1 RETURNING *")]
    [InlineData("DELETE FROM notes WHERE id = $1")]
    [InlineData("SELECT feeling, tags FROM users WHERE feeling = $2 AND id = $1")]
    [InlineData("BEGIN")]
    [InlineData("SET application_name = 'x'")]
    [InlineData("SHOW application_name")]
    [InlineData("")]
    [InlineData("COPY notes TO STDOUT")]
    [InlineData("EXPLAIN SELECT 1")]
    [InlineData("LISTEN x")]
    [InlineData("DISCARD ALL")]
    [InlineData("SELECT set_config('application_name', $1, false)")]
    public Task Describe_without_running(string sql) => _differential.SameAsync(
        Script.Parse(sql, "d").DescribeStatement("d").Sync(),
        Script.DescribeStatement("d").CloseStatement("d").Sync());

    [Fact]
    public Task Portals_with_row_limits() => _differential.SameAsync(
        Script.Query("BEGIN"),
        Script.Parse("SELECT id, line, quantity FROM items WHERE user_id = $1 ORDER BY 1, 2", "s").Bind(["3"], "p", "s").DescribePortal("p").Execute(1, "p").Sync(),
        Script.Execute(1, "p").Flush().Execute(1, "p").Sync(),
        Script.Execute(0, "p").Sync(),
        Script.ClosePortal("p").Execute(1, "p").Sync(),
        Script.Query("ROLLBACK"),
        Script.Parse("SELECT n FROM generate_series(1, 10) n").Bind().Execute(3).Execute(3).Execute(100).Sync(),
        Script.Execute(1).Sync(),
        Script.Parse("SELECT n FROM generate_series(1, 10) n").Bind(portal: "q").Execute(3, "q").Sync(),
        Script.Execute(3, "q").Sync(),
        Script.Parse("UPDATE users SET balance = balance WHERE id = $1 RETURNING id").Bind(["3"]).Execute(1).Sync());

    [Fact]
    public Task Portals_live_as_long_as_their_transaction() => _differential.SameAsync(
        Script.Query("BEGIN"),
        Script.Parse("SELECT id FROM orders WHERE user_id = 7 ORDER BY id").Bind(portal: "c").Execute(1, "c").Sync(),
        Script.Query("SELECT 'between'"),
        Script.Execute(1, "c").Sync(),
        Script.Query("FETCH ALL FROM c"),
        Script.Query("COMMIT"),
        Script.Execute(1, "c").Sync(),
        Script.Query("BEGIN"),
        Script.Parse("SELECT 1").Bind(portal: "c").Bind(portal: "c").Sync(),
        Script.Query("ROLLBACK"));

    [Fact]
    public Task Flush_shows_what_there_is_before_Sync() => _differential.SameAsync(
        Script.Parse(ByKey).DescribeStatement().Flush().Bind(["6"]).DescribePortal().Flush().Execute().Flush().Sync(),
        Script.Flush().Sync(),
        Script.Sync().Sync().Sync());

    [Fact]
    public async Task Flush_is_answered_without_Sync()
    {
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            await client.SendAsync(Script.Parse(ByKey).DescribeStatement().Flush());
            (await TypesAsync(client, 3)).ShouldBe("1tT");
            await client.SendAsync(Script.Bind(["6"]).DescribePortal().Flush());
            (await TypesAsync(client, 2)).ShouldBe("2T");
            await client.SendAsync(Script.Execute(1).Flush());
            (await TypesAsync(client, 2)).ShouldBeOneOf("Ds", "DC");
            await client.SendAsync(Script.Sync());
            (await client.ReceiveAsync()).Status.ShouldBe('I');
        }
    }

    [Fact]
    public Task A_batch_without_a_transaction_is_one() => _differential.SameAsync(
        Script.Run("INSERT INTO users (id, name) VALUES ($1, 'batch')", ["2101"]).Run("SELECT 1/0").Sync(),
        Script.Run("SELECT count(*) FROM users WHERE id = $1", ["2101"]).Sync(),
        Script.Run("INSERT INTO users (id, name) VALUES ($1, 'batch')", ["2101"])
            .Run("UPDATE users SET name = name || '!' WHERE id = $1 RETURNING name", ["2101"])
            .Run("SELECT name FROM users WHERE id = $1", ["2101"]).Sync(),
        Script.Run("DELETE FROM users WHERE id = $1", ["2101"]).Sync());

    [Theory]
    [InlineData("missing statement")]
    [InlineData("missing portal")]
    [InlineData("duplicate statement")]
    [InlineData("server error")]
    public Task An_error_undoes_what_its_batch_did_before(string mistake)
    {
        FrontendScript Batch(string sql)
        {
            var script = Script.Parse("SELECT 1", "here").Run(sql);
            return (mistake switch
            {
                "missing statement" => script.Bind(statement: "missing"),
                "missing portal" => script.Execute(0, "missing"),
                "duplicate statement" => script.Parse("SELECT 2", "here"),
                _ => script.Run("SELECT 1/0"),
            }).Sync().CloseStatement("here").Sync();
        }
        return _differential.SameAsync(
            Batch("UPDATE users SET balance = balance + 100 WHERE id = 11 RETURNING balance"),
            Script.Query("SELECT balance FROM users WHERE id = 11"),
            Batch("SET work_mem = '9MB'"),
            Script.Query("SHOW work_mem"),
            Script.Query("SELECT current_setting('work_mem') FROM users WHERE id = 11"),
            Batch("RESET ALL"),
            Batch("PREPARE in_batch AS SELECT 1"),
            Script.Query("EXECUTE in_batch"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public Task EXECUTE_and_FETCH_describe_what_they_return(short format) => _differential.SameAsync(
        // Of several plans PostgreSQL takes one by what it knows of the tables, which is not the same on all servers.
        Script.Query("SET enable_seqscan = off"),
        Script.Query("SET enable_bitmapscan = off"),
        Script.Parse("SELECT id, name, balance FROM users WHERE id = $1", "by id").Parse("DELETE FROM orders WHERE user_id = $1 AND id = 99", "nothing").Sync(),
        Script.Run("EXECUTE \"by id\" (3)", resultFormat: format).Run("EXECUTE nothing (4)").Sync(),
        Script.Parse("EXECUTE /* a comment */ \"by id\" (5)", "e").DescribeStatement("e").Bind(statement: "e", resultFormat: format).DescribePortal().Execute().Sync(),
        Script.Parse("EXECUTE nothing (5)").DescribeStatement().Sync(),
        Script.Parse("EXECUTE missing (5)").DescribeStatement().Sync(),
        Script.Run("EXECUTE missing (5)").Sync(),
        Script.Parse("EXECUTE \"by id\"").Bind().Execute().Sync(),
        Script.Parse("EXECUTE \"by id\" (3)").Bind(["3"]).Sync(),
        Script.Query("EXECUTE \"by id\" ('x')"),
        Script.Run("EXPLAIN (COSTS OFF) EXECUTE nothing (5)").Parse("EXPLAIN (COSTS OFF) EXECUTE \"by id\" (5)").DescribeStatement().Sync(),
        Script.Query("EXPLAIN (COSTS OFF) EXECUTE nothing (5)"),
        Script.Query("BEGIN"),
        Script.Query("DECLARE c CURSOR FOR SELECT id, amount FROM orders WHERE user_id = 5 ORDER BY id"),
        Script.Query("SELECT name FROM users WHERE id = 4"),
        Script.Parse("FETCH 1 FROM c", "f").DescribeStatement("f").Bind(statement: "f", resultFormat: format).DescribePortal().Execute().Sync(),
        Script.Run("MOVE 1 IN c").Run("FETCH ALL FROM c", resultFormat: format).Sync(),
        Script.Parse("SELECT n FROM generate_series(1, 5) n WHERE $1::int8 > 0", "series").Run("EXECUTE series (4)").Bind(["4"], "p", "series").Execute(2, "p").Sync(),
        Script.Parse("EXECUTE series (4)").Bind(portal: "q").Execute(2, "q").Execute(1, "q").Run("FETCH 1 FROM p").Execute(0, "q").Execute(0, "p").Sync(),
        Script.Query("FETCH 1 FROM p"),
        Script.Query("COMMIT"));

    [Fact]
    public Task Transactions_in_one_pipeline() => _differential.SameAsync(
        Script.Run("BEGIN").Run("INSERT INTO users (id, name) VALUES (2111, 'x')").Run("COMMIT").Run("SELECT name FROM users WHERE id = 2111").Sync(),
        Script.Run("BEGIN").Sync().Run("UPDATE users SET name = 'y' WHERE id = 2111").Sync().Run("ROLLBACK").Sync(),
        Script.Run("BEGIN").Run("DELETE FROM users WHERE id = 2111").Run("SELECT 1/0").Run("COMMIT").Sync().Run("COMMIT").Sync(),
        Script.Run("DELETE FROM users WHERE id = 2111 RETURNING name").Sync());

    [Theory]
    [InlineData(300, 1)]
    [InlineData(300, 10)]
    [InlineData(1000, 1000)]
    public Task Long_pipelines_over_all_shards(int messages, int perSync)
    {
        var script = Script;
        for (var index = 1; index <= messages; index++)
        {
            var id = (1 + index % LabSchema.UserCount).ToString();
            if (perSync > 1)
                script.Run("SELECT title, price FROM products WHERE id = $1", [(1 + index % LabSchema.ProductCount).ToString()]);
            else
                script.Run(index % 3 == 0 ? "UPDATE users SET balance = balance WHERE id = $1" : ByKey, [id]);
            if (index % perSync == 0)
                script.Sync();
        }
        return _differential.SameAsync(script);
    }

    [Fact]
    public Task Reads_of_many_shards_in_one_batch() => _differential.SameAsync(
        Enumerable.Range(1, 30).Aggregate(Script, static (script, id) => script.Run(ByKey, [id.ToString()])).Sync());

    [Fact]
    public Task A_pipeline_whose_replies_fill_every_buffer()
    {
        var script = Script;
        for (var id = 1; id <= 200; id++)
            script.Run("SELECT id, repeat('r', 40000) FROM users WHERE id = $1", [(1 + id % LabSchema.UserCount).ToString()]).Sync();
        return _differential.SameAsync(script);
    }

    [Fact]
    public Task A_pipeline_whose_requests_fill_every_buffer()
    {
        var script = Script;
        for (var id = 1; id <= 100; id++)
            script.Run("SELECT length($2) FROM users WHERE id = $1", [(1 + id % LabSchema.UserCount).ToString(), new string('q', 100_000)]).Sync();
        return _differential.SameAsync(script);
    }

    [Fact]
    public Task Statements_prepared_in_SQL() => _differential.SameAsync(
        "PREPARE by_id (int8) AS SELECT id, name FROM users WHERE id = $1",
        "EXECUTE by_id(1)", "EXECUTE by_id(2)", "EXECUTE by_id('8')", "EXECUTE by_id(NULL)", "EXECUTE by_id",
        "EXECUTE by_id(1, 2)", "EXECUTE missing(1)", "PREPARE by_id AS SELECT 1", "DEALLOCATE by_id", "EXECUTE by_id(1)", "DEALLOCATE by_id",
        "PREPARE ins AS INSERT INTO users (id, name) VALUES ($1, $2) RETURNING id", "EXECUTE ins(2201, 'p')", "EXECUTE ins(2201, 'p')",
        "BEGIN", "EXECUTE ins(2202, 'q')", "ROLLBACK", "SELECT count(*) FROM users WHERE id = 2202",
        "DEALLOCATE ALL", "EXECUTE ins(2203, 'p')", "DELETE FROM users WHERE id = 2201");

    [Fact]
    public Task Statements_prepared_in_SQL_and_in_the_protocol_share_their_names() => _differential.SameAsync(
        Script.Parse(ByKey, "shared").Sync(),
        Script.Query("EXECUTE shared(3)"),
        Script.Query("PREPARE made_in_sql (int8) AS SELECT name FROM users WHERE id = $1"),
        Script.Bind(["4"], statement: "made_in_sql").DescribePortal().Execute().Sync(),
        Script.DescribeStatement("made_in_sql").Sync(),
        Script.Query("DEALLOCATE shared"),
        Script.Bind(["4"], statement: "shared").Execute().Sync(),
        Script.CloseStatement("made_in_sql").Sync(),
        Script.Query("EXECUTE made_in_sql(4)"));

    [Fact]
    public Task A_statement_outlives_a_change_of_its_table() => _differential.SameAsync(
        Script.Query("CREATE TABLE changing (id int4, a text)"),
        Script.Query("INSERT INTO changing VALUES (1, 'x')"),
        Script.Parse("SELECT * FROM changing WHERE id = $1", "c").Bind(["1"], statement: "c").Execute().Sync(),
        Script.Query("ALTER TABLE changing ADD COLUMN b int4 DEFAULT 5"),
        Script.Bind(["1"], statement: "c").Execute().Sync(),
        Script.CloseStatement("c").Parse("SELECT * FROM changing WHERE id = $1", "c").Bind(["1"], statement: "c").Execute().Sync(),
        Script.Query("DROP TABLE changing"),
        Script.Bind(["1"], statement: "c").Execute().Sync());

    [Fact]
    public Task Copy_in_the_extended_protocol() => _differential.SameAsync(
        Script.Parse("COPY notes TO STDOUT").Bind().DescribePortal().Execute().Sync(),
        Script.Parse("COPY (SELECT id, name FROM users WHERE id = 3) TO STDOUT").Bind().Execute().Sync());

    private static async Task<string> TypesAsync(WireClient client, int count)
    {
        var types = "";
        while (types.Length < count)
            types += (await client.ReceiveAsync()).Type;
        return types;
    }
}
