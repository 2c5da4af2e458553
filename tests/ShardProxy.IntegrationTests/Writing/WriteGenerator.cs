namespace ShardProxy.IntegrationTests.Writing;

/// <summary>Makes INSERT, UPDATE, DELETE and MERGE from a seed over the tables of <see cref="WriteSchema"/>.</summary>
internal sealed class WriteGenerator(int seed) : IStatementGenerator
{
    private static readonly string[] Conditions =
    [
        "balance > 20", "region = 'eu'", "region IS NULL", "id IN (1, 2, 3, 9)", "id > 12", "owner LIKE '%1%'", "id = 5", "id = ANY ('{3,4}')",
        "EXISTS (SELECT FROM w_entries e WHERE e.account = w_accounts.id AND e.amount > 5)", "region IN (SELECT code FROM w_regions WHERE rate > 1.1)",
        "id IN (SELECT account FROM w_entries WHERE line = 2)", "changed IS NULL OR changed < now()", "id IN (7, 8) AND balance < 100", "false",
    ];

    private static readonly string[] Assignments =
    [
        "balance = balance + 1", "balance = -balance / 2", "owner = owner || '!'", "region = NULL", "region = 'us'", "balance = (SELECT count(*) FROM w_entries e WHERE e.account = w_accounts.id)",
        "changed = now()", "region = (SELECT max(code) FROM w_regions)", "balance = DEFAULT", "owner = NULL", "balance = balance - 900", "id = id", "region = (SELECT max(region) FROM w_accounts)",
    ];

    private readonly Random _random = new(seed);
    private int _moves;

    public int Roll(int sides) => _random.Next(sides);

    public string Next(bool inBlock) => Roll(14) switch
    {
        12 => Pick(Moved(), Steps()),
        13 => KeyUpdate(),
        0 or 1 => $"UPDATE w_accounts SET {Assigned()}{Where()}{Returning("id, balance", "id", "owner || region")}",
        2 => $"UPDATE w_accounts SET balance = w_accounts.balance + e.amount FROM w_entries e WHERE e.account = w_accounts.id AND e.line = {1 + Roll(2)}{Returning("w_accounts.id, e.note")}",
        3 => $"UPDATE w_entries SET amount = amount * {1 + Roll(3)}, note = {Pick("note || '.'", "'x'", "NULL", "DEFAULT")} WHERE line {Pick("=", "<", ">")} {Roll(4)}{Returning("*", "account, line")}",
        4 => $"DELETE FROM w_entries WHERE {Pick($"amount > {Roll(60)}", $"account = {Key()}", $"line = {1 + Roll(3)} AND account < {Key()}", "note IS NULL")}{Returning("*", "amount")}",
        5 => $"DELETE FROM w_entries USING w_accounts a WHERE a.id = w_entries.account AND a.{Pick("region = 'us'", "balance < 5", $"id = {Key()}")}",
        6 or 7 => Insert(),
        8 => Entries(),
        9 => $"INSERT INTO w_archive SELECT {Pick("*", "account, line + 10, amount, 'kept'")} FROM w_entries WHERE {Pick("line = 1", "amount > 10", $"account = {Key()}")}{Conflict("account, line", "note = 'again'")}",
        10 => $"MERGE INTO w_archive t USING w_entries s ON t.account = s.account AND t.line = s.line{Pick("", " AND s.line = 1")} WHEN MATCHED{Pick("", " AND s.amount > 20")} THEN {Pick("DELETE", "UPDATE SET note = 'merged'")}"
            + Pick("", " WHEN NOT MATCHED THEN INSERT VALUES (s.account, s.line, s.amount, 'new')", " WHEN NOT MATCHED THEN DO NOTHING"),
        _ => Pick(
            $"UPDATE w_regions SET rate = rate + {Roll(2)} WHERE code {Pick("=", ">", "<>")} '{Pick("eu", "us", "as")}'{Returning("*", "code")}",
            $"INSERT INTO w_regions (code, title) VALUES ('{Pick("eu", "r1", "r2")}', 't'), ('{Pick("r3", "r4")}', 't'){Conflict("code", "title = excluded.title")}{Returning("code, rate")}",
            $"DELETE FROM w_regions WHERE code LIKE 'r%' AND rate < {Roll(4)}",
            "DELETE FROM w_archive",
            $"UPDATE w_archive SET note = 'n' WHERE (account, line) IN (SELECT account, line FROM w_entries WHERE amount > {Roll(50)})",
            $"MERGE INTO w_regions t USING (VALUES ('{Pick("eu", "r1", "r5")}', {Roll(4)}), ('r6', 1)) s(code, rate) ON t.code = s.code WHEN MATCHED THEN {Pick("UPDATE SET rate = t.rate + s.rate", "DELETE", "DO NOTHING")} WHEN NOT MATCHED THEN INSERT (code, title) VALUES (s.code, 'merged')",
            $"WITH gone AS (DELETE FROM w_entries WHERE amount > {Roll(60)} RETURNING account, line, amount) INSERT INTO w_archive (account, line, amount) SELECT account, line + {Roll(50)}, amount FROM gone{Conflict("account, line", "note = 'met'")}",
            $"WITH u AS (UPDATE w_accounts SET balance = balance + 1{Where()} RETURNING id, owner) {Pick("SELECT * FROM u", "DELETE FROM w_archive USING u WHERE u.id = account", "SELECT u.id, e.line FROM u JOIN w_entries e ON e.account = u.id")}",
            $"WITH big AS (SELECT account FROM w_entries WHERE amount > {Roll(40)}) UPDATE w_accounts SET owner = 'big' FROM big WHERE big.account = id"),
    };

