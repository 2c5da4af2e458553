using System.Collections.Concurrent;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Uniqueness;

/// <summary>ON CONFLICT by columns that are unique over all shards, beside one PostgreSQL.</summary>
[Collection(UniqueCollection.Name)]
public sealed class UniqueConflictTests(UniqueCluster cluster) : IAsyncLifetime
{
    private UniqueBeside _beside = null!;

    public async Task InitializeAsync() => _beside = await cluster.OpenAsync(
        """
        CREATE TABLE u_users (id int8 PRIMARY KEY, email varchar(12) UNIQUE, a int, b varchar(10) DEFAULT 'd', note text CHECK (note <> 'bad'), hits int NOT NULL DEFAULT 1,
            seen timestamptz DEFAULT '2024-01-01 00:00+00', CONSTRAINT pair UNIQUE (a, b))
        """);

    public async Task DisposeAsync() => await cluster.CloseAsync(_beside);

    [Fact]
    public async Task The_row_in_conflict_is_changed_wherever_it_is()
    {
        const string Upsert = "ON CONFLICT (email) DO UPDATE SET hits = u_users.hits + 1, note = excluded.note";
        await _beside.SameAsync(
            $"INSERT INTO u_users (id, email, note) VALUES (1, 'a@x', 'one') {Upsert} RETURNING id, email, hits, note",
            $"INSERT INTO u_users (id, email, note) VALUES (2, 'a@x', 'two') {Upsert} RETURNING id, email, hits, note",
            $"INSERT INTO u_users (id, email, note) VALUES (3, 'a@x', 'three') {Upsert}",
            $"INSERT INTO u_users (id, email, note) VALUES (1, 'b@x', 'one') {Upsert}",
            $"INSERT INTO u_users (id, email, note) VALUES (1, 'a@x', 'four') {Upsert} RETURNING *",
            $"INSERT INTO u_users (id, email, note) VALUES (4, 'b@x', 'b'), (5, 'c@x', 'c'), (6, 'a@x', 'a'), (7, 'd@x', 'd') {Upsert} RETURNING id, email, hits, note",
            $"INSERT INTO u_users (id, email, note) VALUES (14, 'b@x', 'b'), (15, 'n@x', 'c'), (16, 'n@x', 'a') {Upsert} RETURNING id",
            $"INSERT INTO u_users (id, email, note) VALUES (14, 'b@x', 'b'), (15, 'b@x', 'c') {Upsert} RETURNING id",
            $"INSERT INTO u_users (id, email, note) VALUES (20, NULL, 'x'), (21, NULL, 'y'), (22, 'c@x', 'z') {Upsert} RETURNING id",
            $"INSERT INTO u_users (id, note) VALUES (23, 'no email') {Upsert} RETURNING id",
            $"INSERT INTO u_users (id, email, note) VALUES (24, 'much too long for it', 'x') {Upsert}",
            $"INSERT INTO u_users (id, email, note) VALUES (24, 'c@x         ', 'blanks') {Upsert} RETURNING id",
            $"INSERT INTO u_users (id, email, note) VALUES (24, 'c@x' || '            ', 'blanks') {Upsert} RETURNING id",
            $"INSERT INTO u_users (id, email, note) VALUES (25, 'a@x', 'bad') {Upsert}",
            $"INSERT INTO u_users (id, email, note, hits) VALUES (25, 'a@x', 'x', NULL) {Upsert}",
            $"INSERT INTO u_users (id, email, nothing) VALUES (25, 'a@x', 'x') {Upsert}",
            $"INSERT INTO u_users (id, email, note) VALUES (25, lower('A@X'), 'lower') {Upsert} RETURNING id",
            "INSERT INTO u_users (id, email) VALUES (26, 'a@x') ON CONFLICT (email) DO UPDATE SET email = 'b@x'",
            "INSERT INTO u_users (id, email) VALUES (26, 'a@x') ON CONFLICT (email) DO UPDATE SET email = 'A@X' RETURNING id, email",
            "INSERT INTO u_users (id, email) VALUES (27, 'a@x') ON CONFLICT (email) DO UPDATE SET email = 'never' RETURNING id, email",
            "INSERT INTO u_users AS u (id, email) VALUES (28, 'b@x') ON CONFLICT (email) DO UPDATE SET note = 'where' WHERE u.hits > 1000 RETURNING id",
            "INSERT INTO u_users AS u (id, email) VALUES (28, 'b@x') ON CONFLICT (email) DO UPDATE SET note = 'where' WHERE u.hits < 1000 RETURNING u.id, u.note",
            "INSERT INTO u_users (id, email) VALUES (28, 'b@x') ON CONFLICT ON CONSTRAINT u_users_email_key DO UPDATE SET note = 'constraint' RETURNING id, note",
            "INSERT INTO u_users (id, email, a) VALUES (28, 'p@x', 1) ON CONFLICT (a, b) DO UPDATE SET note = 'pair' RETURNING id, a, b",
            "INSERT INTO u_users (id, email, a) VALUES (29, 'q@x', 1) ON CONFLICT (b, a) DO UPDATE SET note = 'pair' RETURNING id, a, b, note",
            "INSERT INTO u_users (id, email, a, b) VALUES (29, 'p@x', 1, 'e') ON CONFLICT (a, b) DO UPDATE SET note = 'pair'",
            "INSERT INTO u_users (id, email, a, b) VALUES (29, 'p@x', 1, DEFAULT) ON CONFLICT (email) DO UPDATE SET a = 2, b = excluded.b RETURNING id, a, b",
            "INSERT INTO u_users VALUES (30, 'b@x', 5, 'five') ON CONFLICT (email) DO UPDATE SET (a, b) = (excluded.a, excluded.b) RETURNING id, a, b",
            "SELECT * FROM u_users ORDER BY id");
        await AgreesAsync();
    }

