using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Uniqueness;

/// <summary>Rows with columns that are unique over all shards go from shard to shard: their entries say where they are.</summary>
[Collection(UniqueCollection.Name)]
public sealed class UniqueMovesTests(UniqueCluster cluster) : IAsyncLifetime
{
    private UniqueBeside _beside = null!;

    public async Task InitializeAsync() => _beside = await cluster.OpenAsync("CREATE TABLE u_users (id int8 PRIMARY KEY, email text UNIQUE, a int, b varchar(10), note text, CONSTRAINT pair UNIQUE (a, b))");

    public async Task DisposeAsync() => await cluster.CloseAsync(_beside);

    [Fact]
    public async Task An_update_of_the_key_takes_entries_along()
    {
        await _beside.SameAsync(
            string.Concat("INSERT INTO u_users (id, email, a, b) VALUES ", string.Join(", ", Enumerable.Range(1, 30).Select(static id => $"({id}, 'm{id}', {id}, 'x')"))),
            "UPDATE u_users SET id = id + 1000 WHERE id <= 10",
            "UPDATE u_users SET id = id + 2000, email = upper(email) WHERE id BETWEEN 1001 AND 1005 RETURNING id, email",
            "UPDATE u_users SET id = id + 5000, email = 'm20' WHERE id = 11",
            "UPDATE u_users SET id = id + 5000, a = 21 WHERE id = 12 RETURNING id",
            "UPDATE u_users SET id = 30 WHERE id = 13",
            "UPDATE u_users SET id = id + 7000, email = NULL, a = NULL WHERE id IN (14, 15)",
            "INSERT INTO u_users (id, email) VALUES (14, 'm14'), (15, 'm15')",
            "UPDATE u_users SET id = -id, email = email || '!' WHERE email IN ('m16', 'm17', 'm18') RETURNING *",
            "BEGIN",
            "UPDATE u_users SET id = id + 9000 WHERE email = 'm25'",
            "INSERT INTO u_users (id, email) VALUES (25, 'm25')",
            "ROLLBACK",
            "BEGIN",
            "UPDATE u_users SET id = id + 9000, email = 'free' WHERE email = 'm25'",
            "INSERT INTO u_users (id, email) VALUES (25, 'm25')",
            "COMMIT");
        await _beside.SameAsync(new FrontendScript().Run("UPDATE u_users SET id = $1, email = $2 WHERE id = $3 RETURNING id, email", ["777", "param", "22"]).Sync(), "parameters");
        await _beside.SameAsync(new FrontendScript().Run("UPDATE u_users SET id = $1, email = $2 WHERE id = $3 RETURNING id, email", ["778", "param", "23"]).Sync(), "parameters that are there");
        await AgreesAsync();
        await _beside.SameAsync("SELECT * FROM u_users ORDER BY id", "SELECT id FROM u_users WHERE email = 'M1'", "SELECT id FROM u_users WHERE email = 'free'");
    }

    [Fact]
    public async Task Rows_of_a_query_bring_their_entries()
    {
        await _beside.SameAsync("CREATE TABLE u_items (owner int8, code int8, label text)");
        await _beside.SameAsync(
            string.Concat("INSERT INTO u_items VALUES ", string.Join(", ", Enumerable.Range(1, 40).Select(static id => $"({id}, {id * 7}, 'l{id % 35}')"))),
            "INSERT INTO u_users (id, email) SELECT code, label FROM u_items WHERE owner <= 20",
            "INSERT INTO u_users (id, email) SELECT code + 1, label FROM u_items WHERE owner = 3",
            "INSERT INTO u_users (id, email) SELECT code + 1, label FROM u_items WHERE owner > 36",
            "INSERT INTO u_users (id, email) SELECT code + 1, label || '!' FROM u_items WHERE owner BETWEEN 21 AND 34 ORDER BY owner RETURNING id, email",
            "INSERT INTO u_users (id, a, b) SELECT 5000 + code, 1, 'x' FROM u_items WHERE owner < 3",
            "INSERT INTO u_users (id, email) SELECT code, label || '?' FROM u_items WHERE owner IN (1, 2, 3) ON CONFLICT (id) DO UPDATE SET email = excluded.email RETURNING id, email",
            "INSERT INTO u_users (id, email) SELECT code, 'l4' FROM u_items WHERE owner = 5 ON CONFLICT (id) DO UPDATE SET email = excluded.email",
            "BEGIN",
            "INSERT INTO u_users (id, email) SELECT code + 20000, 'b' || code FROM u_items WHERE owner < 5",
            "SAVEPOINT s",
            "INSERT INTO u_users (id, email) SELECT code + 30000, 'b' || code FROM u_items WHERE owner < 5",
            "ROLLBACK TO s",
            "COMMIT",
            "SELECT * FROM u_users ORDER BY id",
            "DROP TABLE u_items");
        await AgreesAsync();
    }

