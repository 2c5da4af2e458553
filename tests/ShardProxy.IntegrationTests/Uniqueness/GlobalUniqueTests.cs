using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Uniqueness;

/// <summary>UNIQUE without the shard key, beside one PostgreSQL.</summary>
[Collection(UniqueCollection.Name)]
public sealed class GlobalUniqueTests(UniqueCluster cluster) : IAsyncLifetime
{
    private UniqueBeside _beside = null!;

    public async Task InitializeAsync() => _beside = await cluster.OpenAsync("CREATE TABLE u_users (id int8 PRIMARY KEY, email text UNIQUE, a int, b varchar(10), note text, CONSTRAINT pair UNIQUE (a, b))");

    public async Task DisposeAsync() => await cluster.CloseAsync(_beside);

    [Fact]
    public async Task Rows_come_and_go()
    {
        await _beside.SameAsync(
            "INSERT INTO u_users VALUES (1, 'a@x', 1, 'x')",
            "INSERT INTO u_users VALUES (2, 'a@x', 2, 'x')",
            "INSERT INTO u_users VALUES (2, 'b@x', 1, 'x')",
            "INSERT INTO u_users VALUES (1, 'c@x', 3, 'x')",
            "INSERT INTO u_users VALUES (2, 'b@x', 1, 'y'), (3, 'c@x', 2, 'x'), (4, 'd@x', NULL, 'x'), (5, NULL, NULL, 'x'), (6, NULL, 6, NULL) RETURNING id, email",
            "INSERT INTO u_users (id, email) VALUES (7, 'e@x'), (8, 'f@x'), (9, 'e@x')",
            "INSERT INTO u_users (id, email) VALUES (7, 'e@x'), (8, 'f@x'), (9, 'c@x') RETURNING id",
            "UPDATE u_users SET note = 'n'",
            "UPDATE u_users SET note = 'm', email = email WHERE id = 3",
            "UPDATE u_users SET email = 'a@x' WHERE id = 3",
            "UPDATE u_users SET email = upper(email) RETURNING email",
            "UPDATE u_users SET email = lower(email) WHERE id IN (1, 2)",
            "INSERT INTO u_users (id, email) VALUES (20, 'A@x'), (21, 'B@X')",
            "UPDATE u_users SET a = a + 100",
            "UPDATE u_users SET email = NULL WHERE id = 2",
            "INSERT INTO u_users (id, email) VALUES (22, 'b@x')",
            "DELETE FROM u_users WHERE id = 1",
            "INSERT INTO u_users (id, email, a, b) VALUES (23, 'a@x', 101, 'x')",
            "DELETE FROM u_users WHERE a > 50 RETURNING *",
            "INSERT INTO u_users (id, email) SELECT 1000, 'new'",
            "WITH gone AS (DELETE FROM u_users WHERE id = 22 RETURNING *) SELECT email FROM gone",
            "INSERT INTO u_users (id, email) VALUES (22, 'b@x') ON CONFLICT (id) DO UPDATE SET email = 'never'",
            "INSERT INTO u_users (id, email) VALUES (22, 'zzz') ON CONFLICT (id) DO UPDATE SET email = excluded.email RETURNING email",
            "INSERT INTO u_users (id, email) VALUES (30, 'zzz') ON CONFLICT (id) DO NOTHING",
            "INSERT INTO u_users (id, email) VALUES (30, 'yyy'), (31, 'xxx') ON CONFLICT (id) DO UPDATE SET email = 'zzz'",
            "INSERT INTO u_users (id, email) VALUES (30, 'www'), (32, 'vvv') ON CONFLICT (id) DO UPDATE SET email = 'uuu'",
            "SELECT * FROM u_users ORDER BY id");
        await AgreesAsync();
    }

