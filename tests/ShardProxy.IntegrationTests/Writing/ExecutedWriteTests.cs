using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>SQL PREPARE and EXECUTE of writes over shards, beside one PostgreSQL.</summary>
[Collection(LabCollection.Name)]
public sealed class ExecutedWriteTests(Lab lab) : IAsyncLifetime
{
    public Task InitializeAsync() => WriteSchema.CreateAsync(lab);

    public Task DisposeAsync() => WriteSchema.DropAsync(lab);

    [Theory]
    [InlineData("(int8, text) AS UPDATE w_accounts SET owner = $2 WHERE balance > $1 RETURNING id, owner", "(3, 'x')", "(10, NULL)", "(2 + 3, upper('y'))")]
    [InlineData("AS UPDATE w_accounts SET balance = balance + 1", "")]
    [InlineData("(int8) AS DELETE FROM w_entries WHERE line = $1 RETURNING account", "(1)", "(2)")]
    [InlineData("AS INSERT INTO w_entries (account, line, amount) VALUES ($1, $2, 1), ($3, $2, 2) RETURNING account, line", "(1, 90, 2)", "(3, 91, 3)", "(1, 90, 7)")]
    [InlineData("AS INSERT INTO w_entries (account, line, amount) VALUES ($1, 1, $3), ($2, 78, $3) ON CONFLICT (account, line) DO UPDATE SET amount = excluded.amount", "(1, 2, 5)")]
    [InlineData("AS INSERT INTO w_archive SELECT account, line + $1, amount, note FROM w_entries ON CONFLICT (account, line) DO NOTHING", "(100)", "(100)")]
    [InlineData("AS INSERT INTO w_archive (account, line, amount) SELECT account + 1, line + $1, amount FROM w_entries WHERE line = $2", "(200, 1)", "(200, 2)")]
    [InlineData("AS UPDATE w_accounts SET id = id + $1 WHERE balance < $2 RETURNING id", "(1000, 3)")]
    [InlineData("AS UPDATE w_regions SET rate = rate * $1 RETURNING code, rate", "(2)", "(NULL)")]
    [InlineData("AS DELETE FROM w_entries WHERE account IN ($1, $2) RETURNING account, line", "(1, 1)", "(2, 3)")]
    [InlineData("AS WITH d AS (DELETE FROM w_entries WHERE line = $1 RETURNING *) INSERT INTO w_archive SELECT * FROM d", "(1)", "(2)")]
    public async Task Runs(string statement, params string[] arguments)
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        await beside.SameAsync($"PREPARE p {statement}");
        foreach (var values in arguments)
        {
            await beside.SameAsync($"EXECUTE p{values}");
            await beside.SameStateAsync($"{statement} {values}");
            await beside.SameAsync(new FrontendScript().Run($"EXECUTE p{values}").Sync(), $"{statement} {values}");
            await beside.SameStateAsync($"{statement} {values} again");
        }
        await beside.SameAsync("BEGIN");
        await beside.SameAsync($"EXECUTE p{arguments[0]}");
        await beside.SameAsync("ROLLBACK");
        await beside.SameStateAsync($"{statement} undone");
        await beside.SameAsync("DEALLOCATE p");
    }

    [Fact]
    public async Task Draws_identifiers()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        await beside.SameAsync("BEGIN");
        await beside.SameAsync("PREPARE p AS INSERT INTO w_tags (word) VALUES ($1), ($2)");
        await beside.SameAsync("EXECUTE p('a', 'b')");
        await beside.SameAsync("SELECT word FROM w_tags WHERE word IN ('a', 'b') ORDER BY word");
        await beside.SameAsync("ROLLBACK");
    }
}