    /// <summary>INSERT … SELECT of rows whose keys are other shards'.</summary>
    private string Moved() => Pick(
        $"INSERT INTO w_archive (account, line, amount) SELECT account + {Roll(30)}, line + {Roll(9)}, amount FROM w_entries WHERE amount > {Roll(60)}{Conflict("account, line", "amount = excluded.amount")}{Returning("*", "account")}",
        $"INSERT INTO w_accounts (id, owner) SELECT {40 + Roll(40)} + count(*), 'many' FROM w_accounts WHERE id < {Key()}{Conflict("id", "owner = 'met'")}{Returning("id, owner")}",
        $"INSERT INTO w_archive (account, line, note) SELECT a.id * {1 + Roll(3)}, e.line + {Roll(20)}, a.owner FROM w_accounts a JOIN w_entries e ON e.account = a.id + {Roll(2)}{Conflict("account, line", "note = excluded.note")}",
        $"INSERT INTO w_archive SELECT {Key()}, line + {Roll(40)}, amount, note FROM w_entries WHERE account = {Key()}{Returning("*")}");

    /// <summary>Parts of WITH that run one after the other.</summary>
    private string Steps() => Pick(
        $"WITH d AS (DELETE FROM w_entries WHERE amount > {Roll(60)} RETURNING account, line, amount) SELECT count(*), sum(amount), max(line) FROM d",
        $"WITH u AS (UPDATE w_accounts SET balance = balance + 1{Where()} RETURNING id, balance, region) SELECT {Pick("* FROM u ORDER BY id LIMIT 3", "region, count(*), sum(balance) FROM u GROUP BY region ORDER BY region")}",
        $"WITH d AS (DELETE FROM w_entries WHERE amount > {Roll(60)} RETURNING account, line, amount) INSERT INTO w_archive (account, line, amount) SELECT account + {Roll(3)}, line + {Roll(50)}, amount FROM d{Conflict("account, line", "note = 'met'")}{Returning("account, line")}",
        $"WITH i AS (INSERT INTO w_archive VALUES ({Key()}, {Roll(50)}, 1), ({Key()}, {Roll(50)}, 2){Conflict("account, line", "note = 'met'")} RETURNING account, note) SELECT count(*), sum(account), count(note) FROM i",
        $"WITH big AS (SELECT account, line, amount FROM w_entries WHERE amount > {Roll(40)}) INSERT INTO w_archive (account, line, amount) SELECT account + {Roll(3)}, line + {Roll(50)}, amount FROM big{Conflict("account, line", "amount = excluded.amount")}");