    [Fact]
    public async Task It_holds_while_triggers_are_disabled_and_after()
    {
        // As Rails loads fixtures, and dumps of data alone are restored.
        foreach (var which in (string[])["ALL", "USER"])
        {
            await _beside.SameAsync(
                "BEGIN", $"ALTER TABLE u_users DISABLE TRIGGER {which}", "INSERT INTO u_users (id, email) VALUES (1, 'a'), (2, 'b')", "COMMIT",
                "INSERT INTO u_users (id, email) VALUES (3, 'a')", "DELETE FROM u_users WHERE id = 2",
                $"ALTER TABLE u_users ENABLE TRIGGER {which};ALTER TABLE u_users ENABLE TRIGGER {which}",
                "INSERT INTO u_users (id, email) VALUES (3, 'a')", "INSERT INTO u_users (id, email) VALUES (3, 'b')", "SELECT id, email FROM u_users ORDER BY id");
            await AgreesAsync();
            await _beside.SameAsync("DELETE FROM u_users");
        }
    }

    [Fact]
    public async Task Blocks_and_savepoints()
    {
        await _beside.SameAsync(
            "BEGIN",
            "INSERT INTO u_users (id, email) VALUES (1, 'a')",
            "INSERT INTO u_users (id, email) VALUES (2, 'b')",
            "SAVEPOINT s",
            "INSERT INTO u_users (id, email) VALUES (3, 'a')",
            "SELECT 1",
            "ROLLBACK TO s",
            "UPDATE u_users SET email = 'c' WHERE id = 1",
            "INSERT INTO u_users (id, email) VALUES (3, 'a')",
            "ROLLBACK TO s",
            "INSERT INTO u_users (id, email) VALUES (4, 'c')",
            "COMMIT",
            "SELECT id, email FROM u_users ORDER BY id",
            "BEGIN; INSERT INTO u_users (id, email) VALUES (5, 'e'); INSERT INTO u_users (id, email) VALUES (6, 'e'); COMMIT",
            "ROLLBACK",
            "INSERT INTO u_users (id, email) VALUES (5, 'e'); INSERT INTO u_users (id, email) VALUES (6, 'f'); SELECT count(*) FROM u_users",
            "INSERT INTO u_users (id, email) VALUES (7, 'g'); INSERT INTO u_users (id, email) VALUES (8, 'e')",
            "BEGIN",
            "DELETE FROM u_users WHERE id = 1",
            "INSERT INTO u_users (id, email) VALUES (9, 'a')",
            "ROLLBACK",
            "INSERT INTO u_users (id, email) VALUES (10, 'a')",
            "SELECT id, email FROM u_users ORDER BY id");
        await AgreesAsync();
    }

    [Fact]
    public async Task In_the_extended_protocol()
    {
        const string Insert = "INSERT INTO u_users (id, email, a, b) VALUES ($1, $2, $3, $4) RETURNING id";
        await _beside.SameAsync(new FrontendScript().Run(Insert, ["1", "a", "1", "x"]).Sync(), "first");
        await _beside.SameAsync(new FrontendScript().Run(Insert, ["2", "a", "1", "y"]).Sync(), "the same email");
        await _beside.SameAsync(new FrontendScript().Run(Insert, ["2", "b", "1", "x"]).Sync(), "the same pair");
        await _beside.SameAsync(new FrontendScript().Run(Insert, ["2", "b", null, "x"]).Run(Insert, ["3", "c", null, "x"]).Sync(), "two in a pipeline");
        await _beside.SameAsync(new FrontendScript().Run(Insert, ["4", "d", null, "x"]).Run(Insert, ["5", "c", null, "x"]).Sync(), "a pipeline that fails");
        await _beside.SameAsync(new FrontendScript().Run("UPDATE u_users SET email = $1 WHERE id = $2", ["e", "3"]).Sync(), "update");
        await _beside.SameAsync(new FrontendScript().Run("UPDATE u_users SET email = $1 WHERE id = ANY ($2)", ["e", "{3,1}"]).Sync(), "update of two to one");
        await _beside.SameAsync(new FrontendScript().Run("UPDATE u_users SET note = $1 WHERE id = $2", ["e", "3"]).Sync(), "update of another column");
        await _beside.SameAsync(new FrontendScript().Run("DELETE FROM u_users WHERE id = $1", ["1"]).Run(Insert, ["6", "a", "1", "x"]).Sync(), "a value that was given up");
        await _beside.SameAsync(new FrontendScript().Parse(Insert, "s").Sync().Bind(["7", "g", "7", "x"], statement: "s").DescribePortal().Execute().Sync(), "a named statement");
        await _beside.SameAsync(new FrontendScript().Bind(["8", "g", "7", "x"], statement: "s").Execute().Sync(), "a named statement once more");
        await _beside.SameAsync("SELECT * FROM u_users ORDER BY id");
        await AgreesAsync();
    }

