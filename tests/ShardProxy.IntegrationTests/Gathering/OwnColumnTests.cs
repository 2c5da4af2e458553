using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering;

/// <summary>Rows of several shards behind an ALTER TABLE in the same transaction, which nobody else sees: its columns, types and names hold.</summary>
[Collection(LabCollection.Name)]
public sealed class OwnColumnTests(Lab lab)
{
    private const string Star = "SELECT a.*, b.id FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < 4 ORDER BY a.id";

    private readonly Differential _differential = new(lab);

    [Theory]
    [InlineData("ALTER TABLE users ADD COLUMN extra int4 DEFAULT 7", Star, "SELECT a.extra, b.id FROM users a JOIN users b ON b.id = a.id + a.extra WHERE a.extra = 7 AND a.id < 4 ORDER BY a.id", "SELECT * FROM users WHERE id < 4 ORDER BY balance + 1", "SELECT * FROM users ORDER BY id LIMIT 2")]
    [InlineData("ALTER TABLE users DROP COLUMN email", Star, "SELECT a.email FROM users a JOIN users b ON b.id = a.id + 1", "SELECT 1")]
    [InlineData("ALTER TABLE users RENAME COLUMN name TO called", Star, "SELECT a.called FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.called < 'user 13' ORDER BY a.id")]
    [InlineData("ALTER TABLE users ALTER COLUMN balance TYPE text", Star, "SELECT a.id, a.balance FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.balance < '13' ORDER BY a.id")]
    [InlineData("ALTER TABLE users ADD COLUMN felt mood DEFAULT 'ok'", Star)]
    public Task Columns(string change, params string[] statements) => _differential.SameAsync(["BEGIN", change, .. statements, "ROLLBACK", Star]);

    /// <summary>Names of what is on a table mean nothing else than before.</summary>
    [Fact]
    public Task Other_names() => _differential.SameAsync(
        "BEGIN",
        "ALTER TABLE users RENAME CONSTRAINT users_pkey TO name",
        "SELECT a.name FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < 4 ORDER BY a.id",
        "ROLLBACK");

    [Fact]
    public Task Prepared_before() => _differential.SameAsync(
        new FrontendScript().Parse("SELECT a.id, to_jsonb(a) FROM users a JOIN users b ON b.id = a.id + $1 WHERE a.id < $2 ORDER BY 1", "w", 20, 20).Bind(["1", "3"], statement: "w").Execute().Sync(),
        new FrontendScript().Query("BEGIN"),
        new FrontendScript().Query("ALTER TABLE users ADD COLUMN extra int4 DEFAULT 7"),
        new FrontendScript().Bind(["1", "3"], statement: "w").Execute().Sync(),
        new FrontendScript().Query("ROLLBACK"),
        new FrontendScript().Bind(["1", "3"], statement: "w").Execute().Sync());

    /// <summary>A name that is not yet known for a sharded table's must not be taken for a home table's.</summary>
    [Theory]
    [InlineData("ALTER TABLE orders RENAME TO purchases", "SELECT count(*) FROM purchases")]
    [InlineData("ALTER TABLE orders RENAME TO purchases", "SELECT a.id FROM purchases a JOIN users b ON b.id = a.product ORDER BY 1")]
    [InlineData("ALTER TABLE orders RENAME COLUMN user_id TO owner", "SELECT count(*) FROM orders WHERE owner IN (1, 2, 3, 4, 5)")]
    [InlineData("ALTER TABLE users RENAME COLUMN id TO number", "SELECT name FROM users WHERE number = 5")]
    [InlineData("CREATE SCHEMA other; ALTER TABLE orders SET SCHEMA other", "SELECT count(*) FROM other.orders")]
    [InlineData("ALTER SCHEMA public RENAME TO other", "SELECT count(*) FROM other.orders")]
    [InlineData("ALTER TABLE products RENAME TO goods", "UPDATE goods SET price = 1 RETURNING id")]
    [InlineData("ALTER TABLE orders RENAME COLUMN user_id TO old; ALTER TABLE orders RENAME COLUMN product TO user_id", "SELECT count(*) FROM orders WHERE user_id = 6")]
    [InlineData("CREATE VIEW v AS SELECT id FROM users; ALTER VIEW v RENAME TO w", "SELECT count(*) FROM w")]
    public async Task Names(string change, string statement)
    {
        await using var reference = await WireClient.ConnectAsync(lab.Reference);
        await using var subject = await WireClient.ConnectAsync(lab.Subject);
        var answers = new List<string>();
        foreach (var client in (WireClient[])[reference, subject])
        {
            await client.MustAsync("BEGIN");
            var changed = await client.QueryAsync(change);
            var answer = changed.Exists(static message => message.Type == 'E') ? changed : await client.QueryAsync(statement);
            answers.Add(answer.Find(static message => message.Type == 'E') is { SqlState: "0A000" } ? "refused" : string.Join('\n', answer.Where(static message => message.Type is 'D' or 'E')));
            await client.MustAsync("ROLLBACK");
        }
        answers[1].ShouldBeOneOf(answers[0], "refused");
    }
}
