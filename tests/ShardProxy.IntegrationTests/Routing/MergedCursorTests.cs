using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>Cursors of SQL over several shards, fetched by merging the shards' own cursors.</summary>
[Collection(LabCollection.Name)]
public sealed class MergedCursorTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    public static TheoryData<string> Queries() =>
    [
        "SELECT id, name FROM users ORDER BY id",
        "SELECT name FROM users ORDER BY id DESC",
        "SELECT id, feeling FROM users ORDER BY id DESC LIMIT 7 OFFSET 3",
        "SELECT DISTINCT product FROM orders ORDER BY 1",
        "SELECT id FROM users WHERE id IN (1, 2, 3, 4, 5, 6, 7, 8) ORDER BY 1",
        "SELECT u.id, o.amount FROM users u JOIN orders o ON o.user_id = u.id ORDER BY u.id, o.id",
        "SELECT id FROM users ORDER BY id LIMIT -1",
    ];

    [Theory]
    [MemberData(nameof(Queries))]
    [InlineData("SELECT id FROM users WHERE id = 3 UNION ALL SELECT id FROM users WHERE id = 3")]
    [InlineData("SELECT id FROM users WHERE false")]
    [InlineData("SELECT id FROM users ORDER BY nothing")]
    public async Task Fetched_in_all_ways(string query)
    {
        await _differential.SameAsync(
            "BEGIN", $"DECLARE c NO SCROLL CURSOR FOR {query}", "FETCH c", "FETCH 2 FROM c", "MOVE 1 IN c", "FETCH FORWARD 2 IN c", "FETCH RELATIVE 2 FROM c",
            "MOVE 0 FROM c", "FETCH NEXT c", "FETCH ALL FROM c", "FETCH 1 FROM c", "MOVE 0 FROM c", "CLOSE c", "FETCH 1 FROM c", "ROLLBACK");
        await _differential.SameAsync(
            "BEGIN", $"  declare /* a */ \"C d\" insensitive cursor without hold for {query}", "MOVE ABSOLUTE 3 FROM \"C d\"", "FETCH ABSOLUTE 6 FROM \"C d\"", "MOVE ALL IN \"C d\"", "FETCH 1 \"C d\"", "COMMIT", "FETCH 1 \"C d\"");
    }

    [Theory]
    [MemberData(nameof(Queries))]
    public async Task In_the_extended_protocol(string query)
    {
        foreach (var format in (short[])[0, 1])
        {
            await _differential.SameAsync(
                new FrontendScript().Query("BEGIN"),
                new FrontendScript().Run($"DECLARE c NO SCROLL CURSOR FOR {query}").Sync(),
                new FrontendScript().Parse("FETCH 3 FROM c", "f").DescribeStatement("f").Bind(portal: "p", statement: "f", resultFormat: format).DescribePortal("p").Execute(0, "p").Sync(),
                new FrontendScript().Bind(portal: "q", statement: "f", resultFormat: format).Execute(0, "q").Sync(),
                new FrontendScript().Run("MOVE 2 IN c", resultFormat: format).Run("FETCH ALL FROM c", resultFormat: format).Run("CLOSE c").Sync(),
                new FrontendScript().Query("ROLLBACK"));
        }
    }

    [Theory]
    [InlineData("FETCH PRIOR FROM c")]
    [InlineData("FETCH BACKWARD 2 FROM c")]
    [InlineData("FETCH -1 FROM c")]
    [InlineData("FETCH LAST FROM c")]
    [InlineData("FETCH FIRST FROM c")]
    [InlineData("FETCH ABSOLUTE 1 FROM c")]
    [InlineData("FETCH ABSOLUTE 2 FROM c")]
    [InlineData("FETCH 0 FROM c")]
    [InlineData("MOVE RELATIVE -1 FROM c")]
    [InlineData("MOVE BACKWARD ALL FROM c")]
    public Task Not_backward(string fetch) => _differential.SameAsync(
        "BEGIN", "DECLARE c NO SCROLL CURSOR FOR SELECT id FROM users ORDER BY id", "MOVE 2 FROM c", fetch, "FETCH 1 FROM c", "ROLLBACK");

    [Fact]
    public Task Backward_when_it_scrolls() => _differential.SameAsync(
        "BEGIN", "DECLARE c SCROLL CURSOR FOR SELECT id FROM users ORDER BY id", "FETCH LAST FROM c", "FETCH BACKWARD 3 FROM c", "FETCH FIRST FROM c", "COMMIT");

    [Fact]
    public async Task Backward_of_a_cursor_that_says_nothing_is_refused()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.MustAsync("BEGIN");
        await client.MustAsync("DECLARE c CURSOR FOR SELECT id FROM users ORDER BY id; FETCH 2 FROM c");
        (await client.QueryAsync("FETCH PRIOR FROM c")).Single(static message => message.Type == 'E').SqlState.ShouldBe("0A000");
    }

    [Fact]
    public async Task Writing_where_it_stands_is_refused()
    {
        foreach (var extended in (bool[])[false, true])
        {
            await using var client = await WireClient.ConnectAsync(lab.Subject);
            await client.MustAsync("BEGIN");
            await client.MustAsync("DECLARE c CURSOR FOR SELECT id FROM users ORDER BY id; FETCH 2 FROM c");
            const string Write = "UPDATE users SET name = 'x' WHERE CURRENT OF c";
            var replies = extended ? await client.RunAsync(new FrontendScript().Run(Write).Sync()) : await client.QueryAsync(Write);
            replies.Single(static message => message.Type == 'E').SqlState.ShouldBe("0A000");
        }
    }

    [Fact]
    public Task Sees_what_was_there_when_it_was_declared() => _differential.SameAsync(
        "BEGIN", "DECLARE c NO SCROLL CURSOR FOR SELECT id, name FROM users ORDER BY id", "UPDATE users SET name = 'changed' WHERE id = 3", "DELETE FROM orders WHERE user_id = 4",
        "SELECT name FROM users WHERE id = 3", "FETCH 4 FROM c", "SELECT count(*) FROM users", "FETCH 2 FROM c", "ROLLBACK");

    [Fact]
    public Task Two_at_once_and_savepoints() => _differential.SameAsync(
        "BEGIN", "DECLARE a NO SCROLL CURSOR FOR SELECT id FROM users ORDER BY id", "SAVEPOINT s", "DECLARE b NO SCROLL CURSOR FOR SELECT id FROM users ORDER BY id DESC",
        "FETCH 2 FROM a", "FETCH 2 FROM b", "FETCH 2 FROM a", "DECLARE b NO SCROLL CURSOR FOR SELECT id FROM users ORDER BY id", "ROLLBACK TO s", "FETCH 1 FROM a", "FETCH 1 FROM b", "ROLLBACK",
        "BEGIN", "DECLARE a NO SCROLL CURSOR FOR SELECT id FROM users ORDER BY id", "CLOSE ALL", "FETCH 1 FROM a", "ROLLBACK");

    [Fact]
    public Task Errors_on_the_way() => _differential.SameAsync(
        "BEGIN", "DECLARE c NO SCROLL CURSOR FOR SELECT 1 / (g - 70) FROM users, generate_series(1, 100) g WHERE id = ANY ('{1,2,3,4,5}') ORDER BY g, id",
        "FETCH 5 FROM c", "MOVE ALL FROM c", "FETCH 1 FROM c", "ROLLBACK", "SELECT count(*) FROM users");

    [Fact]
    public Task Outside_of_a_block() => _differential.SameAsync(
        new FrontendScript().Query("DECLARE c NO SCROLL CURSOR FOR SELECT id FROM users ORDER BY id"),
        new FrontendScript().Query("DECLARE c NO SCROLL CURSOR FOR SELECT id FROM users ORDER BY id; FETCH 2 FROM c; CLOSE c"),
        new FrontendScript().Run("DECLARE c NO SCROLL CURSOR FOR SELECT id FROM users ORDER BY id").Sync(),
        new FrontendScript().Query("SELECT 1"));

    [Fact]
    public Task Many_rows_in_portions() => _differential.SameAsync(
        "BEGIN", "DECLARE c NO SCROLL CURSOR FOR SELECT u.id, g, repeat('x', g * 3) FROM users u, generate_series(1, 200) g ORDER BY u.id, g",
        "FETCH 1200 FROM c", "MOVE 900 FROM c", "FETCH ALL FROM c", "COMMIT");
}
