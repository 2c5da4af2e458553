using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>INSERT … SELECT whose rows leave the shards on which they are computed, beside one PostgreSQL.</summary>
[Collection(LabCollection.Name)]
public sealed class MovedRowsTests(Lab lab) : IAsyncLifetime
{
    private static readonly string[] Made =
    [
        "CREATE TABLE w_numbered (id serial PRIMARY KEY, account int8 NOT NULL, word text, made timestamptz NOT NULL DEFAULT now(), day date DEFAULT CURRENT_DATE)",
        "CREATE TABLE w_report (id serial PRIMARY KEY, account int8, total numeric, made timestamptz DEFAULT now())",
    ];

    public async Task InitializeAsync()
    {
        await WriteSchema.CreateAsync(lab);
        await StrategyTables.CreateAsync(lab);
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            foreach (var table in Made)
                await client.MustAsync(table);
            if (endpoint == lab.Subject && !Lab.IsDirect)
                await client.MustAsync("SELECT create_distributed_table('w_numbered', 'id')");
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            await client.QueryAsync("DROP TABLE IF EXISTS w_numbered, w_report");
            await client.QueryAsync("DROP TABLE IF EXISTS w_numbered");
            await client.QueryAsync("DROP TABLE IF EXISTS w_report");
        }
        await StrategyTables.DropAsync(lab);
        await WriteSchema.DropAsync(lab);
    }

    [Fact]
    public async Task Rows_go_where_their_keys_lead()
    {
        await SameAsync(
            "INSERT INTO w_accounts (id, owner, balance) SELECT id + 1000, owner, balance FROM w_accounts",
            "INSERT INTO w_archive SELECT account + 1, line + 40, amount, note FROM w_entries WHERE line = 1",
            "INSERT INTO w_archive (account, line, amount) SELECT a.id, 60, 1 FROM w_accounts a JOIN w_entries e ON e.account = a.id AND e.line = 1 WHERE a.id = 5",
            "INSERT INTO w_accounts (id, owner) SELECT row_number() OVER (ORDER BY code) + 5000, title FROM w_regions",
            "INSERT INTO w_accounts (id, owner) SELECT 6000 + id, body FROM notes WHERE id < 4",
            "INSERT INTO w_accounts (id, owner, region) SELECT 7000 + id, 'x', NULL FROM w_accounts WHERE id < 3",
            "INSERT INTO w_accounts (id, owner) SELECT id + 1000, owner FROM w_accounts WHERE id < 5",
            "INSERT INTO w_accounts (id, owner) SELECT id + 9000, NULL FROM w_accounts WHERE id < 5",
            "INSERT INTO w_accounts (id, owner) SELECT owner, id FROM w_accounts",
            "INSERT INTO w_accounts (id, owner) SELECT id + 9000, owner FROM w_accounts WHERE false",
            "INSERT INTO w_accounts (id, owner, balance, changed) SELECT id + 10000, 'typed', id / 3.0, '2020-01-01' FROM w_accounts WHERE id < 7");
    }

    [Fact]
    public async Task Queries_that_are_gathered()
    {
        await SameAsync(
            "INSERT INTO w_accounts (id, owner) SELECT 2000 + max(id), 'last' FROM w_accounts",
            "INSERT INTO w_accounts (id, owner) SELECT count(*) + 3000, 'many' FROM w_accounts",
            "INSERT INTO w_archive (account, line, amount) SELECT 100 + (rank() OVER (ORDER BY balance DESC, id)), 1, balance FROM w_accounts",
            "INSERT INTO w_archive SELECT account + 200, line, amount, note FROM w_entries ORDER BY amount DESC, account LIMIT 5",
            "INSERT INTO w_archive (account, line, amount) SELECT a.id * 7, e.account, 1 FROM w_accounts a JOIN w_entries e ON e.line = a.id WHERE a.balance > 1",
            "INSERT INTO w_archive (account, line, note) SELECT 5000, count(*), region FROM w_accounts GROUP BY region HAVING count(*) > 0",
            "WITH late AS (SELECT 1) INSERT INTO w_regions (code, title) SELECT 'w', 'with'",
            "INSERT INTO w_archive (account, line, amount) WITH big AS (SELECT id FROM w_accounts WHERE balance > 5) SELECT id + 300, 2, 0 FROM big UNION SELECT account, line + 70, amount FROM w_entries");
    }

    [Fact]
    public async Task Returning_and_conflicts()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var text in (string[])
                 [
                     "INSERT INTO w_accounts (id, owner) SELECT id + 100, owner FROM w_accounts ORDER BY id DESC RETURNING id, owner, balance",
                     "INSERT INTO w_accounts AS t (id, owner) SELECT id + 100, 'again' FROM w_accounts WHERE id < 10 ORDER BY id ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, balance = t.balance + 1, changed = now() RETURNING t.id, upper(t.owner)",
                     "INSERT INTO w_accounts (id, owner) SELECT id + 115, 'third' FROM w_accounts WHERE id < 20 ORDER BY id ON CONFLICT DO NOTHING RETURNING *",
                     "INSERT INTO w_accounts (id, owner) SELECT 500 + id % 3, 'twice' FROM w_accounts ORDER BY id ON CONFLICT (id) DO UPDATE SET owner = 'x'",
                     "INSERT INTO w_accounts (id, owner) SELECT 500 + id % 3, 'twice' FROM w_accounts ORDER BY id ON CONFLICT (id) DO NOTHING RETURNING id AS returning",
                 ])
        {
            await beside.SameAsync(new FrontendScript().Query(text), text, ordered: !text.Contains('*', StringComparison.Ordinal));
        }
        await beside.SameStateAsync("the inserts");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Parameters(short format)
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        Task RunAsync(string text, params string?[] parameters) => beside.SameWithParametersAsync(text, format, parameters);
        await RunAsync("INSERT INTO w_accounts (id, owner, balance) SELECT id + $1, $2, $3 FROM w_accounts WHERE id < $4 RETURNING id, owner, balance", "400", "moved", "3.5", "9");
        await RunAsync("INSERT INTO w_accounts (id, owner) SELECT id + $1, $2 FROM w_accounts WHERE id = $3 ON CONFLICT (id) DO UPDATE SET balance = $4 RETURNING id, balance + $4", "400", "x", "5", "77");
        await RunAsync("INSERT INTO w_archive (account, line, amount) SELECT $1, $2, max(balance) FROM w_accounts", "7", "90");
        await RunAsync("INSERT INTO w_archive (account, line, amount) SELECT $1, 91, amount FROM w_entries WHERE account = $2 AND line = 1", "3", "4");
        await RunAsync("INSERT INTO w_accounts (id, owner, changed) SELECT $1, 'c', $2 FROM w_accounts WHERE id = 1", "901", "2024-05-06 07:08:09+00");
    }

    [Fact]
    public async Task Defaults_and_identifiers()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        await beside.SameAsync("INSERT INTO w_stamped (id, tag) SELECT id + 1, 'moved' FROM w_accounts");
        (await beside.SubjectRowsAsync("SELECT DISTINCT made, day FROM w_stamped")).Length.ShouldBe(1);
        await beside.SameAsync("INSERT INTO w_stamped SELECT id + 100, 'unlisted' FROM w_accounts");
        (await beside.SubjectRowsAsync("SELECT DISTINCT made, day FROM w_stamped WHERE tag = 'unlisted'")).Length.ShouldBe(1);
        await beside.SameAsync("INSERT INTO w_numbered (account, word) SELECT id, owner FROM w_accounts WHERE id < 20");
        (await beside.SubjectRowsAsync("SELECT DISTINCT id FROM w_numbered")).Length.ShouldBe(19);
        await beside.SameAsync("SELECT account, word, day = CURRENT_DATE FROM w_numbered");
        await beside.SameAsync("INSERT INTO w_report (account, total) SELECT account, sum(amount) FROM w_entries GROUP BY account");
        await beside.SameAsync("INSERT INTO w_report (account, total) SELECT account, amount FROM w_entries WHERE account = 5 RETURNING account, total");
        await beside.SameAsync("SELECT account, total, made IS NULL FROM w_report");
        await beside.SameStateAsync("the inserts");
    }

    [Fact]
    public async Task Every_strategy()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var table in StrategyTables.Names)
        {
            await beside.SameAsync($"INSERT INTO {table} (k, v) SELECT k + 40, v || '!' FROM {table}");
            await beside.SameAsync($"INSERT INTO {table} (k, v, n) SELECT k * 2, 'doubled', n FROM {table} WHERE k < 30 ON CONFLICT (k) DO UPDATE SET v = 'met' RETURNING k, v, twice");
            await beside.SameAsync(new FrontendScript().Run($"INSERT INTO {table} (k, v) SELECT k + $1, $2 FROM s_hash WHERE k > 40", ["100", "from"]).Sync(), "from another");
            await StrategyTables.SameAsync(beside, table);
        }
        if (!Lab.IsDirect)
            (await beside.RefusedAsync("INSERT INTO s_range (k) SELECT k + 2000 FROM s_range"))!.SqlState.ShouldBe("23514");
    }

    [Fact]
    public async Task Many_rows_go_in_several_statements()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        await beside.SameAsync("INSERT INTO w_archive (account, line, amount) SELECT a.id * 1000 + g, 1, g FROM w_accounts a, generate_series(1, 4000) g");
        await beside.SameAsync("SELECT count(*), sum(account), sum(amount) FROM w_archive");
        await beside.SameAsync("INSERT INTO w_archive (account, line) SELECT account + 1, 2 FROM w_archive RETURNING account");
        await beside.SameAsync("BEGIN");
        await beside.SameAsync("INSERT INTO w_archive (account, line) SELECT account + 1, 3 FROM w_archive");
        await beside.SameAsync("SELECT count(*) FROM w_archive");
        await beside.SameAsync("ROLLBACK");
        await beside.SameAsync("SELECT count(*) FROM w_archive");
    }

    private async Task SameAsync(params string[] statements)
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var statement in statements)
        {
            await beside.SameAsync(statement);
            await beside.SameStateAsync(statement);
        }
    }
}