    [Fact]
    public async Task Rows_in_conflict_are_left_out()
    {
        await _beside.SameAsync(
            "INSERT INTO u_users (id, email, a) VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)",
            "INSERT INTO u_users (id, email) VALUES (4, 'a') ON CONFLICT (email) DO NOTHING",
            "INSERT INTO u_users (id, email) VALUES (4, 'a') ON CONFLICT (email) DO NOTHING RETURNING id",
            "INSERT INTO u_users (id, email) VALUES (4, 'd') ON CONFLICT (email) DO NOTHING RETURNING id",
            "INSERT INTO u_users (id, email) VALUES (5, 'x'), (6, 'b'), (7, 'x'), (8, 'y'), (9, 'y') ON CONFLICT (email) DO NOTHING",
            "INSERT INTO u_users (id, email) VALUES (1, 'z') ON CONFLICT (email) DO NOTHING",
            "INSERT INTO u_users (id, email) VALUES (1, 'z') ON CONFLICT DO NOTHING",
            "INSERT INTO u_users (id, email) VALUES (10, 'a') ON CONFLICT DO NOTHING",
            "INSERT INTO u_users (id, email, a, b) VALUES (10, 'new', 2, 'd') ON CONFLICT DO NOTHING",
            "INSERT INTO u_users (id, email, a) VALUES (10, 'new', 2) ON CONFLICT DO NOTHING RETURNING id",
            "INSERT INTO u_users (id, email, a) VALUES (10, 'new', 10) ON CONFLICT DO NOTHING RETURNING id",
            // The first is in the way of none, for it is not stored itself.
            "INSERT INTO u_users (id, email, a) VALUES (1, 'twin', 50), (11, 'twin', 51), (12, 'other', 51), (13, 'other', 52) ON CONFLICT DO NOTHING",
            "INSERT INTO u_users (id, email, a) VALUES (14, 'e', 60), (15, 'f', 61), (16, 'a', 62), (17, 'g', 1) ON CONFLICT DO NOTHING",
            "INSERT INTO u_users (id, email, note) VALUES (18, 'a', 'bad') ON CONFLICT DO NOTHING",
            "INSERT INTO u_users (id, email, note) VALUES (18, 'a', 'bad') ON CONFLICT (email) DO NOTHING",
            "INSERT INTO u_users (id, email) VALUES (18, 'even much too long') ON CONFLICT DO NOTHING",
            "SELECT * FROM u_users ORDER BY id");
        await AgreesAsync();
    }

