using System.Collections.Concurrent;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Uniqueness;

/// <summary>ON CONFLICT by global indexes of expressions and with conditions, of tables with triggers, and of rows that a query gives, beside one PostgreSQL.</summary>
[Collection(UniqueCollection.Name)]
public sealed class ConflictShapesTests(UniqueCluster cluster) : IAsyncLifetime
{
    private UniqueBeside _beside = null!;

    public async Task InitializeAsync() => _beside = await cluster.OpenAsync(
        """
        CREATE TABLE u_users (id int8 PRIMARY KEY, email varchar(20), code text UNIQUE, gone boolean DEFAULT false, "v" text, hits int NOT NULL DEFAULT 1, updated timestamptz)
        """);

    public async Task DisposeAsync() => await cluster.CloseAsync(_beside);

    [Fact]
    public async Task By_expressions()
    {
        const string Upsert = "ON CONFLICT (lower(email)) DO UPDATE SET hits = u_users.hits + 1, v = excluded.v RETURNING id, email, hits, v";
        await _beside.SameAsync(
            "CREATE UNIQUE INDEX u_lower ON u_users (lower(email))",
            $"INSERT INTO u_users (id, email, v) VALUES (1, 'A@x', 'one'), (2, 'b@x', 'two'), (3, NULL, 'three') {Upsert}",
            $"INSERT INTO u_users (id, email, v) VALUES (4, 'a@X', 'four') {Upsert}",
            $"INSERT INTO u_users (id, email, v) VALUES (5, 'B@X', 'five'), (6, 'c@x', 'six'), (7, NULL, 'seven'), (8, 'A@X', 'eight') {Upsert}",
            $"INSERT INTO u_users (id, email, v) VALUES (9, 'D@X', 'x'), (10, 'd@x', 'y') {Upsert}",
            $"INSERT INTO u_users (id, v) VALUES (11, 'x') {Upsert}",
            "INSERT INTO u_users (id, email) VALUES (12, 'A@X'), (13, 'e@x'), (14, 'E@x') ON CONFLICT (lower(email)) DO NOTHING RETURNING id",
            "INSERT INTO u_users (id, email, code) VALUES (15, 'A@X', 'k'), (16, 'f@x', 'k'), (17, 'g@x', 'k') ON CONFLICT DO NOTHING",
            "INSERT INTO u_users (id, email, code) VALUES (18, 'a@x', 'k') ON CONFLICT (code) DO UPDATE SET v = 'code' RETURNING id, v",
            "INSERT INTO u_users (id, email, code) VALUES (18, 'a@x', 'l') ON CONFLICT (code) DO UPDATE SET v = 'code' RETURNING id, v",
            "INSERT INTO u_users (id, email, code) VALUES (18, 'new@x', 'k') ON CONFLICT (lower(email)) DO UPDATE SET v = 'email' RETURNING id, v",
            "INSERT INTO u_users (id, email) VALUES (20, 'A@X') ON CONFLICT (upper(email)) DO NOTHING",
            "INSERT INTO u_users (id, email) VALUES (20, 'A@X') ON CONFLICT (email) DO NOTHING",
            "INSERT INTO u_users (id, email) VALUES (2, 'A@X') ON CONFLICT (id) DO UPDATE SET v = 'by id' RETURNING id, email, v",
            "UPDATE u_users SET email = 'moved@x' WHERE lower(email) = 'a@x'",
            $"INSERT INTO u_users (id, email, v) VALUES (21, 'Moved@X', 'again'), (22, 'A@x', 'free') {Upsert}",
            "SELECT id, email, code, v, hits FROM u_users ORDER BY id");
        await _beside.SameAsync(
            new FrontendScript().Run("INSERT INTO u_users (id, email, v) VALUES ($1, $2, $3) ON CONFLICT (lower(email)) DO UPDATE SET v = excluded.v, hits = u_users.hits + 1 RETURNING id, hits", ["30", "MOVED@X", "x"]).Sync(), "with parameters");
        await _beside.SameAsync("SELECT id, email, code, v, hits FROM u_users ORDER BY id");
    }