    [Fact]
    public async Task A_key_that_is_moved_takes_its_rows_and_not_their_entries()
    {
        await _beside.Subject.MustAsync("CREATE TABLE u_tenants (id text PRIMARY KEY, email text UNIQUE)");
        await _beside.Subject.MustAsync("SELECT create_distributed_table('u_tenants', 'id', strategy => 'lookup')");
        await _beside.Subject.MustAsync("INSERT INTO u_tenants VALUES ('a', 'a@x'), ('b', 'b@x'), ('c', 'c@x')");
        foreach (var shard in (string[])["s2", "s0", "s1"])
        {
            await _beside.Subject.MustAsync($"SELECT move_shard_key('u_tenants', 'b', '{shard}')");
            await cluster.AgreesAsync("u_tenants", "email");
            (await _beside.Subject.ScalarAsync("SELECT id FROM u_tenants WHERE email = 'b@x'")).ShouldBe("b");
            (await _beside.Subject.QueryAsync("INSERT INTO u_tenants VALUES ('d', 'b@x')")).ShouldContain(static message => message.Type == 'E' && message.SqlState == "23505");
            (await _beside.Subject.ScalarAsync("INSERT INTO u_tenants VALUES ('e', 'b@x') ON CONFLICT (email) DO UPDATE SET email = excluded.email RETURNING id")).ShouldBe("b");
            await _beside.Subject.MustAsync("UPDATE u_tenants SET email = 'z@x' WHERE id = 'b'");
            await _beside.Subject.MustAsync("UPDATE u_tenants SET email = 'b@x' WHERE email = 'z@x'");
            await cluster.AgreesAsync("u_tenants", "email");
        }
        await _beside.Subject.MustAsync("DROP TABLE u_tenants");
    }

    [Fact]
    public async Task A_write_by_a_unique_value_asks_the_shard_of_its_row_only()
    {
        await _beside.SameAsync(string.Concat("INSERT INTO u_users (id, email) VALUES ", string.Join(", ", Enumerable.Range(1, 40).Select(static id => $"({id}, 'm{id}')"))));
        for (var id = 1; id <= 6; id++)
        {
            var locks = new List<Npgsql.NpgsqlConnection>();
            foreach (var shard in cluster.Cluster.Shards)
            {
                if (await shard.ScalarAsync<bool>($"SELECT EXISTS (SELECT FROM u_users WHERE id = {id})"))
                    continue;
                var connection = new Npgsql.NpgsqlConnection(shard.ConnectionString);
                await connection.OpenAsync();
                await new Npgsql.NpgsqlCommand("BEGIN; LOCK TABLE u_users IN ACCESS EXCLUSIVE MODE", connection).ExecuteNonQueryAsync();
                locks.Add(connection);
            }
            locks.Count.ShouldBe(2);
            await _beside.SameAsync(
                $"UPDATE u_users SET note = 'one' WHERE email = 'm{id}' RETURNING id, note",
                $"UPDATE u_users AS u SET email = 'n' || u.email WHERE u.email = 'm{id}' AND u.note = 'one'",
                "BEGIN",
                $"UPDATE u_users SET note = 'two', email = 'm{id}' WHERE email = 'nm{id}'",
                $"DELETE FROM u_users WHERE email = 'm{id}' RETURNING *",
                "ROLLBACK");
            foreach (var connection in locks)
                await connection.DisposeAsync();
            await _beside.SameAsync(new FrontendScript().Run("DELETE FROM u_users WHERE email = $1 RETURNING id", [$"nm{id}"]).Sync(), "a parameter");
        }
        await AgreesAsync();
        await _beside.SameAsync("UPDATE u_users SET note = 'x' WHERE email = 'nobody' RETURNING id", "DELETE FROM u_users WHERE email = 'm20' AND note = 'x'", "DELETE FROM u_users WHERE email = NULL");
        // What the index does not know, or knows wrongly, is sought on all shards.
        foreach (var shard in cluster.Cluster.Shards)
            await shard.ExecuteAsync("DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relname ~ '^shardproxy_unique_[0-9a-f]+$' LOOP EXECUTE 'DELETE FROM ' || t || ' WHERE k % 3 = 1'; EXECUTE 'UPDATE ' || t || ' SET k = k + 1 WHERE k % 3 = 0'; END LOOP; END $$");
        for (var id = 7; id <= 40; id++)
            await _beside.SameAsync($"UPDATE u_users SET note = 'found' WHERE email = 'm{id}' RETURNING id");
        await _beside.SameAsync("TRUNCATE u_users");
    }

    private async Task AgreesAsync()
    {
        await cluster.AgreesAsync("u_users", "email");
        await cluster.AgreesAsync("u_users", "a, b");
    }
}
