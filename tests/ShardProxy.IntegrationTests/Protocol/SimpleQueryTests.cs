using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Protocol;

/// <summary>Simple queries: one statement, several with PostgreSQL's implicit transaction, none, and errors.</summary>
[Collection(LabCollection.Name)]
public sealed class SimpleQueryTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    [Theory]
    [InlineData("")]
    [InlineData(";")]
    [InlineData(" ; ; ")]
    [InlineData("-- only a comment")]
    [InlineData("/* nothing /* nested */ */;")]
    [InlineData("SELECT 1;")]
    [InlineData("SELECT 1;;SELECT 2")]
    [InlineData("SELECT 1; -- the end")]
    [InlineData("SELECT")]
    [InlineData("SELECT 1 AS \"Quoted Name\", 'text'::text, NULL, 1.5, true, now() IS NULL")]
    [InlineData("TABLE products ORDER BY id LIMIT 3")]
    [InlineData("VALUES (1, 'a'), (2, 'b')")]
    [InlineData("SELECT * FROM notes ORDER BY id")]
    [InlineData("SELECT * FROM users WHERE id = 1 LIMIT 0")]
    public Task Statements_without_a_surprise(string text) => _differential.SameAsync(text);

    [Theory]
    [InlineData("SELEC 1")]
    [InlineData("SELECT 1 +")]
    [InlineData("SELECT * FROM missing_table")]
    [InlineData("SELECT missing_column FROM users WHERE id = 1")]
    [InlineData("SELECT name FROM users WHERE id = 1 AND missing = 2")]
    [InlineData("SELECT 1/0")]
    [InlineData("SELECT 1/(id-1) FROM users WHERE id = 1")]
    [InlineData("SELECT 'a'::int")]
    [InlineData("INSERT INTO users (id, name) VALUES (1, 'again')")]
    [InlineData("INSERT INTO users (id) VALUES (1001)")]
    [InlineData("INSERT INTO items VALUES (1, 1, 9, 0)")]
    [InlineData("INSERT INTO users (id, name, nothing) VALUES (1001, 'x', 1)")]
    [InlineData("UPDATE users SET feeling = 'angry' WHERE id = 1")]
    [InlineData("SELECT * FROM users WHERE id = 1; SELEC")]
    [InlineData("SELECT 'unterminated")]
    [InlineData("SELECT \"unterminated")]
    [InlineData("SELECT /* unterminated")]
    [InlineData("SELECT $tag$ unterminated")]
    [InlineData("SELECT $1")]
    [InlineData("DROP TABLE missing_table")]
    [InlineData("SELECT missing_function(1)")]
    [InlineData("SELECT * FROM users WHERE id = 1 FOR")]
    [InlineData("ROLLBACK TO SAVEPOINT nowhere")]
    public Task Errors_are_PostgreSQLs_own(string text) => _differential.SameAsync(text, "SELECT 1");

    [Fact]
    public Task Several_statements_are_one_transaction() => _differential.SameAsync(
        "INSERT INTO users (id, name) VALUES (2001, 'kept'); SELECT name FROM users WHERE id = 2001",
        "INSERT INTO users (id, name) VALUES (2002, 'lost'); SELECT 1/0; SELECT 'never'",
        "SELECT name FROM users WHERE id = 2002",
        "UPDATE users SET name = 'one' WHERE id = 2001; UPDATE users SET name = name || ' two' WHERE id = 2001 RETURNING name; SELECT name FROM users WHERE id = 2001",
        "DELETE FROM users WHERE id = 2001; SELECT count(*) FROM users WHERE id = 2001",
        "SELECT name FROM users WHERE id = 1; SELECT name FROM users WHERE id = 2; SELECT name FROM users WHERE id = 3; SELECT name FROM users WHERE id = 4");

    [Fact]
    public Task Transaction_commands_among_several_statements() => _differential.SameAsync(
        "BEGIN; INSERT INTO users (id, name) VALUES (2011, 'kept'); COMMIT; SELECT 1/0",
        "SELECT name FROM users WHERE id = 2011",
        "INSERT INTO users (id, name) VALUES (2012, 'kept too'); COMMIT; SELECT 1/0",
        "SELECT name FROM users WHERE id = 2012",
        "INSERT INTO users (id, name) VALUES (2013, 'open'); BEGIN; SELECT name FROM users WHERE id = 2013",
        "ROLLBACK",
        "SELECT count(*) FROM users WHERE id = 2013",
        "SELECT 1; ROLLBACK; SELECT 2",
        "BEGIN; BEGIN; COMMIT; COMMIT",
        "BEGIN; SELECT 1/0; SELECT 2",
        "SELECT 3",
        "COMMIT",
        "BEGIN; SAVEPOINT a; INSERT INTO users (id, name) VALUES (2014, 'gone'); ROLLBACK TO a; COMMIT; SELECT count(*) FROM users WHERE id = 2014",
        "DELETE FROM users WHERE id = 2011; DELETE FROM users WHERE id = 2011",
        "DELETE FROM users WHERE id = 2012",
        "DELETE FROM users WHERE id = 2013");

    [Fact]
    public Task Notices_arrive_where_they_belong() => _differential.SameAsync(
        "DROP TABLE IF EXISTS missing_table",
        "DO $$ BEGIN RAISE NOTICE 'before'; RAISE WARNING 'after' USING HINT = 'a hint', DETAIL = 'a detail'; END $$",
        "SET client_min_messages = error",
        "DROP TABLE IF EXISTS missing_table",
        "RESET client_min_messages",
        "COMMIT",
        "BEGIN; BEGIN",
        "ROLLBACK");

    [Fact]
    public Task A_result_larger_than_any_buffer() => _differential.SameAsync(
        "SELECT n, repeat(n::text, 50) FROM generate_series(1, 5000) n",
        "SELECT id, repeat('x', 3000000) FROM users WHERE id = 1",
        "SELECT 1");

    [Fact]
    public Task A_statement_larger_than_any_buffer() => _differential.SameAsync(
        $"SELECT length('{new string('a', 3_000_000)}')",
        $"SELECT name FROM users WHERE id = 1 AND name <> '{new string('b', 300_000)}'",
        $"SELECT count(*) FROM users WHERE id IN ({string.Join(',', Enumerable.Repeat("7", 5000))})");

    [Fact]
    public Task The_fast_path_function_call() => _differential.SameAsync(
        // 1598: random() takes none; 1317: length(text).
        new FrontendScript().FunctionCall(1317, "four"),
        new FrontendScript().FunctionCall(4_000_000),
        new FrontendScript().Query("BEGIN"),
        new FrontendScript().FunctionCall(1317, "in a transaction"),
        new FrontendScript().Query("COMMIT"));
}
