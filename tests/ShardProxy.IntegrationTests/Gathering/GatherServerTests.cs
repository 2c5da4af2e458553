using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering;

/// <summary>gather.on: a connection string. Statements run on a server beside the shards where they mean the same there, and at home else.</summary>
public sealed class GatherServerTests(GatherServerCluster cluster) : IClassFixture<GatherServerCluster>
{
    private const string Joined = "SELECT a.id, b.name FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < 9 ORDER BY 1";

    /// <summary>That run on the gather server.</summary>
    public static TheoryData<string> Statements() =>
    [
        Joined,
        "SELECT name, sum(balance) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), rank() OVER w FROM users WINDOW w AS (PARTITION BY code ORDER BY balance DESC) ORDER BY id",
        "SELECT code, born > '2000-02-01', count(*), avg(balance), grouping(code) FROM users GROUP BY ROLLUP (code, born > '2000-02-01') ORDER BY 1, 2, 3, 4, 5",
        "WITH RECURSIVE chain(id, depth) AS (SELECT id, 1 FROM users WHERE id = 1 UNION ALL SELECT u.id, c.depth + 1 FROM chain c JOIN users u ON u.id = c.id * 2) SELECT * FROM chain ORDER BY 1",
        "SELECT id FROM users EXCEPT SELECT user_id FROM orders ORDER BY 1",
        "SELECT product FROM orders UNION SELECT id FROM products ORDER BY 1",
        "SELECT u.id, (SELECT count(*) FROM orders o WHERE o.product = u.id) FROM users u ORDER BY 1",
        "SELECT id FROM users u WHERE NOT EXISTS (SELECT * FROM orders o WHERE o.product = u.id) ORDER BY 1",
        "SELECT u.id, l.amount FROM users u, LATERAL (SELECT amount FROM orders o WHERE o.product = u.id ORDER BY amount, user_id, id LIMIT 2) l ORDER BY 1, 2",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY balance) FROM users",
        "SELECT n.body, u.name, n.spot FROM notes n JOIN users u ON u.id = n.id ORDER BY n.id",
        "SELECT l.body, u.name FROM long_notes l JOIN users u ON u.id = l.id ORDER BY l.id",
        "SELECT p.*, o.id, n.body FROM products p JOIN orders o ON o.product = p.id LEFT JOIN notes n ON n.id = o.id ORDER BY 1, 4",
        "SELECT p.title, count(o.id) FROM products p LEFT JOIN orders o ON o.product = p.id GROUP BY p.title ORDER BY 1",
        "SELECT u.seen, u.born, u.seen - lag(u.seen) OVER (ORDER BY u.id), u.balance::float8 / 3, '\\x01ff'::bytea, u.tags, u.data -> 'n' FROM users u ORDER BY u.id",
        "SELECT to_char(seen, 'TMDay DD HH24:MI TZ'), u.seen::text, u.seen::date FROM users u WHERE u.id IN (SELECT product FROM orders) ORDER BY u.id",
        "SELECT json_agg(u.data ORDER BY u.id), string_agg(DISTINCT u.code, ',') FROM users u JOIN orders o ON o.product = u.id",
        "SELECT CASE code WHEN 'c1' THEN 'one' ELSE coalesce(tags[2], 'x') END, greatest(balance, 5), extract(hour FROM seen), name LIKE '%1%' FROM users WHERE id IN (SELECT product FROM orders) ORDER BY id",
        "SELECT j.* FROM (orders o JOIN products p ON p.id = o.product JOIN orders q ON q.product = o.id) AS j (a, b) WHERE j.b < 5 ORDER BY 1, 2, 9 LIMIT 4",
        "SELECT x.a, x.b, g FROM orders AS x(a, b), generate_series(1, 2) g WHERE x.a IN (SELECT product FROM orders) AND x.b <> 3 ORDER BY 1, 2, 3",
        "SELECT count(*) FROM users u, orders o, notes n",
        "SELECT public.users.id FROM public.users, orders, public.notes WHERE orders.product = public.users.id AND notes.id = users.id ORDER BY 1",
        "WITH notes AS (SELECT 1 AS id) SELECT o.id, p.id FROM notes n, orders o, orders p WHERE o.product = n.id AND p.id = o.product ORDER BY 1, 2",
        "SELECT id FROM users WHERE seen < now() AND born <= current_date EXCEPT SELECT user_id FROM orders ORDER BY 1",
    ];

    [Theory]
    [MemberData(nameof(Statements))]
    public async Task Answers_are_those_of_one_server(string statement)
    {
        await using (var client = await WireClient.ConnectAsync(cluster.Proxy.Endpoint))
            (await GatherServerCluster.PlaceAsync(client, statement)).ShouldBe("gather", statement);
        await SameAsync(
            new FrontendScript().Query(statement),
            new FrontendScript().Run(statement).Sync(),
            new FrontendScript().Run(statement, resultFormat: 1).Sync());
    }

    [Theory]
    [InlineData("SELECT a.id, b.feeling FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY 1")]
    [InlineData("SELECT a.id, twice(b.id) FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY 1")]
    [InlineData("SELECT u.id, n.mark FROM users u JOIN notes n ON n.id = u.id ORDER BY 1")]
    [InlineData("SELECT a.id, current_user FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY 1")]
    [InlineData("SELECT a.id, current_database() FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY 1")]
    [InlineData("SELECT a.id, 'users'::regclass FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY 1")]
    [InlineData("SELECT a.name COLLATE \"C\" FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY 1")]
    [InlineData("SELECT a.id FROM users a JOIN users b ON b.id = a.id + 1 JOIN pg_class c ON c.relname = a.name ORDER BY 1")]
    [InlineData("SELECT to_tsvector('simple', a.name) FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY a.id")]
    [InlineData("SELECT r.id FROM rich r JOIN orders o ON o.product = r.id ORDER BY 1")]
    [InlineData("SELECT a.id, n.body FROM users a JOIN notes n ON n.id = a.id JOIN orders o ON o.product = a.id GROUP BY a.id, n.id ORDER BY 1")]
    public async Task What_could_mean_something_else_stays_at_home(string statement)
    {
        await using (var client = await WireClient.ConnectAsync(cluster.Proxy.Endpoint))
        {
            if (!statement.Contains("GROUP BY", StringComparison.Ordinal))
                (await GatherServerCluster.PlaceAsync(client, statement)).ShouldBe("s0", statement);
        }
        await SameAsync(new FrontendScript().Query(statement), new FrontendScript().Run(statement).Sync());
    }

    [Fact]
    public Task Parameters_and_row_limits() => SameAsync(
        new FrontendScript()
            .Parse("SELECT a.id, a.name, $2::text, n.body FROM users a JOIN users b ON b.id = a.id + $1 JOIN notes n ON n.id = a.id WHERE a.id < 6 AND n.id <> $3 ORDER BY 1", "g", 20)
            .DescribeStatement("g")
            .Bind(["1", "x", "2"], statement: "g").DescribePortal().Execute().Sync(),
        new FrontendScript().Bind(["2", null, "3"], statement: "g", resultFormat: 1).DescribePortal().Execute().Sync(),
        new FrontendScript().BindBytes([[0, 0, 0, 0, 0, 0, 0, 1], "y"u8.ToArray(), [0, 0, 0, 4]], [1], statement: "g", resultFormat: 1).Execute().Sync(),
        new FrontendScript().Bind(["1", "x", "2"], portal: "p", statement: "g").Execute(2, "p").Execute(2, "p").Execute(2, "p").Sync(),
        new FrontendScript().Bind(["nonsense", "x", "2"], statement: "g").Execute().Sync(),
        new FrontendScript().Run(Joined).Run("SELECT 1/0").Run("SELECT 2").Sync(),
        new FrontendScript().Run("SELECT 1").Run(Joined).Sync(),
        new FrontendScript().Query("PREPARE s AS SELECT a.id FROM users a JOIN users b ON b.id = a.id + $1 WHERE a.id < $2 ORDER BY 1"),
        new FrontendScript().Query("EXECUTE s (2, 9)"),
        new FrontendScript().Query("DEALLOCATE s"));

    [Theory]
    [InlineData("SELECT nothing FROM users u JOIN orders o ON o.product = u.id")]
    [InlineData("SELECT 1 / (a.id - 3) FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY 1")]
    [InlineData("SELECT missing(u.id) FROM users u, orders o")]
    [InlineData("SELECT u.name::int4 FROM users u JOIN orders o ON o.product = u.id WHERE u.name = 'user 3'")]
    public Task Errors(string statement) => SameAsync(
        new FrontendScript().Query(statement), new FrontendScript().Run(statement).Sync(), new FrontendScript().Query("SELECT 1"));

    [Fact]
    public Task Blocks() => SameAsync(
        [.. new[]
        {
            "BEGIN",
            "UPDATE users SET name = 'changed' WHERE id = 3",
            "UPDATE notes SET body = 'mine' WHERE id = 4",
            "SET LOCAL timezone = 'America/New_York'",
            "SELECT a.name, b.seen, n.body FROM users a JOIN users b ON b.id = a.id + 1 JOIN notes n ON n.id = a.id WHERE a.id < 6 ORDER BY 2",
            Joined,
            "SAVEPOINT s",
            "SELECT 1 / (a.id - 3) FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY 1",
            "SELECT 1",
            "ROLLBACK TO s",
            Joined,
            $"{Joined}; INSERT INTO users (id, name) VALUES (101, 'a'), (102, 'b'), (103, 'c'), (104, 'd'); {Joined}",
            "ROLLBACK",
            "BEGIN READ ONLY",
            Joined,
            "COMMIT",
            "BEGIN ISOLATION LEVEL REPEATABLE READ",
            "SELECT n.body, u.name, p.title FROM notes n JOIN users u ON u.id = n.id JOIN products p ON p.id = n.id ORDER BY n.id",
            "COMMIT",
            $"{Joined}; SELECT 1; {Joined}",
            "SET datestyle = 'German'; SET extra_float_digits = 0",
            "SELECT a.born, a.balance::float8 / 3 FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY 1",
            "BEGIN; CREATE TABLE more (id int4)",
            Joined,
            "ROLLBACK",
            $"COPY ({Joined}) TO STDOUT",
        }.Select(static text => new FrontendScript().Query(text))]);

    [Fact]
    public async Task A_block_uses_it_where_the_answer_is_the_same()
    {
        await using var client = await WireClient.ConnectAsync(cluster.Proxy.Endpoint);
        await client.MustAsync("BEGIN");
        (await GatherServerCluster.PlaceAsync(client, Joined)).ShouldBe("gather");
        (await GatherServerCluster.PlaceAsync(client, "SELECT n.body, u.name FROM notes n JOIN users u ON u.id = n.id")).ShouldBe("gather");
        (await GatherServerCluster.PlaceAsync(client, "SELECT n.body, u.name, p.title FROM notes n JOIN users u ON u.id = n.id JOIN products p ON p.id = n.id")).ShouldBe("s0");
        (await GatherServerCluster.PlaceAsync(client, "SELECT id FROM users WHERE seen < now() EXCEPT SELECT user_id FROM orders")).ShouldBe("s0");
        await client.MustAsync("COMMIT");
        await cluster.MustBeCleanAsync();
    }

    [Fact]
    public async Task Too_much_is_refused_and_leaves_nothing()
    {
        await using var client = await WireClient.ConnectAsync(cluster.Proxy.Endpoint);
        var answer = await client.QueryAsync("SELECT a.pad, b.pad FROM big a JOIN big b ON b.id = a.id + 1 JOIN products p ON p.id = a.id");
        answer.ShouldContain(static message => message.Type == 'E' && message.SqlState == "54000");
        (await client.ScalarAsync("SELECT count(*) FROM big")).ShouldBe($"{GatherServerCluster.Rows}");
        await cluster.MustBeCleanAsync();
    }

    [Fact]
    public async Task Privileges_are_those_of_the_user()
    {
        foreach (var endpoint in (Endpoint[])[cluster.Cluster.ReferenceEndpoint, cluster.Proxy.Endpoint])
        {
            await using var owner = await WireClient.ConnectAsync(endpoint);
            await owner.QueryAsync("CREATE ROLE guest");
            await owner.MustAsync("GRANT SELECT ON users, products TO guest");
            await owner.MustAsync("GRANT SELECT (id) ON notes TO guest");
        }
        await SameAsync(
            new FrontendScript().Query("SET ROLE guest"),
            new FrontendScript().Query(Joined),
            new FrontendScript().Query("SELECT u.id FROM users u JOIN notes n ON n.id = u.id JOIN products p ON p.id = u.id ORDER BY 1"),
            new FrontendScript().Query("SELECT n.body FROM users u JOIN notes n ON n.id = u.id + 1 ORDER BY 1"));
    }

    [Fact]
    public async Task Lost_and_cancelled_in_the_middle()
    {
        const string Endless = "SELECT count(*) FROM orders a, orders b, orders c, orders d, orders e WHERE a.amount + b.amount + c.amount + d.amount + e.amount < 0";
        await using var client = await WireClient.ConnectAsync(cluster.Proxy.Endpoint);
        await client.SendAsync(new FrontendScript().Query(Endless));
        await Until.TrueAsync(async () => await cluster.Server.ScalarAsync<bool>("SELECT coalesce(bool_or(pg_terminate_backend(pid)), false) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%count(%amount%' AND pid <> pg_backend_pid()"), "the statement runs there");
        (await client.ReceiveUntilReadyAsync()).ShouldContain(static message => message.Type == 'E' && (message.SqlState == "57P01" || message.SqlState == "08006"));
        await client.SendAsync(new FrontendScript().Query(Endless));
        await Until.TrueAsync(async () => await cluster.Server.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%count(%amount%' AND pid <> pg_backend_pid())"), "the statement runs there");
        await client.CancelAsync();
        (await client.ReceiveUntilReadyAsync()).ShouldContain(static message => message.Type == 'E' && message.SqlState == "57014");
        await client.MustAsync("SET statement_timeout = '300ms'");
        (await client.QueryAsync(Endless)).ShouldContain(static message => message.Type == 'E' && message.SqlState == "57014");
        await client.MustAsync("RESET statement_timeout");
        (await GatherServerCluster.PlaceAsync(client, Joined)).ShouldBe("gather");
        await cluster.MustBeCleanAsync();
    }

    [Fact]
    public async Task While_it_is_away_or_unlike_statements_run_at_home()
    {
        await using var client = await WireClient.ConnectAsync(cluster.Proxy.Endpoint);
        var file = await File.ReadAllTextAsync(cluster.Proxy.ConfigFile);
        await cluster.Server.StopAsync();
        (await GatherServerCluster.PlaceAsync(client, Joined)).ShouldBe("s0");
        await SameAtHomeAsync();
        (await ProblemAsync()).ShouldNotBeNull();
        await cluster.Server.RestartAsync();
        await Until.TrueAsync(async () => await ProblemAsync() is null, "the server is used again");
        (await GatherServerCluster.PlaceAsync(client, Joined)).ShouldBe("gather");

        // Encoding and collation are others.
        await ReloadAsync(file.Replace($"port={cluster.Server.Port} dbname=shop", $"port={cluster.Server.Port} dbname=latin"));
        await Until.TrueAsync(async () => await ProblemAsync() is { } problem && problem.Contains("its encoding is LATIN1", StringComparison.Ordinal), "the other database is unlike");
        (await GatherServerCluster.PlaceAsync(client, Joined)).ShouldBe("s0");
        cluster.Proxy.Log.ShouldContain("its encoding is LATIN1");

        // A shard by another name.
        await ReloadAsync(file.Replace($"host=127.0.0.1 port={cluster.Server.Port} dbname=shop", $"host=localhost port={cluster.Cluster.Shards[1].Port} dbname=shop"));
        await Until.TrueAsync(async () => await ProblemAsync() is { } problem && problem.Contains("it is shard \"s1\"", StringComparison.Ordinal), "a shard is found out");
        (await GatherServerCluster.PlaceAsync(client, Joined)).ShouldBe("s0");
        await ReloadAsync(file);
        await Until.TrueAsync(async () => await ProblemAsync() is null, "the server is used again");
        (await GatherServerCluster.PlaceAsync(client, Joined)).ShouldBe("gather");
        cluster.Proxy.Log.ShouldNotContain(PostgresServer.Password);

        async Task SameAtHomeAsync()
        {
            await using var reference = await WireClient.ConnectAsync(cluster.Cluster.ReferenceEndpoint);
            (await client.QueryAsync(Joined)).ConvertAll(static message => message.ToString()).ShouldBe((await reference.QueryAsync(Joined)).ConvertAll(static message => message.ToString()));
        }

        async Task ReloadAsync(string text)
        {
            await File.WriteAllTextAsync(cluster.Proxy.ConfigFile, text);
            await using var admin = await WireClient.ConnectAsync(cluster.Admin);
            await admin.MustAsync("RELOAD");
        }

        async Task<string?> ProblemAsync()
        {
            await using var admin = await WireClient.ConnectAsync(cluster.Admin);
            return (await admin.MustAsync("SHOW GATHER")).First(static message => message.Type == 'D').TextValues[6] is var problem and not "NULL" ? problem : null;
        }
    }

    private async Task SameAsync(params FrontendScript[] scripts)
    {
        await using var reference = await WireClient.ConnectAsync(cluster.Cluster.ReferenceEndpoint);
        await using var subject = await WireClient.ConnectAsync(cluster.Proxy.Endpoint);
        foreach (var script in scripts)
        {
            var expected = (await reference.RunAsync(script)).ConvertAll(static message => message.ToString());
            (await subject.RunAsync(script)).ConvertAll(static message => message.ToString()).ShouldBe(expected, script.ToString());
        }
        await cluster.MustBeCleanAsync();
    }
}
