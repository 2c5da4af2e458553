using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Protocol;

/// <summary>Transactions that write on several shards, as one PostgreSQL runs them. Users 1 to 8 are on all three shards.</summary>
[Collection(LabCollection.Name)]
public sealed class ShardedTransactionTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    [Fact]
    public Task Commit_and_rollback() => _differential.SameInAllProtocolsAsync(
        [.. Transaction(4101, "COMMIT"), .. Names(4101), .. Transaction(4111, "ROLLBACK"), .. Names(4111), .. Removal(4101)]);

    [Fact]
    public Task An_error_on_one_shard_undoes_all() => _differential.SameInAllProtocolsAsync(
        ["BEGIN", .. Inserts(4121), "INSERT INTO users (id, name) VALUES (4121, 'again')", "SELECT name FROM users WHERE id = 4122", "COMMIT", .. Names(4121)]);

    [Fact]
    public Task Savepoints_reach_shards_that_join_later() => _differential.SameInAllProtocolsAsync(
        "BEGIN", "INSERT INTO users (id, name) VALUES (4131, 'a')", "SAVEPOINT s", "INSERT INTO users (id, name) VALUES (4132, 'b')",
        "INSERT INTO users (id, name) VALUES (4133, 'c')", "ROLLBACK TO s", "INSERT INTO users (id, name) VALUES (4134, 'd')",
        "SAVEPOINT t", "INSERT INTO users (id, name) VALUES (4135, 'e')", "INSERT INTO users (id, name) VALUES (4136, 'f')",
        "INSERT INTO users (id, name) VALUES (4136, 'again')", "ROLLBACK TO t", "INSERT INTO users (id, name) VALUES (4137, 'g')", "RELEASE s", "COMMIT",
        "SELECT id, name FROM users WHERE id = 4131", "SELECT id, name FROM users WHERE id = 4132", "SELECT id, name FROM users WHERE id = 4133",
        "SELECT id, name FROM users WHERE id = 4134", "SELECT id, name FROM users WHERE id = 4135", "SELECT id, name FROM users WHERE id = 4136",
        "SELECT id, name FROM users WHERE id = 4137",
        "BEGIN", "DELETE FROM users WHERE id = 4131", "DELETE FROM users WHERE id = 4134", "DELETE FROM users WHERE id = 4137", "COMMIT");

    [Fact]
    public Task Chained_transactions_and_characteristics() => _differential.SameInAllProtocolsAsync(
        ["BEGIN ISOLATION LEVEL SERIALIZABLE", .. Inserts(4141), "COMMIT AND CHAIN", "SHOW transaction_isolation", .. Updates(4141), "ROLLBACK AND CHAIN",
         .. Names(4141), .. Updates(4141), "COMMIT", .. Names(4141),
         "BEGIN", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", .. Updates(4141), "SHOW transaction_isolation", "COMMIT", .. Removal(4141)]);

    [Fact]
    public Task Settings_made_in_the_block() => _differential.SameInAllProtocolsAsync(
        ["BEGIN", .. Inserts(4151), "SET application_name = 'kept'", "SET LOCAL work_mem = '9MB'", .. Updates(4151), "COMMIT", "SHOW application_name", "SHOW work_mem",
         "BEGIN", "SET application_name = 'lost'", .. Updates(4151), "INSERT INTO users (id, name) VALUES (4152, 'again')", "COMMIT", "SHOW application_name",
         .. Names(4151), .. Removal(4151), "RESET application_name"]);

    [Fact]
    public async Task Constraints_that_are_checked_at_commit()
    {
        await _differential.SameAsync("ALTER TABLE orders ADD CONSTRAINT late FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED");
        // Each of the shards has the offending row once.
        for (var orphan = 4161; orphan < 4167; orphan++)
        {
            await _differential.SameInAllProtocolsAsync(
                ["BEGIN", .. Ids(1).Select(static id => $"INSERT INTO orders (user_id, id) VALUES ({id}, 99)"), $"INSERT INTO orders (user_id, id) VALUES ({orphan}, 99)", "COMMIT",
                 .. Ids(1).Select(static id => $"SELECT id FROM orders WHERE user_id = {id} AND id = 99")]);
        }
        await _differential.SameInAllProtocolsAsync(
            ["BEGIN", .. Ids(4161).Select(static id => $"INSERT INTO orders (user_id, id) VALUES ({id}, 99)"), .. Inserts(4161), "COMMIT",
             "BEGIN", .. Ids(4161).Select(static id => $"DELETE FROM orders WHERE user_id = {id}"), "COMMIT", .. Removal(4161)]);
        await _differential.SameAsync("ALTER TABLE orders DROP CONSTRAINT late");
    }

    [Fact]
    public Task A_text_of_several_statements_is_one_transaction() => _differential.SameAsync(
        string.Join(';', Inserts(4171)), string.Join(';', Names(4171)),
        string.Join(';', [.. Updates(4171), "INSERT INTO users (id, name) VALUES (4175, 'again')"]), string.Join(';', Names(4171)),
        string.Join(';', Removal(4171).Where(static text => text[0] == 'D')));

    [Fact]
    public async Task A_pipeline_is_one_transaction()
    {
        await _differential.SameAsync(Pipeline(Inserts(4181)), Pipeline(Names(4181)));
        await _differential.SameAsync(Pipeline([.. Updates(4181), "INSERT INTO users (id, name) VALUES (4185, 'again')", "SELECT 1"]), Pipeline(Names(4181)));
        await _differential.SameAsync(Pipeline(Removal(4181).Where(static text => text[0] == 'D')));
    }

    [Fact]
    public Task A_block_begun_in_a_pipeline_and_ended_in_another() => _differential.SameAsync(
        Pipeline([.. Inserts(4191), "BEGIN", "SELECT 1"]), Pipeline(Updates(4191)), Pipeline(["COMMIT", .. Names(4191)]), Pipeline(Removal(4191)));

    [Fact]
    public Task Temporary_tables_and_notifications_are_on_the_deciding_shard() => _differential.SameInAllProtocolsAsync(
        ["BEGIN", "CREATE TEMP TABLE scratch (id int8) ON COMMIT DROP", "INSERT INTO scratch VALUES (1)", .. Inserts(4201), "NOTIFY nobody", "COMMIT", .. Names(4201),
         "CREATE TEMP TABLE kept (id int8)", "BEGIN", .. Updates(4201), "INSERT INTO kept VALUES (1)", "COMMIT", "SELECT id FROM kept", .. Removal(4201), "DISCARD TEMP"]);

    [Fact]
    public Task Read_only_transactions_over_shards() => _differential.SameInAllProtocolsAsync(
        ["BEGIN READ ONLY", .. Names(1), "SELECT count(*) FROM users WHERE id < 40", "COMMIT",
         "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "BEGIN", .. Names(1), "COMMIT", "BEGIN", .. Updates(1), "ROLLBACK",
         "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"]);

    [Fact]
    public async Task A_transaction_that_turns_out_to_write_is_committed_as_one()
    {
        string[] insert = [.. Inserts(4221)];
        await _differential.SameInAllProtocolsAsync(
            ["SET default_transaction_read_only = on", "BEGIN READ WRITE", .. insert, "COMMIT", .. Names(4221), "RESET default_transaction_read_only", .. Removal(4221),
             "BEGIN READ ONLY", "SET TRANSACTION READ WRITE", .. insert, "COMMIT", .. Names(4221), .. Removal(4221)]);
        if (Lab.IsDirect)
            return;
        // Each of these has left a decision, so none was committed shard by shard.
        foreach (var begin in (string[])["BEGIN READ WRITE", "BEGIN READ ONLY; SET TRANSACTION READ WRITE"])
        {
            var before = await DecisionsAsync();
            await using var client = await WireClient.ConnectAsync(lab.Subject);
            await client.MustAsync("SET default_transaction_read_only = on");
            foreach (var statement in begin.Split("; ").Concat(insert).Append("COMMIT"))
                await client.MustAsync(statement);
            (await DecisionsAsync()).ShouldBe(before + 1);
            await client.MustAsync("RESET default_transaction_read_only");
            foreach (var statement in Removal(4221))
                await client.MustAsync(statement);
        }
    }

    [Fact]
    public async Task Nothing_prepared_is_left_over()
    {
        if (Lab.IsDirect)
            return;
        await using (var client = await WireClient.ConnectAsync(lab.Subject))
        {
            foreach (var statement in Transaction(4211, "COMMIT").Concat(Removal(4211)))
                await client.MustAsync(statement);
        }
        foreach (var shard in lab.Cluster.Shards)
        {
            (await shard.ScalarAsync<long>("SELECT count(*) FROM pg_prepared_xacts WHERE gid LIKE 'shardproxy:%'")).ShouldBe(0);
            (await shard.ScalarAsync<long>("SELECT count(*) FROM information_schema.shardproxy_decisions WHERE NOT committed")).ShouldBe(0);
        }
    }

    [Theory]
    [InlineData("ROLLBACK PREPARED 'shardproxy:x:s0:00000000000000000000000000000000:0'")]
    [InlineData("COMMIT PREPARED 'shardproxy:x'")]
    public async Task A_client_does_not_finish_what_the_proxy_has_prepared(string statement)
    {
        if (Lab.IsDirect)
            return;
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        (await client.QueryAsync(statement)).First(static message => message.Type == 'E').SqlState.ShouldBe("42501");
    }

    private async Task<long> DecisionsAsync()
    {
        var count = 0L;
        foreach (var shard in lab.Cluster.Shards)
            count += await shard.ScalarAsync<long>("SELECT count(*) FROM information_schema.shardproxy_decisions");
        return count;
    }

    private static FrontendScript Pipeline(IEnumerable<string> statements) =>
        statements.Aggregate(new FrontendScript(), static (script, text) => script.Run(text)).Sync();

    private static IEnumerable<string> Transaction(int first, string end) => ["BEGIN", .. Inserts(first), .. Updates(first), end];

    private static IEnumerable<string> Inserts(int first) => Ids(first).Select(static id => $"INSERT INTO users (id, name) VALUES ({id}, 'new {id}')");

    private static IEnumerable<string> Updates(int first) => Ids(first).Select(static id => $"UPDATE users SET name = name || ' changed' WHERE id = {id}");

    private static IEnumerable<string> Names(int first) => Ids(first).Select(static id => $"SELECT name FROM users WHERE id = {id}");

    private static IEnumerable<string> Removal(int first) => ["BEGIN", .. Ids(first).Select(static id => $"DELETE FROM users WHERE id = {id}"), "COMMIT"];

    private static IEnumerable<int> Ids(int first) => Enumerable.Range(first, 8);
}
