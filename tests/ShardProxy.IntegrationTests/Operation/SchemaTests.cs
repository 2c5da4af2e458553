using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Operation;

/// <summary>Schema changes reach every shard that has the object, and fail on all of them together.</summary>
[Collection(LabCollection.Name)]
public sealed class SchemaTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    private IEnumerable<PostgresServer> Shards => lab.Cluster.Shards;

    [Fact]
    public Task Statements_answer_as_on_one_server() => _differential.SameInAllProtocolsAsync(
        "ALTER TABLE users ADD COLUMN extra int4 NOT NULL DEFAULT 7", "SELECT extra FROM users WHERE id = 5", "CREATE INDEX users_extra ON users (extra)",
        "CREATE INDEX IF NOT EXISTS users_extra ON users (extra)", "REINDEX TABLE users", "ANALYZE users", "VACUUM users", "COMMENT ON COLUMN users.extra IS 'more'",
        "ALTER TABLE users RENAME COLUMN extra TO more", "SELECT more FROM users WHERE id = 6", "DROP INDEX users_extra", "ALTER TABLE users DROP COLUMN more",
        "SELECT more FROM users WHERE id = 6", "CREATE TYPE colour AS ENUM ('red', 'green')", "ALTER TYPE colour ADD VALUE 'blue'",
        "ALTER TABLE users ADD COLUMN c colour", "UPDATE users SET c = 'blue' WHERE id = 3 RETURNING c", "UPDATE users SET c = 'green' WHERE id = 4 RETURNING c",
        "ALTER TABLE users DROP COLUMN c", "DROP TYPE colour",
        "CREATE FUNCTION greet(who text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'hello ' || who $$",
        "SELECT greet(name) FROM users WHERE id = 1", "SELECT greet(name) FROM users WHERE id = 2", "SELECT greet(name) FROM users WHERE id = 3",
        "DROP FUNCTION greet", "CREATE SCHEMA more", "CREATE TABLE more.inside (id int4)", "INSERT INTO more.inside VALUES (1)", "SELECT * FROM more.inside",
        "SET search_path = more, public", "SELECT * FROM inside", "SELECT name FROM users WHERE id = 1", "RESET search_path", "SELECT * FROM inside",
        "DROP SCHEMA more CASCADE", "CREATE VIEW named AS SELECT id, name FROM users WHERE name IS NOT NULL", "SELECT * FROM named WHERE id = 3",
        "SELECT * FROM named WHERE id = 4", "DROP VIEW named", "CREATE EXTENSION pgcrypto", "SELECT encode(digest('x', 'md5'), 'hex') FROM users WHERE id = 2",
        "DROP EXTENSION pgcrypto", "CREATE TABLE users (id int4)", "CREATE TABLE IF NOT EXISTS users (id int4)", "DROP TABLE missing",
        "GRANT SELECT ON users TO pg_monitor", "REVOKE SELECT ON users FROM pg_monitor");

    [Fact]
    public Task In_a_transaction() => _differential.SameInAllProtocolsAsync(
        "BEGIN", "ALTER TABLE users ADD COLUMN later int4", "SELECT later FROM users WHERE id = 1", "ROLLBACK", "SELECT later FROM users WHERE id = 1",
        "BEGIN", "CREATE TABLE brief (id int4)", "INSERT INTO brief VALUES (1)", "SELECT * FROM brief", "COMMIT", "SELECT * FROM brief", "DROP TABLE brief",
        "SELECT * FROM brief");

    [Fact]
    public async Task A_change_that_fails_on_one_shard_is_made_on_none()
    {
        if (Lab.IsDirect)
            return;
        // One user stands on one shard: only there the constraint is violated.
        for (var id = 1; id <= 6; id++)
        {
            await _differential.SameAsync($"ALTER TABLE users ADD CONSTRAINT not_this_one CHECK (id <> {id})");
            foreach (var shard in Shards)
                (await shard.ScalarAsync<long>("SELECT count(*) FROM pg_constraint WHERE conname = 'not_this_one'")).ShouldBe(0);
        }
    }

    [Fact]
    public async Task Truncate_and_drop_reach_every_shard()
    {
        if (Lab.IsDirect)
            return;
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        for (var device = 0; device < 20; device++)
            await client.MustAsync($"INSERT INTO events (device, at) VALUES ('d{device}', now())");
        await client.MustAsync("TRUNCATE events");
        foreach (var shard in Shards)
            (await Placement.RowsAsync(shard, "events")).ShouldBe(0);
        await client.MustAsync("CREATE TABLE plain (id int4)");
        await client.MustAsync("INSERT INTO plain VALUES (1)");
        await client.MustAsync("INSERT INTO events (device, at) SELECT 'd' || i, now() FROM generate_series(1, 20) i");
        await client.MustAsync("BEGIN; TRUNCATE plain, public.events RESTART IDENTITY CASCADE; ROLLBACK");
        (await client.ScalarAsync("SELECT count(*) FROM events")).ShouldBe("20");
        await client.MustAsync("TRUNCATE plain, ONLY public.events RESTART IDENTITY");
        (await client.ScalarAsync("SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM plain)")).ShouldBe("0");
        await client.MustAsync("DROP TABLE plain");
    }

    [Fact]
    public async Task Tables_are_distributed_from_SQL()
    {
        if (Lab.IsDirect)
            return;
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.MustAsync("CREATE TABLE visits (user_id int8 NOT NULL, at date NOT NULL, PRIMARY KEY (user_id, at))");
        await client.MustAsync("SELECT create_distributed_table('visits', 'user_id', colocate_with => 'users')");
        await client.MustAsync("CREATE TABLE countries (code char(2) PRIMARY KEY)");
        await client.MustAsync("SELECT create_reference_table('countries')");
        for (var id = 1; id <= 20; id++)
        {
            await client.MustAsync($"INSERT INTO visits VALUES ({id}, '2024-01-01')");
            (await client.ScalarAsync($"SELECT u.name FROM users u JOIN visits v ON v.user_id = u.id WHERE u.id = {id}")).ShouldBe($"user {id}");
        }
        foreach (var shard in Shards)
        {
            (await shard.ScalarAsync<long>("SELECT count(*) FROM visits v WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = v.user_id)")).ShouldBe(0);
            (await Placement.RowsAsync(shard, "countries")).ShouldBe(0);
        }
        await client.MustAsync("CREATE TABLE full_one (id int4 PRIMARY KEY)");
        await client.MustAsync("INSERT INTO full_one VALUES (1)");
        var refusal = (await client.QueryAsync("SELECT create_distributed_table('full_one', 'id')")).Single(static message => message.Type == 'E');
        refusal.Fields.Keys.ShouldContain('H');
        (await client.ScalarAsync("SELECT count(*) FROM full_one")).ShouldBe("1");
        foreach (var wrong in (string[])["create_distributed_table('missing', 'id')", "create_distributed_table('notes', 'missing')", "create_reference_table('users')"])
            (await client.QueryAsync($"SELECT {wrong}")).ShouldContain(static message => message.Type == 'E', wrong);
        await client.MustAsync("DROP TABLE visits, countries");
        await client.MustAsync("DROP TABLE full_one");
        foreach (var shard in Shards)
            (await shard.ScalarAsync<long>("SELECT count(*) FROM pg_class WHERE relname IN ('visits', 'countries')")).ShouldBe(0);
    }

    [Fact]
    public async Task Another_session_sees_the_change_at_once()
    {
        await using var first = await WireClient.ConnectAsync(lab.Subject);
        await using var second = await WireClient.ConnectAsync(lab.Subject);
        for (var round = 0; round < 5; round++)
        {
            await first.MustAsync("ALTER TABLE users ADD COLUMN fresh int4 DEFAULT 1");
            for (var id = 1; id <= 6; id++)
                (await second.ScalarAsync($"SELECT fresh FROM users WHERE id = {id}")).ShouldBe("1");
            await second.MustAsync("ALTER TABLE users DROP COLUMN fresh");
            for (var id = 1; id <= 6; id++)
                (await first.QueryAsync($"SELECT fresh FROM users WHERE id = {id}")).First(static message => message.Type == 'E').SqlState.ShouldBe("42703");
        }
    }
}
