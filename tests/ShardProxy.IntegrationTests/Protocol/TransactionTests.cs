using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Protocol;

/// <summary>Transactions of one writing shard, as PostgreSQL runs them; those of several are <see cref="ShardedTransactionTests"/>.</summary>
[Collection(LabCollection.Name)]
public sealed class TransactionTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    [Fact]
    public Task Commit_and_rollback() => _differential.SameInAllProtocolsAsync(
        "BEGIN", "INSERT INTO users (id, name) VALUES (3001, 'a')", "SELECT name FROM users WHERE id = 3001", "ROLLBACK",
        "SELECT count(*) FROM users WHERE id = 3001",
        "START TRANSACTION", "INSERT INTO users (id, name) VALUES (3001, 'b')", "INSERT INTO orders (user_id, id) VALUES (3001, 1)", "COMMIT WORK",
        "SELECT name, (SELECT count(*) FROM orders WHERE user_id = 3001) FROM users WHERE id = 3001",
        "BEGIN TRANSACTION", "DELETE FROM orders WHERE user_id = 3001", "DELETE FROM users WHERE id = 3001", "END",
        "SELECT count(*) FROM users WHERE id = 3001", "ABORT", "COMMIT AND CHAIN");

    [Fact]
    public Task An_error_fails_the_whole_transaction() => _differential.SameInAllProtocolsAsync(
        "BEGIN", "UPDATE users SET name = 'lost' WHERE id = 1", "SELECT 1/0", "SELECT 1", "SELECT name FROM users WHERE id = 2",
        "SAVEPOINT s", "SET work_mem = '8MB'", "SHOW work_mem", "LISTEN x", "SELEC", "BEGIN", "", "PREPARE p AS SELECT 1", "DISCARD ALL", "COMMIT",
        "SELECT name FROM users WHERE id = 1", "SHOW work_mem");

    [Fact]
    public Task An_error_on_one_shard_fails_reads_on_all() => _differential.SameInAllProtocolsAsync(
        "BEGIN", "SELECT name FROM users WHERE id = 1", "SELECT name FROM users WHERE id = 2", "SELECT name FROM users WHERE id = 3",
        "SELECT name FROM users WHERE id = 4", "SELECT 1/(id-1) FROM users WHERE id = 1", "SELECT name FROM users WHERE id = 2",
        "SELECT name FROM users WHERE id = 3", "SELECT name FROM users WHERE id = 4", "ROLLBACK");

    [Fact]
    public Task Savepoints() => _differential.SameInAllProtocolsAsync(
        "BEGIN", "SAVEPOINT a", "INSERT INTO users (id, name) VALUES (3011, 'a')", "SAVEPOINT b", "UPDATE users SET name = 'b' WHERE id = 3011",
        "ROLLBACK TO b", "SELECT name FROM users WHERE id = 3011", "SELECT 1/0", "ROLLBACK TO SAVEPOINT b", "SELECT name FROM users WHERE id = 3011",
        "RELEASE b", "ROLLBACK TO b", "ROLLBACK TO a", "SELECT count(*) FROM users WHERE id = 3011", "RELEASE SAVEPOINT a", "COMMIT",
        "SAVEPOINT outside", "RELEASE outside", "ROLLBACK TO outside");

    [Fact]
    public Task Savepoints_made_before_a_shard_joins() => _differential.SameInAllProtocolsAsync(
        "BEGIN", "SELECT name FROM users WHERE id = 1", "SAVEPOINT a", "SELECT name FROM users WHERE id = 2", "SAVEPOINT a",
        "SELECT name FROM users WHERE id = 3", "SELECT name FROM users WHERE id = 4", "SELECT 1/(id-5) FROM users WHERE id = 5",
        "ROLLBACK TO a", "SELECT name FROM users WHERE id = 5", "SELECT name FROM users WHERE id = 6", "RELEASE a", "ROLLBACK TO a",
        "SELECT name FROM users WHERE id = 7", "SELECT 1/0", "RELEASE a", "COMMIT");

    [Fact]
    public Task Isolation_levels_and_read_only() => _differential.SameInAllProtocolsAsync(
        "BEGIN ISOLATION LEVEL SERIALIZABLE", "SHOW transaction_isolation", "SELECT name FROM users WHERE id = 1", "COMMIT",
        "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "SHOW transaction_isolation", "SHOW transaction_read_only",
        "UPDATE users SET name = 'x' WHERE id = 1", "ROLLBACK",
        "BEGIN", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT current_setting('transaction_isolation')", "COMMIT",
        "BEGIN", "SELECT name FROM users WHERE id = 1", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "ROLLBACK",
        "BEGIN READ ONLY", "INSERT INTO users (id, name) VALUES (3021, 'x')", "COMMIT",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SHOW default_transaction_isolation",
        "BEGIN", "SELECT name FROM users WHERE id = 2", "SHOW transaction_isolation", "COMMIT",
        "SET default_transaction_read_only = on", "UPDATE users SET name = 'x' WHERE id = 1", "RESET default_transaction_read_only",
        "SET TRANSACTION READ ONLY", "BEGIN ISOLATION LEVEL SNAPSHOT");

    [Fact]
    public Task Chained_transactions() => _differential.SameInAllProtocolsAsync(
        "BEGIN ISOLATION LEVEL SERIALIZABLE", "SELECT name FROM users WHERE id = 1", "COMMIT AND CHAIN", "SHOW transaction_isolation",
        "SELECT name FROM users WHERE id = 2", "ROLLBACK AND CHAIN", "SHOW transaction_isolation", "COMMIT AND NO CHAIN", "SHOW transaction_isolation");

    [Fact]
    public Task Statements_that_refuse_a_transaction() => _differential.SameInAllProtocolsAsync(
        "BEGIN", "VACUUM notes", "ROLLBACK", "VACUUM notes", "BEGIN", "CREATE DATABASE other", "ROLLBACK", "BEGIN", "DISCARD ALL", "ROLLBACK", "DISCARD ALL");

    [Fact]
    public Task A_duplicate_key_in_a_transaction() => _differential.SameInAllProtocolsAsync(
        "BEGIN", "INSERT INTO users (id, name) VALUES (1, 'again')", "INSERT INTO users (id, name) VALUES (1, 'again')", "COMMIT",
        "BEGIN", "SAVEPOINT s", "INSERT INTO users (id, name) VALUES (1, 'again')", "ROLLBACK TO s",
        "INSERT INTO users (id, name) VALUES (1, 'again') ON CONFLICT DO NOTHING", "COMMIT");

    [Fact]
    public Task Rows_are_locked() => _differential.SameInAllProtocolsAsync(
        "BEGIN", "SELECT name FROM users WHERE id = 1 FOR UPDATE", "SELECT name FROM users WHERE id = 1 FOR NO KEY UPDATE NOWAIT",
        "SELECT u.name, o.id FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id = 1 FOR SHARE OF u SKIP LOCKED", "COMMIT");

    [Fact]
    public async Task A_transaction_of_a_client_that_dies_is_rolled_back()
    {
        await using var watcher = await WireClient.ConnectAsync(lab.Subject);
        await using (var client = await WireClient.ConnectAsync(lab.Subject))
        {
            await client.MustAsync("BEGIN");
            await client.MustAsync("UPDATE users SET name = 'never' WHERE id = 8");
        }
        // The row's lock is free again as soon as the server has rolled back.
        await Until.TrueAsync(
            async () => (await watcher.QueryAsync("SELECT name FROM users WHERE id = 8 FOR UPDATE NOWAIT"))
                .Any(static message => message.Type == 'D' && message.TextValues[0] == "user 8"),
            "the abandoned transaction is rolled back");
    }
}