    [Fact]
    public async Task Copy()
    {
        await CopyAsync("1\ta\t1\tx\t\\N\n2\tb\t1\ty\t\\N\n3\tc\t\\N\tx\t\\N\n");
        await CopyAsync("4\td\t1\tz\t\\N\n5\tb\t2\ty\t\\N\n");
        await CopyAsync("4\td\t1\tz\t\\N\n5\te\t2\ty\t\\N\n6\td\t7\ty\t\\N\n");
        await CopyAsync("4\td\t1\tz\t\\N\n5\te\t2\ty\t\\N\n");
        var rows = string.Concat(Enumerable.Range(100, 3000).Select(static id => $"{id}\tmany {id}\t{id}\tx\t\\N\n"));
        await CopyAsync(rows);
        await CopyAsync(string.Concat(Enumerable.Range(5000, 1000).Select(static id => $"{id}\tmore {id}\t{id}\tx\t\\N\n")) + "9999\tmany 777\t9999\tx\t\\N\n");
        await _beside.SameAsync("SELECT count(*), count(DISTINCT email) FROM u_users", "TRUNCATE u_users", "INSERT INTO u_users (id, email) VALUES (1, 'many 777')");
        await AgreesAsync();
    }

    [Fact]
    public async Task Definitions()
    {
        await _beside.SameAsync(
            "INSERT INTO u_users (id, email, note) VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'x'), (4, 'd', NULL), (5, 'e', NULL)",
            "CREATE UNIQUE INDEX u_note ON u_users (note)",
            "UPDATE u_users SET note = 'z' WHERE id = 3",
            "CREATE UNIQUE INDEX u_note ON u_users (note)",
            "CREATE UNIQUE INDEX IF NOT EXISTS u_note ON u_users (note)",
            "INSERT INTO u_users (id, note) VALUES (6, 'x')",
            "ALTER INDEX u_note RENAME TO u_remark",
            "INSERT INTO u_users (id, note) VALUES (6, 'x')",
            "ALTER TABLE u_users RENAME COLUMN note TO remark",
            "INSERT INTO u_users (id, remark) VALUES (6, 'x')",
            "INSERT INTO u_users (id, remark) VALUES (6, 'w')",
            "DROP INDEX u_remark",
            "INSERT INTO u_users (id, remark) VALUES (7, 'x')",
            "ALTER TABLE u_users ADD COLUMN code int UNIQUE",
            "UPDATE u_users SET code = id",
            "UPDATE u_users SET code = 1 WHERE id = 2",
            "ALTER TABLE u_users DROP COLUMN code",
            "ALTER TABLE u_users DROP CONSTRAINT pair",
            "INSERT INTO u_users (id, a, b) VALUES (8, 1, 'x'), (9, 1, 'x'), (10, 1, 'x')",
            "ALTER TABLE u_users ADD CONSTRAINT pair UNIQUE (a, b)",
            "DELETE FROM u_users WHERE id IN (9, 10)",
            "ALTER TABLE u_users ADD CONSTRAINT pair UNIQUE (a, b)",
            "INSERT INTO u_users (id, a, b) VALUES (9, 1, 'x')",
            "BEGIN",
            "ALTER TABLE u_users DROP CONSTRAINT pair",
            "ROLLBACK",
            "INSERT INTO u_users (id, a, b) VALUES (9, 1, 'x')",
            "ALTER TABLE u_users RENAME remark TO note",
            "SELECT * FROM u_users ORDER BY id");
        await AgreesAsync();
        foreach (var shard in cluster.Cluster.Shards)
        {
            (await shard.ScalarAsync<long>("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'shardproxy%' AND NOT tgisinternal")).ShouldBe(0);
            (await shard.ScalarAsync<bool>("SELECT has_function_privilege('pg_monitor', 'information_schema.shardproxy_unique_report()', 'EXECUTE')")).ShouldBeFalse();
            (await shard.ScalarAsync<bool>("SELECT has_table_privilege('pg_monitor', 'information_schema.shardproxy_secret', 'SELECT')")).ShouldBeFalse();
        }
    }

