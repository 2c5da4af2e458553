using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Protocol;

/// <summary>
/// Makes conversations from a seed: simple queries, extended messages in any order under a few names, transactions,
/// savepoints, cursors, settings and errors. All writes are for one user, so that no second shard is written.
/// </summary>
internal sealed class ConversationGenerator(int seed)
{
    private readonly Random _random = new(seed);
    private readonly int _user = 1 + new Random(seed).Next(LabSchema.UserCount);

    /// <summary>Ends with what the conversation has left behind.</summary>
    public FrontendScript[] Next() =>
    [
        .. Enumerable.Range(0, _random.Next(3, 14)).Select(_ => Script()),
        new FrontendScript().Query("ROLLBACK"),
        new FrontendScript().Query($"SELECT balance, current_setting('work_mem') FROM users WHERE id = {_user}"),
        new FrontendScript().Query($"SELECT id FROM orders WHERE user_id = {_user} ORDER BY id"),
    ];

    private FrontendScript Script()
    {
        var script = new FrontendScript();
        if (_random.Next(3) > 0)
            return script.Query(Text());
        for (var count = _random.Next(1, 6); count > 0; count--)
            Add(script);
        return script.Sync();
    }

    private void Add(FrontendScript script)
    {
        var name = Pick("", "", "a", "b");
        _ = _random.Next(10) switch
        {
            0 => script.Parse(Prepared(), name),
            1 => script.Bind([_user.ToString()], Pick("", "p"), name),
            2 => script.DescribeStatement(name),
            // Only the named portal: PostgreSQL 15 crashes when, in a failed block, a failed simple query is followed by an
            // Execute or Describe of the unnamed one.
            3 => script.DescribePortal("p"),
            4 => script.Execute(_random.Next(3), "p"),
            5 => script.CloseStatement(name),
            6 => script.ClosePortal(Pick("", "p")),
            7 => script.Run(Statement(), resultFormat: (short)_random.Next(2)),
            _ => script.Parse(Prepared(), name).Bind([_user.ToString()], Pick("", "p"), name).Execute(_random.Next(3), Pick("", "p")),
        };
    }

    private string Text()
    {
        var count = _random.Next(6) == 0 ? _random.Next(2, 4) : 1;
        return string.Join("; ", Enumerable.Range(0, count).Select(_ => Statement()));
    }

    private string Statement() => _random.Next(24) switch
    {
        0 or 1 => "BEGIN",
        2 => "COMMIT",
        3 => "ROLLBACK",
        4 => $"SAVEPOINT {Pick("s", "t")}",
        5 => $"ROLLBACK TO {Pick("s", "t")}",
        6 => $"RELEASE {Pick("s", "t")}",
        7 => "SELECT 1/0",
        8 => $"INSERT INTO users (id, name) VALUES ({_user}, 'duplicate')",
        9 => $"UPDATE users SET balance = balance + 1 WHERE id = {_user} RETURNING balance",
        10 => $"INSERT INTO orders (user_id, id) VALUES ({_user}, {_random.Next(1, 9)})",
        11 => $"DELETE FROM orders WHERE user_id = {_user} AND id > 3",
        12 => $"SET work_mem = '{_random.Next(1, 9)}MB'",
        13 => Pick("SHOW work_mem", "SHOW TimeZone", "SHOW transaction_isolation"),
        14 => Pick("RESET work_mem", "SET LOCAL work_mem = '16MB'", "SET TimeZone = 'Asia/Tokyo'", "RESET ALL"),
        15 => $"DECLARE c CURSOR FOR SELECT id FROM orders WHERE user_id = {_user} ORDER BY id",
        16 => Pick("FETCH 1 FROM c", "FETCH ALL FROM c", "CLOSE c", "MOVE 1 IN c"),
        17 => Pick("COMMIT AND CHAIN", "ROLLBACK AND CHAIN"),
        18 => $"SELECT id, current_setting('work_mem'), current_setting('TimeZone') FROM users WHERE id = {1 + _random.Next(LabSchema.UserCount)}",
        19 => $"PREPARE {Pick("a", "b")} AS SELECT name FROM users WHERE id = $1",
        20 => $"EXECUTE {Pick("a", "b")} ({_user})",
        21 => $"DEALLOCATE {Pick("a", "b", "ALL")}",
        22 => $"SELECT count(*), sum(amount) FROM orders WHERE user_id = {_user}",
        _ => $"SELECT name, balance FROM users WHERE id = {1 + _random.Next(LabSchema.UserCount)}",
    };

    private string Prepared() => _random.Next(7) switch
    {
        0 => "SELECT id, amount FROM orders WHERE user_id = $1 ORDER BY id",
        1 => "UPDATE users SET balance = balance - 1 WHERE id = $1 RETURNING id",
        2 => "SELECT $1::int8 + 1",
        3 => "SELECT n FROM generate_series(1, 3) n WHERE $1::int8 > 0",
        4 => "SELECT 10 / ($1::int8 - $1::int8)",
        _ => "SELECT id, name FROM users WHERE id = $1",
    };

    private string Pick(params string[] choices) => choices[_random.Next(choices.Length)];
}
