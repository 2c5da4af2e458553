using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering;

/// <summary>Cursors over gathered rows in all their forms, and parameters where there are none.</summary>
[Collection(LabCollection.Name)]
public sealed class GatherCursorTests(Lab lab)
{
    private const string Query = "SELECT id, name FROM users WHERE id < 9 AND id IN (SELECT product FROM orders) ORDER BY 1";

    private readonly Differential _differential = new(lab);

    [Theory]
    [InlineData("SCROLL")]
    [InlineData("NO SCROLL")]
    [InlineData("BINARY SCROLL")]
    [InlineData("INSENSITIVE SCROLL")]
    public Task In_a_block(string form) => _differential.SameAsync(
        "BEGIN",
        $"DECLARE c {form} CURSOR FOR {Query}",
        "FETCH 2 FROM c",
        "MOVE 1 IN c",
        "FETCH NEXT FROM c",
        "UPDATE users SET name = 'changed' WHERE id = 8",
        "SAVEPOINT s",
        "FETCH BACKWARD 2 FROM c",
        "ROLLBACK TO s",
        "FETCH LAST FROM c",
        "ROLLBACK TO s",
        "FETCH ABSOLUTE 2 FROM c",
        "ROLLBACK TO s",
        "FETCH RELATIVE -1 FROM c",
        "ROLLBACK TO s",
        "MOVE FIRST IN c",
        "ROLLBACK TO s",
        "FETCH ALL FROM c",
        "FETCH FORWARD 0 FROM c",
        "CLOSE c",
        "FETCH 1 FROM c",
        "ROLLBACK");

    [Theory]
    [InlineData("NO SCROLL CURSOR WITH HOLD")]
    [InlineData("SCROLL CURSOR WITH HOLD")]
    [InlineData("BINARY SCROLL CURSOR WITH HOLD")]
    public Task Beyond_the_block(string form) => _differential.SameAsync(
        $"DECLARE h {form} FOR {Query}",
        "FETCH 2 FROM h",
        "BEGIN",
        "UPDATE users SET name = 'changed' WHERE id = 8",
        $"DECLARE k {form} FOR {Query}",
        "FETCH 1 FROM k",
        "COMMIT",
        "UPDATE users SET name = 'user 8' WHERE id = 8",
        "FETCH ALL FROM k",
        "SELECT name, is_holdable, is_binary, is_scrollable FROM pg_cursors WHERE name IN ('h', 'k') ORDER BY 1",
        "FETCH PRIOR FROM h",
        "FETCH ALL FROM h",
        "CLOSE h",
        "CLOSE ALL",
        "FETCH 1 FROM k");

    [Theory]
    [InlineData("BINARY SCROLL CURSOR FOR")]
    [InlineData("SCROLL CURSOR WITH HOLD FOR")]
    public Task By_the_extended_protocol(string form) => _differential.SameAsync(
        new FrontendScript().Run("BEGIN").Run($"DECLARE c {form} {Query}").Run("FETCH 2 FROM c").Sync(),
        new FrontendScript().Parse("FETCH BACKWARD 1 FROM c").DescribeStatement().Bind(resultFormat: 1).DescribePortal().Execute().Sync(),
        new FrontendScript().Run("FETCH LAST FROM c").Run("CLOSE c").Run("COMMIT").Sync());

    [Theory]
    [InlineData("SELECT a.id FROM users a JOIN users b ON b.id = a.id + $1")]
    [InlineData("SELECT a.id, $1 FROM users a JOIN users b ON b.id = a.id + 1")]
    [InlineData("SELECT id FROM users WHERE name = $1")]
    [InlineData("SELECT id FROM users WHERE name = $1 ORDER BY id LIMIT 3")]
    [InlineData("SELECT name, count(*) FROM users WHERE balance > $2 GROUP BY 1")]
    [InlineData("SELECT count(*) FROM users WHERE name = $1")]
    [InlineData("SELECT name FROM users WHERE id = $1")]
    [InlineData("SELECT name FROM users WHERE id IN ($1, 3)")]
    [InlineData("SELECT id FROM users ORDER BY id LIMIT $1")]
    [InlineData("UPDATE users SET name = 'x' WHERE id = $1")]
    [InlineData("UPDATE users SET name = $1")]
    [InlineData("DELETE FROM users WHERE balance = $1")]
    [InlineData("INSERT INTO users (id, name) VALUES ($1, 'x')")]
    [InlineData("INSERT INTO users (id, name) SELECT id + 100, $1 FROM users")]
    [InlineData("DECLARE c CURSOR WITH HOLD FOR SELECT id FROM users WHERE name = $1")]
    [InlineData("SELECT nothing, $1 FROM users")]
    [InlineData("SELECT 1; SELECT name FROM users WHERE id = $1")]
    [InlineData("SELECT '$1', \"name\" AS \"a $1\", $$ $1 $$ FROM users WHERE id IN (1, 2, 3) ORDER BY id")]
    public Task There_is_no_parameter(string statement) => _differential.SameAsync(statement, "SELECT 1", "BEGIN", statement, "ROLLBACK");
}
