using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>UPDATE of the key by which a table is sharded, beside one PostgreSQL.</summary>
[Collection(LabCollection.Name)]
public sealed class KeyUpdateTests(Lab lab) : IAsyncLifetime
{
    private static readonly string[] Tables = ["u_lines", "u_heads", "u_ways", "u_logged", "u_cascaded"];

    public async Task InitializeAsync()
    {
        await WriteSchema.CreateAsync(lab);
        await StrategyTables.CreateAsync(lab);
    }

    public async Task DisposeAsync()
    {
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            foreach (var table in Tables)
                await client.QueryAsync($"DROP TABLE IF EXISTS {table} CASCADE");
        }
        await StrategyTables.DropAsync(lab);
        await WriteSchema.DropAsync(lab);
    }

    [Fact]
    public async Task Rows_move_with_their_keys()
    {
        await SameAsync(
            "UPDATE w_accounts SET id = 100 WHERE id = 5",
            "UPDATE w_accounts SET id = id + 1000, owner = 'moved' WHERE region = 'eu' RETURNING id, owner, balance",
            "UPDATE w_accounts SET id = id WHERE id < 4 RETURNING *",
            "UPDATE w_accounts a SET id = a.id * 2 + 5000, balance = balance / 3, changed = now() WHERE a.balance > 8 RETURNING id, a.owner, balance, changed IS NULL",
            "UPDATE w_accounts SET id = 7000, region = 'x' WHERE id = 123456 RETURNING id",
            "UPDATE w_accounts SET id = 3 WHERE id = 1",
            "UPDATE w_accounts SET id = NULL WHERE id = 1",
            "UPDATE w_accounts SET id = 9001, balance = -5000 WHERE id = 1",
            "UPDATE w_accounts SET id = 8001 WHERE id < 3",
            "UPDATE w_accounts SET id = 'x' WHERE id = 1",
            "UPDATE w_accounts SET id = CASE WHEN id % 2 = 0 THEN id ELSE id + 20000 END, owner = 'x' || owner WHERE id < 10",
            "UPDATE ONLY w_entries SET account = account + 100 WHERE line = 1 AND note IS NOT DISTINCT FROM 'none' RETURNING account, line",
            "UPDATE w_entries SET account = account + 50, amount = e2.amount FROM (VALUES (2, 5.5), (1, 6.5)) AS e2(line, amount) WHERE e2.line = w_entries.line");
    }

    [Fact]
    public async Task Nothing_is_returned_before_an_error()
    {
        await SameAsync([.. Enumerable.Range(10, 5).Select(static last =>
            $"UPDATE w_accounts SET id = CASE WHEN id < {last} THEN id ELSE 1 END WHERE id BETWEEN 2 AND {last} RETURNING id, owner")]);
    }

    [Fact]
    public async Task With_colocated_tables_and_reference_tables()
    {
        await SameAsync(
            "UPDATE w_entries SET account = w_entries.account + 100, note = a.owner FROM w_accounts a WHERE a.id = w_entries.account AND a.region = 'eu' RETURNING w_entries.account, line, note",
            "UPDATE w_accounts SET id = id + 300, region = r.title FROM w_regions r WHERE r.code = region AND r.rate > 1.15",
            "UPDATE w_entries SET account = account + 500 WHERE EXISTS (SELECT FROM w_accounts a WHERE a.id = account AND a.balance > 10)",
            "UPDATE w_entries SET account = 1000 + (SELECT count(*) FROM w_accounts a WHERE a.id = w_entries.account) + account * 10");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Parameters(short format)
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        Task RunAsync(string text, params string?[] parameters) => beside.SameWithParametersAsync(text, format, parameters);
        await RunAsync("UPDATE w_accounts SET id = $1 WHERE id = $2 RETURNING id, balance", "200", "2");
        await RunAsync("UPDATE w_accounts SET id = $1, owner = $2, balance = $3 WHERE id = $4", "201", "new", "1.5", "3");
        await RunAsync("UPDATE w_accounts SET id = id + $1, changed = $2 WHERE balance > $3 RETURNING id, owner || $4, changed IS NULL", "400", "2024-01-02 03:04:05+00", "15", "!");
        await RunAsync("UPDATE w_accounts SET id = $1 WHERE id = $2", null, "4");
    }

    [Fact]
    public async Task Every_strategy()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var table in StrategyTables.Names)
        {
            await beside.SameAsync($"UPDATE {table} SET k = 200 WHERE k = 3 RETURNING k, v, n, twice");
            await beside.SameAsync($"UPDATE {table} SET k = k + 1, n = n + 1 WHERE k IN (6, 9, 12, 15) RETURNING *");
            await beside.SameAsync($"UPDATE {table} SET k = 500 - k, v = 'far' WHERE n > 7");
            await beside.SameAsync($"UPDATE {table} SET k = 2 WHERE k = 200");
            await beside.SameAsync($"UPDATE {table} SET k = 300, n = 20000 WHERE k = 2");
            await StrategyTables.SameAsync(beside, table);
        }
        if (!Lab.IsDirect)
            (await beside.RefusedAsync("UPDATE s_range SET k = 5000 WHERE k = 18"))!.SqlState.ShouldBe("23514");
        await beside.SameAsync("SELECT count(*) FROM s_range");
    }

    [Fact]
    public async Task Blocks_savepoints_and_what_others_see()
    {
        await SameAsync(
            "BEGIN",
            "UPDATE w_accounts SET id = 700 WHERE id = 7 RETURNING id",
            "SELECT id, owner FROM w_accounts WHERE id IN (7, 700)",
            "SAVEPOINT s",
            "UPDATE w_accounts SET id = id + 1000",
            "SELECT count(*), min(id), max(id) FROM w_accounts",
            "ROLLBACK TO s",
            "UPDATE w_accounts SET id = 701 WHERE id = 700",
            "UPDATE w_accounts SET balance = balance + 1 WHERE id = 701",
            "COMMIT",
            "BEGIN",
            "UPDATE w_accounts SET id = 702 WHERE id = 701",
            "ROLLBACK",
            "BEGIN ISOLATION LEVEL REPEATABLE READ",
            "UPDATE w_accounts SET id = 703 WHERE id = 701",
            "COMMIT",
            "BEGIN READ ONLY",
            "UPDATE w_accounts SET id = 704 WHERE id = 703",
            "ROLLBACK");
    }

    [Fact]
    public async Task Foreign_keys()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            await client.MustAsync("CREATE TABLE u_heads (id int8 PRIMARY KEY, title text)");
            await client.MustAsync("CREATE TABLE u_lines (head int8 NOT NULL, line int4 NOT NULL, after int4, PRIMARY KEY (head, line))");
            await client.MustAsync("CREATE TABLE u_cascaded (head int8 NOT NULL, n int4, PRIMARY KEY (head, n))");
            if (endpoint == lab.Subject && !Lab.IsDirect)
            {
                await client.MustAsync("SELECT create_distributed_table('u_heads', 'id')");
                await client.MustAsync("SELECT create_distributed_table('u_lines', 'head', colocate_with => 'u_heads')");
                await client.MustAsync("SELECT create_distributed_table('u_cascaded', 'head', colocate_with => 'u_heads')");
            }
            await client.MustAsync("ALTER TABLE u_lines ADD FOREIGN KEY (head) REFERENCES u_heads (id)");
            await client.MustAsync("ALTER TABLE u_lines ADD FOREIGN KEY (head, after) REFERENCES u_lines (head, line)");
            await client.MustAsync("INSERT INTO u_heads SELECT g, 'head ' || g FROM generate_series(1, 20) g");
            await client.MustAsync("INSERT INTO u_lines VALUES (1, 1, NULL), (1, 2, 1), (1, 3, 2), (2, 1, NULL), (3, 1, 1)");
        }
        await beside.SameAsync("UPDATE u_lines SET head = 9 WHERE head = 1");
        await beside.SameAsync("UPDATE u_lines SET head = 99 WHERE head = 2");
        await beside.SameAsync("UPDATE u_lines SET head = head + 10");
        await beside.SameAsync("UPDATE u_heads SET id = 50 WHERE id = 19");
        await beside.SameAsync("UPDATE u_heads SET id = 51 WHERE id = 18");
        await beside.SameAsync("UPDATE u_heads SET id = id + 100 WHERE id < 9");
        await beside.SameAsync("SELECT * FROM u_heads ORDER BY id");
        await beside.SameAsync("SELECT * FROM u_lines ORDER BY head, line");
        if (Lab.IsDirect)
            return;
        await using var subject = await WireClient.ConnectAsync(lab.Subject);
        await subject.MustAsync("ALTER TABLE u_cascaded ADD FOREIGN KEY (head) REFERENCES u_heads (id) ON DELETE CASCADE");
        await subject.MustAsync("INSERT INTO u_cascaded VALUES (10, 1)");
        var refused = await RefusedAsync(beside, "UPDATE u_heads SET id = id + 1000 WHERE id = 10");
        refused.Fields['M'].ShouldContain("ON UPDATE or ON DELETE actions");
        (await beside.SubjectRowsAsync("SELECT * FROM u_cascaded")).Length.ShouldBe(1);
    }

    [Fact]
    public async Task Identities_partitions_and_inheritance()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            await client.MustAsync("CREATE TABLE u_ways (tenant int8 NOT NULL, no int8 GENERATED ALWAYS AS IDENTITY, at date NOT NULL, word text, doubled text GENERATED ALWAYS AS (word || word) STORED) PARTITION BY RANGE (at)");
            await client.MustAsync("CREATE TABLE u_ways_1 PARTITION OF u_ways FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')");
            await client.MustAsync("CREATE TABLE u_ways_2 PARTITION OF u_ways FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')");
            if (endpoint == lab.Subject && !Lab.IsDirect)
                await client.MustAsync("SELECT create_distributed_table('u_ways', 'tenant')");
            for (var row = 1; row < 10; row++)
                await client.MustAsync($"INSERT INTO u_ways (tenant, at, word) VALUES ({row}, '202{4 + (row % 2)}-0{row}-01', 'w{row}')");
        }
        await beside.SameAsync("UPDATE u_ways SET tenant = tenant + 30 WHERE word > 'w3' RETURNING tenant, at, word, doubled");
        await beside.SameAsync("UPDATE u_ways SET tenant = tenant * 100, at = at + 366 WHERE at < '2025-01-01' RETURNING tenant, at");
        await beside.SameAsync("UPDATE u_ways_2 SET tenant = 5, word = 'same' WHERE tenant > 30");
        await beside.SameAsync("SELECT tenant, at, word, doubled, count(*) OVER (PARTITION BY no) FROM u_ways ORDER BY tenant, at, word");
    }

    [Fact]
    public async Task Refused_with_the_reason()
    {
        if (Lab.IsDirect)
            return;
        await using var beside = await WritesBeside.ConnectAsync(lab);
        await using (var client = await WireClient.ConnectAsync(lab.Subject))
        {
            await client.MustAsync("CREATE TABLE u_logged (id int8 PRIMARY KEY, n int4)");
            await client.MustAsync("SELECT create_distributed_table('u_logged', 'id')");
            await client.MustAsync("CREATE FUNCTION u_note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := 1; RETURN NEW; END'");
            await client.MustAsync("CREATE TRIGGER u_noted BEFORE UPDATE ON u_logged FOR EACH ROW EXECUTE FUNCTION u_note()");
        }
        foreach (var (statement, reason) in ((string, string)[])
                 [
                     ("UPDATE u_logged SET id = id + 1", "triggers"),
                     ("UPDATE w_accounts SET id = (random() * 100)::int8", "random()"),
                     ("UPDATE w_accounts SET id = DEFAULT WHERE id = 1", "DEFAULT"),
                     ("UPDATE w_accounts SET (id, owner) = (SELECT 1, 'x') WHERE id = 1", "a query for several columns"),
                     ("UPDATE w_accounts SET id = (SELECT max(id) + 1 FROM w_accounts) WHERE id = 1", "not joined to it by the key"),
                     ("UPDATE w_entries e SET account = 7 FROM w_accounts a WHERE a.id = e.account RETURNING a.owner", "RETURNING shows columns"),
                     ("INSERT INTO w_accounts (id, owner) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET id = w_accounts.id + 100", "ON CONFLICT DO UPDATE sets id"),
                     ("MERGE INTO w_archive t USING w_entries s ON t.account = s.account AND t.line = s.line WHEN MATCHED THEN UPDATE SET account = s.line", "MERGE sets account"),
                 ])
        {
            (await RefusedAsync(beside, statement)).Fields['M'].ShouldContain(reason);
        }
        await using (var client = await WireClient.ConnectAsync(lab.Subject))
        {
            await client.QueryAsync("DROP TABLE u_logged");
            await client.QueryAsync("DROP FUNCTION u_note()");
        }
    }

    private static async Task<WireMessage> RefusedAsync(WritesBeside beside, string statement)
    {
        var error = await beside.RefusedAsync(statement);
        error.ShouldNotBeNull(statement);
        error.SqlState.ShouldBe("0A000", $"{statement}: {error}");
        error.Fields.ContainsKey('H').ShouldBeTrue(statement);
        return error;
    }

    private async Task SameAsync(params string[] statements)
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var statement in statements)
        {
            await beside.SameAsync(statement);
        }
        await beside.SameStateAsync(string.Join("; ", statements));
    }
}