    /// <summary>Keys that never were there, so that no order of the rows decides whether one is there twice in between.</summary>
    private string KeyUpdate() => Pick(
        $"UPDATE w_accounts SET id = {Key()} WHERE id = {Key()}{Returning("id, balance", "id, owner, balance, region")}",
        $"UPDATE w_accounts SET id = 1000 * {1 + Roll(1000)} + id % 1000, balance = balance + 1{Where()}{Returning("id, owner")}",
        $"UPDATE w_accounts AS w_accounts SET id = CASE WHEN id BETWEEN 20 AND 999 THEN {1_000_000L * ++_moves} + id ELSE id END, changed = now(){Where()}",
        $"UPDATE w_entries SET account = account + {2000 * ++_moves}, note = {Pick("'moved'", "note", "NULL")} WHERE account < 1000 AND {Pick($"line = {1 + Roll(4)}", $"account = {Key()}", "amount > 30")}{Returning("*", "account")}",
        $"UPDATE w_archive SET account = {Key()}, line = w_archive.line + {1000 * ++_moves} FROM w_entries e WHERE w_archive.line < 1000 AND e.account = w_archive.account AND e.line = w_archive.line AND e.line = {1 + Roll(3)}{Returning("w_archive.account, w_archive.line")}");

    private string Entries()
    {
        var noted = Roll(2) == 0;
        var rows = Rows(3, () => $"({Key()}, {1 + Roll(5)}, {Roll(90)}{(noted ? ", " + Pick("'n'", "DEFAULT", "NULL") : "")})");
        return $"INSERT INTO w_entries (account, line, amount{(noted ? ", note" : "")}) VALUES {rows}{Conflict("account, line", Pick("amount = excluded.amount", "amount = w_entries.amount + 1"))}{Returning("*")}";
    }

    private string Insert()
    {
        var columns = Pick("id, owner", "owner, id", "id, owner, balance, region", "id, owner, changed");
        var rows = Rows(4, () => $"({string.Join(", ", columns.Split(", ").Select(Value))})");
        return $"INSERT INTO w_accounts ({columns}) VALUES {rows}{Conflict("id", "owner = excluded.owner, balance = w_accounts.balance + 1")}{Returning("id", "id, owner, balance")}";
    }

    private string Value(string column) => column switch
    {
        "id" => $"{Key()}",
        "owner" => Pick("'o'", "'it''s'", "upper('x')", "'a' || 'b'", Roll(12) == 0 ? "NULL" : "'c'"),
        "balance" => Pick("1", "2.555", "DEFAULT", "NULL", "(SELECT max(rate) FROM w_regions)", "1 + 1"),
        "changed" => Pick("now()", "NULL", "'2020-01-01'", "CURRENT_TIMESTAMP", "DEFAULT"),
        _ => Pick("'eu'", "NULL", "lower('US')"),
    };

    private string Rows(int most, Func<string> row) => string.Join(", ", Enumerable.Range(0, 1 + Roll(most)).Select(_ => row()));

    private string Assigned() => string.Join(", ", Enumerable.Range(0, 1 + Roll(2)).Select(_ => Pick(Assignments)).DistinctBy(static one => one[..one.IndexOf('=', StringComparison.Ordinal)]));

    private string Where() => Roll(4) == 0 ? "" : $" WHERE {Pick(Conditions)}{(Roll(4) == 0 ? $" AND ({Pick(Conditions)})" : "")}";

    private string Conflict(string columns, string updates) => Roll(3) switch
    {
        0 => "",
        1 => Pick(" ON CONFLICT DO NOTHING", $" ON CONFLICT ({columns}) DO NOTHING"),
        _ => $" ON CONFLICT ({columns}) DO UPDATE SET {updates}",
    };

    private string Returning(params string[] lists) => Roll(2) == 0 ? "" : $" RETURNING {Pick(lists)}";

    private int Key() => 1 + Roll(40);

    private string Pick(params string[] from) => from[Roll(from.Length)];
}
