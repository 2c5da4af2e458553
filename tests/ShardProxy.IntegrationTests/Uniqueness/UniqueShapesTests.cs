using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Uniqueness;

/// <summary>Unique indexes of expressions and with conditions that hold over all shards, beside one PostgreSQL.</summary>
[Collection(UniqueCollection.Name)]
public sealed class UniqueShapesTests(UniqueCluster cluster) : IAsyncLifetime
{
    private UniqueBeside _beside = null!;

    public async Task InitializeAsync() => _beside = await cluster.OpenAsync("CREATE TABLE u_users (id int8 PRIMARY KEY, email varchar(20), code text, \"Gone At\" timestamptz, data jsonb, note text)");

    public async Task DisposeAsync() => await cluster.CloseAsync(_beside);

    [Fact]
    public async Task Expressions()
    {
        await _beside.SameAsync(
            "CREATE UNIQUE INDEX u_lower ON u_users (lower(email))",
            "INSERT INTO u_users (id, email) VALUES (1, 'A@x'), (2, 'b@x'), (3, NULL), (4, NULL)",
            "INSERT INTO u_users (id, email) VALUES (5, 'a@X')",
            "INSERT INTO u_users (id, email) VALUES (5, 'c@x'), (6, 'C@x'), (7, 'd@x')",
            "UPDATE u_users SET email = 'B@X' WHERE id = 1",
            "UPDATE u_users SET email = upper(email)",
            "UPDATE u_users SET note = 'n'",
            "UPDATE u_users SET email = 'e@x' WHERE id = 2",
            "INSERT INTO u_users (id, email) VALUES (8, 'B@x')",
            "UPDATE u_users SET id = id + 100 WHERE id < 3",
            "INSERT INTO u_users (id, email) VALUES (9, 'E@X')",
            "DELETE FROM u_users WHERE id = 102",
            "INSERT INTO u_users (id, email) VALUES (9, 'E@X')",
            "SELECT id FROM u_users WHERE lower(email) = 'e@x'",
            "CREATE UNIQUE INDEX ON u_users ((data ->> 'name'), code)",
            "INSERT INTO u_users (id, code, data) VALUES (20, 'x', '{\"name\": \"n\"}'), (21, 'y', '{\"name\": \"n\"}'), (22, 'x', '{}'), (23, 'x', '{}')",
            "INSERT INTO u_users (id, code, data) VALUES (24, 'x', '{\"name\": \"n\", \"other\": 1}')",
            "UPDATE u_users SET code = 'x' WHERE id = 21",
            "ALTER INDEX u_lower RENAME TO u_small",
            "INSERT INTO u_users (id, email) VALUES (30, 'e@x')",
            "ALTER TABLE u_users RENAME COLUMN email TO mail",
            "INSERT INTO u_users (id, mail) VALUES (30, 'e@x')",
            "INSERT INTO u_users (id, mail) VALUES (30, 'f@x')",
            "ALTER TABLE u_users RENAME TO u_items",
            "ALTER TABLE u_items RENAME TO u_users",
            "INSERT INTO u_users (id, mail) VALUES (31, 'F@x')",
            "ALTER TABLE u_users RENAME COLUMN mail TO email",
            "INSERT INTO u_users (id, email) VALUES (31, 'F@x')");
        await AgreesAsync("u_small", "lower(email)", "lower(email) IS NOT NULL");
        await _beside.SameAsync("DROP INDEX u_small", "INSERT INTO u_users (id, email) VALUES (31, 'F@x')", "CREATE UNIQUE INDEX u_small ON u_users (lower(email))", "SELECT * FROM u_users ORDER BY id");
    }