    [Fact]
    public async Task What_cannot_hold_is_refused()
    {
        foreach (var statement in (string[])
                 [
                     "CREATE UNIQUE INDEX CONCURRENTLY ON u_users (note)",
                     "CREATE UNIQUE INDEX ON u_users (note) NULLS NOT DISTINCT",
                     "CREATE UNIQUE INDEX ON u_users (note text_pattern_ops)",
                     "CREATE UNIQUE INDEX ON u_users (note COLLATE \"POSIX\")",
                     "ALTER TABLE u_users ADD UNIQUE (note) DEFERRABLE",
                     "ALTER TABLE u_users ADD EXCLUDE USING btree (note WITH =)",
                     "ALTER TABLE u_users ALTER COLUMN email TYPE varchar(20)",
                     "CREATE TABLE child () INHERITS (u_users)",
                     "INSERT INTO u_users (id, email) VALUES (1, 'a') ON CONFLICT (email) DO UPDATE SET id = excluded.id",
                     "INSERT INTO u_users (id, email) VALUES (1, gen_random_uuid()::text) ON CONFLICT (email) DO NOTHING",
                     "EXPLAIN ANALYZE INSERT INTO u_users (id, email) VALUES (1, 'a')",
                 ])
        {
            await _beside.RefusedAsync(statement);
        }
        // What the proxy does not see is refused by the shard: here a function that it cannot read.
        await _beside.Subject.MustAsync("CREATE FUNCTION hidden(at int8) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO u_' || 'users (id, email) VALUES ($1, ''h'')' USING at; END $$");
        await _beside.Subject.MustAsync("SELECT create_distributed_function('hidden', '$1', 'u_users')");
        await _beside.RefusedAsync("SELECT hidden(1)");
        await _beside.Subject.MustAsync("BEGIN");
        await _beside.Subject.MustAsync("INSERT INTO u_users (id, email) VALUES (1, 'a')");
        await _beside.RefusedAsync("SELECT hidden(2)");
        await _beside.Subject.MustAsync("ROLLBACK");
        await _beside.Subject.MustAsync("DROP FUNCTION hidden");
        (await _beside.Subject.ScalarAsync("SELECT count(*) FROM u_users")).ShouldBe("0");
        await AgreesAsync();
    }

