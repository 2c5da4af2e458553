using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Protocol;

/// <summary>What PostgreSQL makes one transaction of without BEGIN: several statements of a text, and a pipeline up to its Sync.</summary>
[Collection(LabCollection.Name)]
public sealed class ImplicitTransactionTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    private static FrontendScript Script => new();

    private static FrontendScript Look => Script.Query(
        "SELECT current_setting('work_mem'), current_setting('TimeZone'), (SELECT balance FROM users WHERE id = 12), (SELECT count(*) FROM users WHERE id = 12 AND name = 'piped')");

    [Fact]
    public Task A_text_that_fails_takes_its_settings_back() => _differential.SameAsync(
        "SET work_mem = '9MB'; SELECT 1/0", "SHOW work_mem", "SET work_mem = '8MB'; SET work_mem = '9MB'; SELECT 1", "SHOW work_mem",
        "RESET work_mem; SELECT missing FROM users WHERE id = 1", "SHOW work_mem", "SELECT current_setting('work_mem') FROM users WHERE id = 2",
        "SELECT set_config('work_mem', '5MB', false); SELECT 1/0", "SHOW work_mem", "SET work_mem = '6MB'; COMMIT; SELECT 1/0", "SHOW work_mem",
        "SET TimeZone = 'Asia/Tokyo'; SELECT 1/0", "SHOW TimeZone", "SET TimeZone = 'Asia/Tokyo'; ROLLBACK", "SHOW TimeZone",
        "SET LOCAL TimeZone = 'Asia/Tokyo'; SHOW TimeZone", "SHOW TimeZone", "SELECT 1; SET LOCAL work_mem = '7MB'; SHOW work_mem", "SHOW work_mem");

    [Theory]
    [InlineData("SET work_mem = '9MB'")]
    [InlineData("SET TimeZone = 'Asia/Tokyo'")]
    [InlineData("SELECT set_config('work_mem', '9MB', false)")]
    [InlineData("SELECT set_config('work_mem', '9MB', true)")]
    [InlineData("SET LOCAL work_mem = '9MB'")]
    [InlineData("RESET ALL")]
    [InlineData("SET ROLE pg_read_all_data")]
    [InlineData("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")]
    public Task Settings_in_a_pipeline(string setting) => _differential.SameAsync(
        Script.Query("SET work_mem = '5MB'"),
        Script.Run(setting).Run("SHOW work_mem").Run("SELECT current_setting('work_mem'), current_user FROM users WHERE id = 12").Run("SELECT 1/0").Sync(),
        Look,
        Script.Run("UPDATE users SET name = 'piped' WHERE id = 12").Run(setting).Run("SELECT current_setting('TimeZone')").Run("SELECT 1/0").Sync(),
        Look,
        Script.Run("SELECT name FROM users WHERE id = 13").Run(setting).Run("SELECT current_setting('work_mem') FROM users WHERE id = 14").Run("ROLLBACK").Run("SHOW work_mem").Sync(),
        Look,
        Script.Run("SELECT name FROM users WHERE id = 13").Run(setting).Run("COMMIT").Run("SELECT 1/0").Sync(),
        Look,
        Script.Run(setting).Sync().Run("RESET ROLE").Run("RESET ALL").Sync(),
        Look);

    [Fact]
    public Task Writes_and_settings_of_a_pipeline_are_one_transaction() => _differential.SameAsync(
        Script.Run("UPDATE users SET balance = balance + 1 WHERE id = 12 RETURNING balance").Run("SET work_mem = '7MB'")
            .Run("UPDATE users SET balance = balance + 1 WHERE id = 12 RETURNING balance").Sync(),
        Look,
        Script.Run("SET work_mem = '8MB'").Run("INSERT INTO users (id, name) VALUES (12, 'duplicate')").Sync(),
        Look,
        Script.Run("UPDATE users SET balance = balance - 2 WHERE id = 12").Run("PREPARE of_pipeline AS SELECT balance FROM users WHERE id = $1")
            .Run("EXECUTE of_pipeline (12)").Run("RESET work_mem").Run("DEALLOCATE of_pipeline").Run("SELECT 1/0").Sync(),
        Look,
        Script.Run("UPDATE users SET balance = balance - 2 WHERE id = 12").Run("").Run("RESET work_mem").Sync(),
        Look);

    [Fact]
    public Task A_simple_query_ends_the_pipeline_before_it() => _differential.SameAsync(
        Script.Run("UPDATE users SET balance = balance + 1 WHERE id = 12").Query("SELECT 1/0"),
        Look,
        Script.Run("UPDATE users SET balance = balance + 1 WHERE id = 12").Run("SET work_mem = '7MB'").Query("SELECT balance FROM users WHERE id = 12"),
        Look,
        Script.Run("UPDATE users SET balance = balance - 1 WHERE id = 12").Query(""),
        Look,
        Script.Run("SET work_mem = '9MB'").Query("SELEC"),
        Script.Run("RESET work_mem").Query("ROLLBACK"),
        Look,
        Script.Run("UPDATE users SET balance = balance - 1 WHERE id = 12").Query("SELECT 1; ROLLBACK; SELECT 2"),
        Look,
        Script.Run("RESET work_mem").Query("BEGIN"),
        Script.Query("ROLLBACK"),
        Look);

    [Fact]
    public Task Characteristics_of_a_block_that_has_begun_already() => _differential.SameAsync(
        "SELECT 1; BEGIN ISOLATION LEVEL SERIALIZABLE", "SHOW transaction_isolation", "ROLLBACK",
        "SELECT 1; BEGIN READ ONLY; SHOW transaction_read_only", "INSERT INTO users (id, name) VALUES (3021, 'x')", "ROLLBACK",
        "SET work_mem = '5MB'; BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE; SHOW transaction_isolation", "SELECT current_setting('transaction_isolation') FROM users WHERE id = 2", "COMMIT",
        "SHOW work_mem", "BEGIN; SET LOCAL work_mem = '6MB'; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SHOW transaction_isolation", "ROLLBACK",
        "SELECT 1; SET TRANSACTION READ ONLY; SHOW transaction_read_only", "SELECT 1; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SET TRANSACTION READ ONLY; SHOW transaction_read_only", "SHOW transaction_read_only", "RESET work_mem");

    [Fact]
    public Task Blocks_that_begin_in_a_pipeline() => _differential.SameAsync(
        Script.Run("SELECT name FROM users WHERE id = 12").Run("BEGIN ISOLATION LEVEL SERIALIZABLE").Sync(),
        Script.Run("BEGIN ISOLATION LEVEL SERIALIZABLE").Run("SHOW transaction_isolation").Sync(),
        Script.Run("COMMIT").Sync(),
        Script.Run("UPDATE users SET balance = balance + 1 WHERE id = 12").Run("BEGIN").Sync(),
        Script.Run("ROLLBACK").Sync(),
        Look,
        Script.Run("SET work_mem = '7MB'").Run("BEGIN").Run("SET work_mem = '8MB'").Sync(),
        Script.Run("ROLLBACK").Sync(),
        Look,
        Script.Run("SELECT 1").Run("SAVEPOINT s").Sync(),
        Script.Run("SELECT 1").Run("DECLARE c CURSOR FOR SELECT id FROM orders WHERE user_id = 12").Run("FETCH ALL FROM c").Sync(),
        Script.Run("DECLARE c CURSOR FOR SELECT id FROM orders WHERE user_id = 12").Run("FETCH ALL FROM c").Sync(),
        Script.Run("SELECT 1").Run("VACUUM notes").Sync(),
        Script.Run("VACUUM notes").Run("SELECT 1").Sync(),
        Script.Run("SELECT 1").Run("LOCK TABLE users").Sync(),
        Script.Run("LOCK TABLE users").Sync());

    [Fact]
    public Task Settings_taken_back_are_reported() => _differential.SameAsync(
        "BEGIN", "SET TimeZone = 'Asia/Tokyo'", "ROLLBACK",
        "BEGIN", "SET TimeZone = 'Asia/Tokyo'", "SELECT 1/0", "ROLLBACK",
        "BEGIN", "SET TimeZone = 'Asia/Tokyo'", "EXECUTE missing", "ROLLBACK",
        "BEGIN", "SET TimeZone = 'Asia/Tokyo'", "SAVEPOINT s", "SET TimeZone = 'Europe/Paris'", "EXECUTE missing", "ROLLBACK TO s", "COMMIT",
        "BEGIN", "SET LOCAL TimeZone = 'Europe/Rome'", "SET application_name = 'mine'", "COMMIT",
        "BEGIN", "SET LOCAL TimeZone = 'Europe/Rome'", "ROLLBACK", "RESET ALL",
        "BEGIN", "SELECT set_config('TimeZone', 'Europe/Rome', true)", "COMMIT",
        "SET SESSION AUTHORIZATION pg_monitor", "BEGIN", "RESET SESSION AUTHORIZATION", "ROLLBACK", "RESET SESSION AUTHORIZATION");
}