    [Fact]
    public async Task With_conditions()
    {
        await _beside.SameAsync(
            "CREATE UNIQUE INDEX u_here ON u_users (email) WHERE NOT gone",
            "INSERT INTO u_users (id, email, gone) VALUES (1, 'a', false), (2, 'a', true), (3, 'b', true), (4, 'c', NULL)",
            "INSERT INTO u_users (id, email) VALUES (5, 'a') ON CONFLICT (email) WHERE NOT gone DO UPDATE SET v = 'again' RETURNING id, v",
            "INSERT INTO u_users (id, email, gone) VALUES (6, 'a', true) ON CONFLICT (email) WHERE NOT gone DO UPDATE SET v = 'never' RETURNING id, v",
            "INSERT INTO u_users (id, email) VALUES (7, 'b'), (8, 'c'), (9, 'b') ON CONFLICT (email) WHERE NOT gone DO NOTHING RETURNING id",
            "INSERT INTO u_users (id, email) VALUES (10, 'a') ON CONFLICT (email) DO NOTHING",
            "INSERT INTO u_users (id, email) VALUES (10, 'a') ON CONFLICT DO NOTHING",
            "INSERT INTO u_users (id, email) VALUES (11, 'b') ON CONFLICT (email) WHERE NOT gone DO UPDATE SET gone = true RETURNING id, gone",
            "INSERT INTO u_users (id, email) VALUES (12, 'b') ON CONFLICT (email) WHERE NOT gone DO UPDATE SET v = 'x' RETURNING id, v",
            "SELECT id, email, gone, v FROM u_users ORDER BY id");
    }

    [Fact]
    public async Task Of_tables_with_triggers()
    {
        const string Upsert = "ON CONFLICT (code) DO UPDATE SET hits = u_users.hits + 1 RETURNING id, code, hits, v";
        const string Touch = "CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.code IS NULL THEN RAISE NOTICE ''none''; END IF; NEW.v := TG_OP || coalesce(NEW.v, ''''); NEW.updated = now(); RETURN NEW; END'";
        const string Fold = "CREATE FUNCTION folded() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.code = lower(NEW.code); RETURN NEW; END'";
        await _beside.SameAsync(
            Touch,
            "CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON u_users FOR EACH ROW EXECUTE FUNCTION touched()",
            $"INSERT INTO u_users (id, code) VALUES (1, 'a'), (2, 'b'), (3, NULL) {Upsert}",
            $"INSERT INTO u_users (id, code, v) VALUES (4, 'a', 'x'), (5, 'c', 'y') {Upsert}",
            "INSERT INTO u_users (id, code, v) VALUES (6, 'a', 'x') ON CONFLICT (code) DO UPDATE SET v = excluded.v RETURNING id, v",
            "INSERT INTO u_users (id, code) VALUES (7, 'a'), (8, 'd') ON CONFLICT DO NOTHING RETURNING id, v",
            Fold,
            "CREATE TRIGGER zfold BEFORE UPDATE OF code ON u_users FOR EACH ROW EXECUTE FUNCTION folded()",
            "INSERT INTO u_users (id, code) VALUES (9, 'a') ON CONFLICT (code) DO UPDATE SET code = 'NEW' RETURNING id, code",
            "INSERT INTO u_users (id, code) VALUES (10, 'd') ON CONFLICT (code) DO UPDATE SET code = 'B' RETURNING id, code",
            "SELECT id, code, v, hits FROM u_users ORDER BY id");
        await cluster.AgreesAsync("u_users", "code");
        await _beside.Subject.MustAsync("CREATE TRIGGER fold BEFORE INSERT ON u_users FOR EACH ROW EXECUTE FUNCTION folded()");
        await _beside.RefusedAsync("INSERT INTO u_users (id, code) VALUES (20, 'A') ON CONFLICT (code) DO NOTHING");
        await _beside.Subject.MustAsync("DROP TRIGGER fold ON u_users");
        await _beside.SameAsync("DROP TRIGGER zfold ON u_users", "DROP TRIGGER touch ON u_users", "DROP FUNCTION folded", "DROP FUNCTION touched");
    }