    [Fact]
    public async Task Of_many_who_insert_the_same_values_at_once_one_wins_each()
    {
        const int Clients = 32;
        const int Values = 60;
        var wins = new int[Values];
        var others = new System.Collections.Concurrent.ConcurrentBag<string>();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async number =>
        {
            await using var client = await WireClient.ConnectAsync(cluster.Proxy.Endpoint);
            for (var value = 0; value < Values; value++)
            {
                var answer = await client.QueryAsync($"INSERT INTO u_users (id, email) VALUES ({1 + number + (Clients * value)}, 'v{value}')");
                if (answer.FirstOrDefault(static message => message.Type == 'E') is not { } error)
                    Interlocked.Increment(ref wins[value]);
                else if (error.SqlState != "23505" || error.Fields['n'] != "u_users_email_key" || error.Fields['D'] != $"Key (email)=(v{value}) already exists.")
                    others.Add(error.ToString());
                // What is in the way can be seen, as get_or_create() of an ORM expects it.
                else if (value % 3 == 0 && await client.ScalarAsync($"SELECT count(*) FROM u_users WHERE email = 'v{value}'") is var count and not "1")
                    others.Add($"v{value} is there {count} times");
            }
        }));
        others.ShouldBeEmpty();
        wins.ShouldAllBe(static count => count == 1);
        (await _beside.Subject.ScalarAsync("SELECT count(DISTINCT email) || ' ' || count(*) FROM u_users")).ShouldBe($"{Values} {Values}");
        await AgreesAsync();
        await _beside.Subject.MustAsync("TRUNCATE u_users");
    }

    [Fact]
    public async Task A_unique_value_leads_to_its_row_without_asking_all()
    {
        await _beside.SameAsync(string.Concat("INSERT INTO u_users (id, email) VALUES ", string.Join(", ", Enumerable.Range(1, 40).Select(static id => $"({id}, 'm{id}')"))));
        for (var id = 1; id <= 10; id++)
        {
            var shards = cluster.Cluster.Shards;
            var holds = await Task.WhenAll(shards.Select(shard => shard.ScalarAsync<bool>($"SELECT EXISTS (SELECT FROM u_users WHERE id = {id})")));
            var locks = new List<Npgsql.NpgsqlConnection>();
            foreach (var (shard, _) in shards.Zip(holds).Where(static pair => !pair.Second))
            {
                var connection = new Npgsql.NpgsqlConnection(shard.ConnectionString);
                await connection.OpenAsync();
                await new Npgsql.NpgsqlCommand("BEGIN; LOCK TABLE u_users IN ACCESS EXCLUSIVE MODE", connection).ExecuteNonQueryAsync();
                locks.Add(connection);
            }
            locks.Count.ShouldBe(2);
            // The other shards' rows cannot be read now.
            await _beside.SameAsync(
                $"SELECT * FROM u_users WHERE email = 'm{id}'",
                $"SELECT id FROM u_users AS u WHERE u.email = 'm{id}' AND note IS NULL ORDER BY id DESC LIMIT 1");
            await _beside.SameAsync("BEGIN", $"SELECT id FROM u_users WHERE email = 'm{id}' FOR UPDATE", $"UPDATE u_users SET note = 'seen' WHERE id = {id}", "COMMIT", $"UPDATE u_users SET note = NULL WHERE id = {id}");
            foreach (var connection in locks)
                await connection.DisposeAsync();
            await _beside.SameAsync(new FrontendScript().Run("SELECT id, note FROM u_users WHERE email = $1 LIMIT 21", [$"m{id}"]).Sync(), "a parameter");
            await _beside.SameAsync(new FrontendScript().Run("SELECT id, note FROM u_users WHERE email = $1", [$"m{id}"]).Sync(), "a parameter, no limit");
        }
        // What is not there, and what the index does not know (yet), is sought on all shards.
        await _beside.SameAsync("SELECT * FROM u_users WHERE email = 'nobody'", "SELECT * FROM u_users WHERE email = 'm1' AND note = 'x'", "SELECT count(*) FROM u_users WHERE email = 'm1'");
        foreach (var shard in cluster.Cluster.Shards)
            await shard.ExecuteAsync("DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relname ~ '^shardproxy_unique_[0-9a-f]+$' LOOP EXECUTE 'DELETE FROM ' || t || ' WHERE k % 3 = 1'; EXECUTE 'UPDATE ' || t || ' SET k = k + 1 WHERE k % 3 = 0'; END LOOP; END $$");
        for (var id = 1; id <= 40; id++)
            await _beside.SameAsync($"SELECT id, email FROM u_users WHERE email = 'm{id}'");
        await _beside.SameAsync("TRUNCATE u_users");
    }

    [Fact]
    public async Task Cascades_are_seen()
    {
        await _beside.SameAsync(
            "CREATE TABLE u_items (owner int8 REFERENCES u_users ON DELETE CASCADE, code int8 UNIQUE, label text)",
            "INSERT INTO u_users (id, email) VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')",
            "INSERT INTO u_items VALUES (1, 1, 'x'), (1, 2, 'y'), (2, 3, 'z'), (3, 4, 'w')",
            "INSERT INTO u_items VALUES (4, 1, 'x')",
            "DELETE FROM u_users WHERE id = 1",
            "INSERT INTO u_items VALUES (4, 1, 'x')",
            "DELETE FROM u_users WHERE email IN ('b', 'c')",
            "INSERT INTO u_items VALUES (4, 3, 'x'), (4, 4, 'y'), (4, 1, 'z')",
            "INSERT INTO u_items VALUES (4, 3, 'x'), (4, 4, 'y')",
            "SELECT * FROM u_items ORDER BY code");
        await cluster.AgreesAsync("u_items", "code", "owner");
        await AgreesAsync();
        await _beside.SameAsync("DROP TABLE u_items");
    }

    [Fact]
    public async Task Foreign_keys_that_no_shard_can_check_are_refused()
    {
        await _beside.RefusedAsync("CREATE TABLE u_items (owner int8, email text REFERENCES u_users (email))");
        await _beside.RefusedAsync("CREATE TABLE u_items (owner int8, parent int8 REFERENCES u_users)");
        await _beside.RefusedAsync("CREATE TABLE u_home (email text REFERENCES u_users (email))");
        await _beside.RefusedAsync("CREATE TABLE u_home (id int8 REFERENCES u_users)");
        await _beside.SameAsync("CREATE TABLE u_items (owner int8, code int8 PRIMARY KEY, parent int8)");
        await _beside.RefusedAsync("ALTER TABLE u_items ADD FOREIGN KEY (parent) REFERENCES u_items (code)");
        await _beside.RefusedAsync("ALTER TABLE u_users ADD FOREIGN KEY (id) REFERENCES u_items");
        await _beside.RefusedAsync("ALTER TABLE u_items ADD FOREIGN KEY (owner) REFERENCES u_items");
        await _beside.SameAsync("ALTER TABLE u_items ADD FOREIGN KEY (owner) REFERENCES u_users", "DROP TABLE u_items");
        // A reference table cannot refer to rows that each shard has others of.
        await _beside.Subject.MustAsync("CREATE TABLE u_places (id int8 PRIMARY KEY)");
        await _beside.Subject.MustAsync("SELECT create_reference_table('u_places')");
        await _beside.RefusedAsync("ALTER TABLE u_places ADD FOREIGN KEY (id) REFERENCES u_users");
        await _beside.Subject.MustAsync("ALTER TABLE u_users ADD FOREIGN KEY (a) REFERENCES u_places");
        await _beside.Subject.MustAsync("ALTER TABLE u_users DROP CONSTRAINT u_users_a_fkey");
        await _beside.Subject.MustAsync("DROP TABLE u_places");
        await _beside.Subject.MustAsync("CREATE TABLE u_late (id int8 PRIMARY KEY, user_id int8)");
        await _beside.Subject.MustAsync("CREATE TABLE u_home (id int8 PRIMARY KEY); ALTER TABLE u_late ADD FOREIGN KEY (user_id) REFERENCES u_home");
        await _beside.RefusedAsync("SELECT create_distributed_table('u_late', 'user_id')");
        await _beside.Subject.MustAsync("DROP TABLE u_late, u_home");
    }

    private async Task CopyAsync(string data) => await _beside.SameAsync(
        new FrontendScript().Query("COPY u_users (id, email, a, b, note) FROM STDIN").CopyData(data).CopyDone(), data[..Math.Min(40, data.Length)]);

    private async Task AgreesAsync()
    {
        await cluster.AgreesAsync("u_users", "email");
        await cluster.AgreesAsync("u_users", "a, b");
    }
}