    [Fact]
    public async Task Conditions()
    {
        await _beside.SameAsync(
            "INSERT INTO u_users (id, email) VALUES (1, 'a'), (2, 'b'), (3, 'c')",
            "CREATE UNIQUE INDEX u_here ON u_users (email) WHERE \"Gone At\" IS NULL",
            "INSERT INTO u_users (id, email) VALUES (4, 'a')",
            "UPDATE u_users SET \"Gone At\" = '2024-01-01 00:00+00' WHERE email = 'a'",
            "INSERT INTO u_users (id, email) VALUES (4, 'a')",
            "UPDATE u_users SET \"Gone At\" = NULL WHERE id = 1",
            "UPDATE u_users SET id = 77 WHERE id = 1",
            "INSERT INTO u_users (id, email, \"Gone At\") VALUES (5, 'b', '2024-01-01 00:00+00'), (6, 'b', '2024-01-01 00:00+00') RETURNING id",
            "UPDATE u_users SET note = 'x' WHERE email = 'b'",
            "DELETE FROM u_users WHERE email = 'c' RETURNING id",
            "INSERT INTO u_users (id, email) SELECT id + 1000, email FROM u_users WHERE \"Gone At\" IS NOT NULL AND email <> 'a' AND id = 5",
            "CREATE UNIQUE INDEX u_only ON u_users (lower(code)) WHERE note = 'main'",
            "INSERT INTO u_users (id, code, note) VALUES (10, 'K', 'main'), (11, 'k', 'other'), (12, 'k', NULL)",
            "UPDATE u_users SET note = 'main' WHERE id = 11",
            "INSERT INTO u_users (id, code, note) VALUES (13, 'k', 'main')",
            "INSERT INTO u_users (id, email) VALUES (1, 'q') ON CONFLICT (id) DO UPDATE SET note = 'again'");
        await AgreesAsync("u_here", "email", "email IS NOT NULL AND \"Gone At\" IS NULL");
        await AgreesAsync("u_only", "lower(code)", "code IS NOT NULL AND note = 'main'");
        await _beside.RefusedAsync("INSERT INTO u_users (id, email) VALUES (50, left(random()::text, 5)) ON CONFLICT (email) WHERE \"Gone At\" IS NULL DO NOTHING");
        await _beside.RefusedAsync("ALTER TABLE u_users ALTER COLUMN note TYPE varchar(20)");
        await _beside.SameAsync("ALTER TABLE u_users DROP COLUMN note", "INSERT INTO u_users (id, code) VALUES (51, 'k')", "SELECT * FROM u_users ORDER BY id");
    }

    [Fact]
    public async Task Functions_of_users_are_refused()
    {
        await _beside.Subject.MustAsync("CREATE FUNCTION small(v text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(v)'");
        await _beside.RefusedAsync("CREATE UNIQUE INDEX ON u_users (small(email))");
        await _beside.RefusedAsync("CREATE UNIQUE INDEX ON u_users (email) WHERE small(email) <> 'x'");
        await _beside.RefusedAsync("CREATE UNIQUE INDEX ON u_users (lower(email) COLLATE \"POSIX\")");
        await _beside.Subject.MustAsync("DROP FUNCTION small");
    }

    private async Task AgreesAsync(string index, string expressions, string condition)
    {
        var rows = new List<string>();
        var entries = new List<string>();
        foreach (var shard in cluster.Cluster.Shards)
        {
            var id = await shard.ScalarAsync<string>($"""
                SELECT split_part(encode(tgargs, 'escape'), '\000', 1) FROM pg_trigger
                WHERE tgrelid = 'u_users'::regclass AND tgtype & 4 <> 0 AND tgname LIKE 'shardproxy_unique_%' AND split_part(encode(tgargs, 'escape'), '\000', 4) = encode('{index}', 'hex')
                """);
            rows.AddRange(await shard.ScalarAsync<string[]>($"SELECT coalesce(array_agg(ROW({expressions}, id)::text), '{{}}') FROM u_users WHERE {condition}"));
            entries.AddRange(await shard.ScalarAsync<string[]>($"SELECT coalesce(array_agg(e::text), '{{}}') FROM information_schema.shardproxy_unique_{id} e"));
        }
        entries.Order(StringComparer.Ordinal).ShouldBe(rows.Order(StringComparer.Ordinal));
        rows.Count.ShouldBeGreaterThan(0);
    }
}
