using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>WITH whose parts write, beside one PostgreSQL: on one shard, and on several where each shard's own rows suffice.</summary>
[Collection(LabCollection.Name)]
public sealed class WithWriteTests(Lab lab) : IAsyncLifetime
{
    public Task InitializeAsync() => WriteSchema.CreateAsync(lab);

    public Task DisposeAsync() => WriteSchema.DropAsync(lab);

    [Theory]
    [InlineData("WITH gone AS (DELETE FROM w_entries WHERE line = 1 RETURNING *) INSERT INTO w_archive SELECT * FROM gone")]
    [InlineData("WITH gone AS (DELETE FROM w_entries WHERE amount > 10 RETURNING account, line, amount) INSERT INTO w_archive (account, line, amount) SELECT account, line + 10, amount * 2 FROM gone RETURNING account, line, note")]
    [InlineData("WITH gone AS (DELETE FROM w_entries WHERE account IN (1, 2, 3) RETURNING *) INSERT INTO w_archive SELECT g.account, g.line, a.balance, a.owner FROM gone g JOIN w_accounts a ON a.id = g.account")]
    [InlineData("WITH u AS (UPDATE w_accounts SET balance = balance + 1 WHERE region = 'eu' RETURNING id, balance) SELECT * FROM u")]
    [InlineData("WITH u AS (UPDATE w_accounts SET balance = balance + 1 RETURNING id, balance) SELECT u.id, u.balance, e.line FROM u LEFT JOIN w_entries e ON e.account = u.id WHERE u.balance > 3")]
    [InlineData("WITH u AS (UPDATE w_accounts SET balance = 0 WHERE balance > 5 RETURNING id) UPDATE w_entries SET note = 'emptied' FROM u WHERE u.id = w_entries.account RETURNING w_entries.account, line")]
    [InlineData("WITH u AS (UPDATE w_accounts SET balance = 0 RETURNING id), d AS (DELETE FROM w_entries USING u WHERE u.id = account AND line = 2 RETURNING account) SELECT account FROM d")]
    [InlineData("WITH n AS (INSERT INTO w_archive SELECT * FROM w_entries RETURNING account, line) DELETE FROM w_entries e USING n WHERE n.account = e.account AND n.line = e.line RETURNING e.account")]
    [InlineData("WITH d AS (DELETE FROM w_entries RETURNING account, amount) SELECT account, sum(amount), count(*) FROM d GROUP BY account")]
    [InlineData("WITH d AS (DELETE FROM w_entries RETURNING account), k AS (SELECT id FROM w_accounts WHERE balance > 10) DELETE FROM w_accounts USING k, d WHERE k.id = w_accounts.id AND d.account = k.id")]
    [InlineData("WITH d AS (DELETE FROM w_entries WHERE account = 5 RETURNING *) INSERT INTO w_archive SELECT * FROM d")]
    [InlineData("WITH d AS (DELETE FROM w_entries WHERE account = 5 RETURNING *) SELECT count(*) FROM d")]
    [InlineData("WITH d AS (DELETE FROM w_entries RETURNING *) INSERT INTO w_archive SELECT * FROM d ON CONFLICT (account, line) DO NOTHING")]
    [InlineData("WITH d AS (DELETE FROM w_entries WHERE amount < 0 RETURNING *) INSERT INTO w_archive SELECT * FROM d")]
    [InlineData("WITH d AS (DELETE FROM w_entries WHERE line = 1 RETURNING 1) SELECT count(*) FROM d")]
    [InlineData("WITH d AS (DELETE FROM w_entries WHERE amount > 5 RETURNING account, amount, note) SELECT count(*), sum(amount), max(account), count(note), string_agg(note, ',') FROM d")]
    [InlineData("WITH d AS (DELETE FROM w_entries RETURNING *) SELECT * FROM d ORDER BY amount DESC, account, line LIMIT 3")]
    [InlineData("WITH d AS (DELETE FROM w_entries WHERE line = 2 RETURNING *) SELECT 1")]
    [InlineData("WITH d(a, l) AS (DELETE FROM w_entries RETURNING account, line, amount) SELECT l, count(*), sum(a), sum(amount) FROM d GROUP BY l HAVING count(*) > 1 ORDER BY 1")]
    [InlineData("WITH d AS (DELETE FROM w_entries WHERE false RETURNING *) SELECT count(*), sum(amount) FROM d")]
    [InlineData("WITH d AS (DELETE FROM w_entries WHERE line < 3 RETURNING *) INSERT INTO w_archive SELECT account + 1, line, amount, note FROM d ON CONFLICT DO NOTHING")]
    [InlineData("WITH d AS (DELETE FROM w_entries WHERE line = 1 RETURNING *) INSERT INTO w_archive (account, line, amount) SELECT 1000 + max(account), count(*), sum(amount) FROM d RETURNING *")]
    [InlineData("WITH u AS (UPDATE w_accounts SET balance = balance + 1 WHERE balance > 3 RETURNING region, balance) SELECT region, sum(balance) FROM u GROUP BY region ORDER BY region NULLS FIRST")]
    [InlineData("WITH i AS (INSERT INTO w_archive VALUES (1, 501, 1), (2, 501, 1), (3, 501, NULL, 'a \\ \"b\" {c}, d') ON CONFLICT DO NOTHING RETURNING *) SELECT count(*), sum(account), max(note) FROM i")]
    [InlineData("WITH i AS (INSERT INTO w_archive VALUES (1, 601, 1), (2, 601, 1) ON CONFLICT DO NOTHING RETURNING account, line) INSERT INTO w_entries (account, line, amount) SELECT account + 2, line + 1, 7 FROM i RETURNING account, line")]
    [InlineData("WITH few AS (SELECT account, line FROM w_entries ORDER BY amount, account, line LIMIT 4), d AS (DELETE FROM w_entries e WHERE e.account = 3 RETURNING *) SELECT count(*) FROM d")]
    [InlineData("WITH d AS (DELETE FROM w_entries WHERE line = 1 RETURNING account), n AS (SELECT count(*) AS n FROM d), m AS (SELECT max(account) AS m FROM d) SELECT n, m, (SELECT min(account) FROM d) FROM n, m")]
    [InlineData("WITH big AS (SELECT account, line + 700 AS line, amount FROM w_entries WHERE amount > 2) INSERT INTO w_archive (account, line, amount) SELECT account + 1, line, amount FROM big ON CONFLICT DO NOTHING RETURNING account, line")]
    public async Task Runs(string statement)
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        await beside.SameAsync(statement);
        await beside.SameStateAsync(statement);
        await beside.SameAsync(new FrontendScript().Run(statement).Sync(), statement);
        await beside.SameStateAsync($"{statement} again");
    }

    [Theory]
    [InlineData("WITH d AS (DELETE FROM w_entries RETURNING amount) UPDATE w_accounts SET balance = (SELECT sum(amount) FROM d)")]
    [InlineData("WITH d AS (DELETE FROM w_entries RETURNING account, amount) UPDATE w_accounts SET balance = (SELECT sum(amount) FROM d)")]
    [InlineData("WITH d AS (DELETE FROM w_entries RETURNING account, line) DELETE FROM w_accounts USING d WHERE d.line = w_accounts.id")]
    [InlineData("WITH i AS (INSERT INTO w_archive VALUES (1, 1, 1), (2, 1, 1), (3, 1, 1) RETURNING account) DELETE FROM w_entries USING i WHERE i.account = w_entries.account")]
    [InlineData("WITH u AS (UPDATE w_regions SET rate = 2 RETURNING code) UPDATE w_accounts SET balance = 1 FROM u WHERE u.code = region")]
    [InlineData("WITH d AS (DELETE FROM w_entries RETURNING account) SELECT count(*) FROM d, w_accounts")]
    [InlineData("WITH d AS (DELETE FROM w_entries RETURNING *) INSERT INTO w_archive SELECT d.account + 1, line, balance FROM d JOIN w_accounts a ON a.id = d.line")]
    [InlineData("WITH a AS (DELETE FROM w_entries RETURNING line), b AS (DELETE FROM w_archive RETURNING line) SELECT count(*) FROM a, b")]
    [InlineData("WITH d AS (DELETE FROM w_entries RETURNING w_entries) SELECT count(*) FROM d")]
    [InlineData("WITH d AS (DELETE FROM w_entries RETURNING account) INSERT INTO w_entries SELECT account + 1, 1, 1 FROM d")]
    public async Task Refused(string statement)
    {
        if (Lab.IsDirect)
            return;
        await using var beside = await WritesBeside.ConnectAsync(lab);
        var error = await beside.RefusedAsync(statement);
        error.ShouldNotBeNull();
        error.SqlState.ShouldBe("0A000", error.ToString());
        error.Fields.ContainsKey('H').ShouldBeTrue();
        await beside.SameStateAsync(statement);
    }

    [Fact]
    public async Task Identifiers_drawn_by_one_part_are_stored_by_another()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        await beside.SameAsync("CREATE TABLE w_people (id bigserial PRIMARY KEY, name text)");
        await beside.SameAsync("CREATE TABLE w_profiles (person int8 PRIMARY KEY, bio text, made timestamptz DEFAULT now())");
        if (!Lab.IsDirect)
        {
            (await beside.SubjectRowsAsync("SELECT create_distributed_table('w_people', 'id')")).Length.ShouldBe(1);
            (await beside.SubjectRowsAsync("SELECT create_distributed_table('w_profiles', 'person', colocate_with => 'w_people')")).Length.ShouldBe(1);
        }
        await beside.SameAsync("WITH p AS (INSERT INTO w_people (name) VALUES ('a'), ('b'), ('c') RETURNING id, name) INSERT INTO w_profiles (person, bio) SELECT id, name || '!' FROM p RETURNING bio");
        await beside.SameAsync("WITH p AS (INSERT INTO w_people (name) VALUES ('d') RETURNING id) SELECT count(*) FROM p WHERE id > 0");
        await beside.SameAsync(new FrontendScript().Run("WITH p AS (INSERT INTO w_people (name) VALUES ($1) RETURNING id) INSERT INTO w_profiles (person, bio) SELECT id, $2 FROM p RETURNING bio", ["e", "five"]).Sync(), "with parameters");
        await beside.SameAsync("SELECT name, bio FROM w_people LEFT JOIN w_profiles ON person = id ORDER BY name");
        await beside.SameAsync("DROP TABLE w_people, w_profiles");
    }

    [Fact]
    public async Task Parts_with_parameters()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        await beside.SameWithParametersAsync("WITH d AS (DELETE FROM w_entries WHERE line = $1 RETURNING amount) SELECT count(*), $2 || 'x' FROM d WHERE amount > $3", 0, "1", "y", "2");
        await beside.SameWithParametersAsync("WITH d AS (DELETE FROM w_entries WHERE line = $2 RETURNING account, line) INSERT INTO w_archive (account, line, note) SELECT account + $1, line, $3 FROM d RETURNING account, note", 0, "1", "2", "moved");
        await beside.SameAsync("PREPARE p AS WITH d AS (DELETE FROM w_entries WHERE account > $1 RETURNING amount) SELECT count(*) FROM d");
        await beside.SameAsync("BEGIN");
        await beside.SameAsync("EXECUTE p(10)");
        await beside.SameStateAsync("EXECUTE p(10)");
        await beside.SameAsync("ROLLBACK");
        await beside.SameAsync("EXECUTE p(20)");
        await beside.SameStateAsync("EXECUTE p(20)");
        await beside.SameAsync("WITH d AS (DELETE FROM w_entries RETURNING amount) SELECT 1 / (count(*) - count(*)) FROM d");
        await beside.SameStateAsync("an error behind the DELETE");
    }

    [Fact]
    public async Task Reference_tables_with_reference_tables()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var statement in (string[])
                 [
                     "MERGE INTO w_regions t USING (VALUES ('eu', 'Europa', 2.0), ('af', 'Africa', 1.5)) s(code, title, rate) ON t.code = s.code WHEN MATCHED THEN UPDATE SET title = s.title, rate = s.rate WHEN NOT MATCHED THEN INSERT VALUES (s.code, s.title, s.rate)",
                     "MERGE INTO w_regions t USING w_regions s ON t.code = s.code WHEN MATCHED AND s.rate > 1.4 THEN DELETE WHEN MATCHED THEN UPDATE SET rate = t.rate + 1",
                     "MERGE INTO w_regions t USING (VALUES ('us'), ('us')) s(code) ON t.code = s.code WHEN MATCHED THEN UPDATE SET rate = 9",
                     "MERGE INTO w_regions t USING (VALUES ('oc')) s(code) ON t.code = s.code WHEN NOT MATCHED THEN INSERT (code, title) VALUES (s.code, upper(s.code)) WHEN MATCHED THEN DO NOTHING",
                     "UPDATE w_regions SET rate = r.rate * 2 FROM w_regions r WHERE r.code = w_regions.code AND r.code <> 'us' RETURNING w_regions.code, w_regions.rate",
                     "DELETE FROM w_regions USING (VALUES ('oc')) v(code) WHERE v.code = w_regions.code RETURNING *",
                 ])
        {
            await beside.SameAsync(statement);
            await beside.SameStateAsync(statement);
        }
        if (Lab.IsDirect)
            return;
        (await beside.RefusedAsync("MERGE INTO w_tags t USING (VALUES ('x')) s(word) ON t.word = s.word WHEN NOT MATCHED THEN INSERT (word) VALUES (s.word)"))!.SqlState.ShouldBe("0A000");
        (await beside.RefusedAsync("MERGE INTO w_regions t USING w_accounts s ON t.code = s.region WHEN MATCHED THEN DELETE"))!.SqlState.ShouldBe("0A000");
    }
}