    [Fact]
    public async Task Of_rows_that_a_query_gives()
    {
        const string Upsert = "ON CONFLICT (code) DO UPDATE SET hits = u_users.hits + excluded.hits, v = excluded.v";
        await _beside.SameAsync(
            "CREATE UNIQUE INDEX u_lower ON u_users (lower(email))",
            "INSERT INTO u_users (id, code, email) SELECT g, 'c' || g % 7, NULL FROM generate_series(1, 5) AS g ON CONFLICT (code) DO NOTHING",
            $"INSERT INTO u_users (id, code, v) SELECT g + 100, 'c' || g, 'second' FROM generate_series(3, 9) AS g {Upsert}",
            $"INSERT INTO u_users (id, code, v, hits) SELECT id + 1000, code, 'third', id FROM u_users WHERE id < 5 ORDER BY id {Upsert} RETURNING id, code, hits",
            $"INSERT INTO u_users (id, code, v) SELECT 2000 + id, 'c1', 'twice' FROM u_users {Upsert}",
            $"INSERT INTO u_users SELECT 3000 + id, 'A' || id, code, gone, 'all' FROM u_users WHERE id > 100 ORDER BY 1 {Upsert} RETURNING *",
            "INSERT INTO u_users (id, email) SELECT 4000 + id, 'Mail' || id % 3 FROM u_users WHERE id > 2 ORDER BY id ON CONFLICT (lower(email)) DO NOTHING",
            "INSERT INTO u_users (id, email, v) SELECT 5000 + id, 'MAIL' || id, 'mail' FROM (VALUES (0), (1), (7)) AS t(id) ON CONFLICT (lower(email)) DO UPDATE SET v = excluded.v RETURNING id, email, v",
            "INSERT INTO u_users (id, code, email) SELECT 6000 + id, code, 'mail9' FROM u_users WHERE id < 3 ORDER BY id ON CONFLICT DO NOTHING",
            "INSERT INTO u_users (id, code) SELECT id, code FROM u_users WHERE false ON CONFLICT (code) DO NOTHING RETURNING id",
            "SELECT id, email, code, v, hits FROM u_users ORDER BY id");
        await _beside.SameAsync(
            new FrontendScript().Run($"INSERT INTO u_users (id, code, v) SELECT id + $1, code, $2 FROM u_users WHERE id < $3 ORDER BY id {Upsert} RETURNING id, v, hits", ["7000", "param", "4"]).Sync(), "with parameters");
        await cluster.AgreesAsync("u_users", "code");
    }

    [Fact]
    public async Task Prepared_in_SQL()
    {
        await _beside.SameAsync(
            "PREPARE p AS INSERT INTO u_users (id, code, v) VALUES ($1, $2, $3) ON CONFLICT (code) DO UPDATE SET v = excluded.v, hits = u_users.hits + 1 RETURNING id, v, hits",
            "EXECUTE p(1, 'a', 'one')",
            "EXECUTE p(2, 'a', 'two')",
            "EXECUTE p(3, lower('B'), NULL)",
            "PREPARE u AS UPDATE u_users SET code = $2 WHERE id = $1 RETURNING code",
            "EXECUTE u(1, 'c')",
            "EXECUTE u(3, 'c')",
            "PREPARE d AS DELETE FROM u_users WHERE code = $1",
            "EXECUTE d('c')",
            "EXECUTE p(4, 'c', 'four')",
            "SELECT id, code, v, hits FROM u_users ORDER BY id",
            "DEALLOCATE ALL");
        await cluster.AgreesAsync("u_users", "code");
        (await _beside.Subject.QueryAsync("EXPLAIN (COSTS OFF) INSERT INTO u_users (id, code) VALUES (9, 'a'), (10, 'b') ON CONFLICT (code) DO NOTHING"))
            .ShouldContain(static message => message.ToString().Contains("Rows Divided by Shard", StringComparison.Ordinal));
        (await _beside.Subject.ScalarAsync("SELECT count(*) FROM u_users")).ShouldBe("2");
    }

    [Fact]
    public async Task Of_many_who_come_at_once_each_counts()
    {
        const int Clients = 8;
        const int Values = 8;
        await _beside.SameAsync("CREATE UNIQUE INDEX u_lower ON u_users (lower(email)) WHERE NOT gone");
        var errors = new ConcurrentBag<string>();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async number =>
        {
            await using var client = await WireClient.ConnectAsync(cluster.Proxy.Endpoint);
            for (var value = 0; value < Values; value++)
            {
                var id = 1 + number + (Clients * value);
                foreach (var statement in (string[])
                         [
                             $"INSERT INTO u_users (id, email) VALUES ({id}, '{(number % 2 == 0 ? "V" : "v")}{value}') ON CONFLICT (lower(email)) WHERE NOT gone DO UPDATE SET hits = u_users.hits + 1",
                             $"INSERT INTO u_users (id, code) SELECT 100 + {id} + n - n, 'q{value}' FROM (VALUES (0)) AS t(n) ON CONFLICT (code) DO UPDATE SET hits = u_users.hits + 1",
                         ])
                {
                    if ((await client.QueryAsync(statement)).FirstOrDefault(static message => message.Type == 'E') is { } error)
                        errors.Add($"{statement}: {error}");
                }
            }
        }));
        errors.ShouldBeEmpty();
        (await _beside.Subject.ScalarAsync("SELECT count(*) || ' ' || sum(hits) FROM u_users WHERE email IS NOT NULL")).ShouldBe($"{Values} {Values * Clients}");
        (await _beside.Subject.ScalarAsync("SELECT count(*) || ' ' || sum(hits) FROM u_users WHERE code IS NOT NULL")).ShouldBe($"{Values} {Values * Clients}");
    }
}