    [Fact]
    public async Task In_blocks_and_with_parameters()
    {
        const string Upsert = "INSERT INTO u_users (id, email, note) VALUES ($1, $2, $3) ON CONFLICT (email) DO UPDATE SET note = excluded.note, hits = u_users.hits + 1 RETURNING id, hits";
        const string Ignore = "INSERT INTO u_users (id, email, a, seen) VALUES ($1, $2, $3, now()) ON CONFLICT DO NOTHING";
        await _beside.SameAsync(new FrontendScript().Run(Upsert, ["1", "a", "x"]).Run(Upsert, ["2", "a", "y"]).Sync(), "a pipeline");
        await _beside.SameAsync(new FrontendScript().Run(Upsert, ["3", "a", null]).Run(Upsert, ["3", null, "y"]).Sync(), "nulls");
        await _beside.SameAsync(new FrontendScript().Run(Ignore, ["4", "a", "7"]).Run(Ignore, ["5", "b", "7"]).Run(Ignore, ["6", "c", "7"]).Sync(), "ignored");
        await _beside.SameAsync(
            "BEGIN",
            "INSERT INTO u_users (id, email) VALUES (20, 'a'), (21, 'n') ON CONFLICT (email) DO UPDATE SET note = 'block'",
            "INSERT INTO u_users (id, email) VALUES (22, 'n') ON CONFLICT (email) DO UPDATE SET note = 'again' RETURNING id",
            "SAVEPOINT s",
            "INSERT INTO u_users (id, email) VALUES (23, 'm') ON CONFLICT (email) DO UPDATE SET note = 'again' RETURNING id",
            "DELETE FROM u_users WHERE id = 21",
            "INSERT INTO u_users (id, email) VALUES (24, 'n') ON CONFLICT (email) DO UPDATE SET note = 'again' RETURNING id",
            "ROLLBACK TO s",
            "INSERT INTO u_users (id, email) VALUES (25, 'm') ON CONFLICT (email) DO UPDATE SET note = 'again' RETURNING id",
            "INSERT INTO u_users (id, email) VALUES (26, 'n') ON CONFLICT (email) DO UPDATE SET note = 'more' RETURNING id",
            "COMMIT",
            "BEGIN ISOLATION LEVEL REPEATABLE READ",
            "INSERT INTO u_users (id, email) VALUES (30, 'rr') ON CONFLICT (email) DO UPDATE SET note = 'rr'",
            "INSERT INTO u_users (id, email) VALUES (31, 'rr') ON CONFLICT (email) DO UPDATE SET note = 'rr again' RETURNING id",
            "COMMIT",
            "SELECT id, email, a, note, hits FROM u_users ORDER BY id");
        await AgreesAsync();
    }

    [Fact]
    public async Task Of_many_who_come_at_once_each_counts()
    {
        const int Clients = 12;
        const int Values = 15;
        var errors = new ConcurrentBag<string>();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async number =>
        {
            await using var client = await WireClient.ConnectAsync(cluster.Proxy.Endpoint);
            for (var value = 0; value < Values; value++)
            {
                var id = 1 + number + (Clients * value);
                foreach (var statement in (string[])
                         [
                             $"INSERT INTO u_users (id, email) VALUES ({id}, 'v{value}') ON CONFLICT (email) DO UPDATE SET hits = u_users.hits + 1",
                             $"INSERT INTO u_users (id, email) VALUES ({id}, 'i{value}') ON CONFLICT DO NOTHING",
                         ])
                {
                    if ((await client.QueryAsync(statement)).FirstOrDefault(static message => message.Type == 'E') is { } error)
                        errors.Add($"{statement}: {error}");
                }
            }
        }));
        errors.ShouldBeEmpty();
        (await _beside.Subject.ScalarAsync("SELECT count(*) || ' ' || sum(hits) FROM u_users WHERE email LIKE 'v%'")).ShouldBe($"{Values} {Values * Clients}");
        (await _beside.Subject.ScalarAsync("SELECT count(*) || ' ' || sum(hits) FROM u_users WHERE email LIKE 'i%'")).ShouldMatch($"^\\d+ \\d+$");
        await AgreesAsync();
    }

    private async Task AgreesAsync()
    {
        await cluster.AgreesAsync("u_users", "email");
        await cluster.AgreesAsync("u_users", "a, b");
    }
}
