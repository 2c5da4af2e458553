using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>UPDATE of the key and of the zone, and INSERT … SELECT whose rows move, on tables with zones: beside one PostgreSQL, and on the shards.</summary>
[Collection(LabCollection.Name)]
public sealed class ZoneWriteTests(Lab lab) : IAsyncLifetime
{
    private const string Zones = "zone_column => 'r', zones => '(eu, ch) on s0 s1, (us) on s2'";

    private static readonly (string Name, string Arguments)[] Tables =
    [
        ("z_hash", Zones),
        ("z_shared", "zone_column => 'r', zones => '(eu) on s0 s1, (us, ch) on s2 s1'"),
        ("z_range", $"strategy => 'range', ranges => '[,10), [10,100), [100,)', {Zones}"),
        ("z_list", $"strategy => 'list', lists => '(1, 2, 3, 4), (5, 6, 7, 8), default', {Zones}"),
        ("z_lookup", $"strategy => 'lookup', {Zones}"),
    ];

    public async Task InitializeAsync()
    {
        await DropAsync();
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            await client.MustAsync("CREATE TABLE z_home (k int, r text)");
            await client.MustAsync("INSERT INTO z_home SELECT g + 700, CASE WHEN g % 2 = 0 THEN 'us' ELSE 'ch' END FROM generate_series(1, 9) g");
            foreach (var (name, arguments) in Tables)
            {
                await client.MustAsync($"CREATE TABLE {name} (k int4, r varchar(4), v text, n numeric(10,2) NOT NULL DEFAULT 1, twice numeric GENERATED ALWAYS AS (n * 2) STORED, PRIMARY KEY (k, r), CHECK (n < 10000))");
                await client.MustAsync($"CREATE TABLE {name}_part (k int4, r varchar(4), no int4, PRIMARY KEY (k, r, no), FOREIGN KEY (k, r) REFERENCES {name} (k, r))");
                if (endpoint == lab.Subject && !Lab.IsDirect)
                {
                    await client.MustAsync($"SELECT create_distributed_table('{name}', 'k', {arguments})");
                    await client.MustAsync($"SELECT create_distributed_table('{name}_part', 'k', colocate_with => '{name}')");
                }
                await client.MustAsync($"INSERT INTO {name} (k, r, v, n) VALUES {string.Join(", ", Enumerable.Range(1, 12).Select(static k => $"({k * 3}, '{RegionOf(k)}', 'v{k}', {k}.25)"))}");
                await client.MustAsync($"INSERT INTO {name}_part VALUES (3, '{RegionOf(1)}', 1), (6, '{RegionOf(2)}', 1), (6, '{RegionOf(2)}', 2)");
            }
        }
    }

    public async Task DisposeAsync() => await DropAsync();

    private static string RegionOf(int number) => (number % 3) switch
    {
        0 => "eu",
        1 => "us",
        _ => "ch",
    };

    [Fact]
    public async Task Keys_change_within_their_zones()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var (table, _) in Tables)
        {
            await beside.SameAsync($"UPDATE {table} SET k = 200 WHERE k = 9 RETURNING k, r, v, n, twice");
            await beside.SameAsync($"UPDATE {table} SET k = k + 1, n = n + 1 WHERE k IN (12, 15, 18) AND r <> 'x' RETURNING *");
            await beside.SameAsync($"UPDATE {table} SET k = 500 - k, v = 'far' WHERE n > 7");
            await beside.SameAsync($"UPDATE {table} SET k = 201 WHERE k = 200 AND r = 'eu'");
            await beside.SameAsync($"UPDATE {table} SET k = 300, n = 20000 WHERE k = 201");
            await beside.SameAsync($"UPDATE {table} SET k = NULL WHERE k = 201");
            await beside.SameAsync($"UPDATE {table} SET k = 77 WHERE k = 3");
            await SameAsync(beside, table);
        }
    }

    [Fact]
    public async Task Rows_go_to_their_new_zone()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var (table, _) in Tables.Where(static table => table.Name != "z_lookup"))
        {
            await beside.SameAsync($"UPDATE {table} SET r = 'us' WHERE k = 9 RETURNING k, r, v, n, twice");
            await beside.SameAsync($"UPDATE {table} SET r = 'eu' WHERE k = 9 AND r = 'us'");
            await beside.SameAsync($"UPDATE {table} SET r = 'ch', v = v || '!' WHERE r = 'eu' RETURNING *");
            await beside.SameAsync($"UPDATE {table} SET r = CASE WHEN k % 2 = 0 THEN 'us' ELSE 'eu' END, k = k + 1000 WHERE k > 10");
            await beside.SameAsync($"UPDATE {table} t SET r = s.r FROM (VALUES (1021, 'ch'), (1012, 'eu')) AS s(k, r) WHERE s.k = t.k AND t.v LIKE 'v%'");
            await beside.SameAsync($"UPDATE {table} SET r = r");
            await beside.SameAsync($"UPDATE {table} SET r = 'europe' WHERE k = 9");
            await beside.SameAsync($"UPDATE {table} SET r = 'us', k = 1013 WHERE k = 1022");
            await beside.SameAsync($"UPDATE {table} SET r = 'us' WHERE k = 6");
            await beside.SameAsync("BEGIN");
            await beside.SameAsync($"UPDATE {table} SET r = 'us' WHERE k = 9");
            await beside.SameAsync($"SELECT k, r FROM {table} WHERE k = 9");
            await beside.SameAsync("ROLLBACK");
            await SameAsync(beside, table);
            if (Lab.IsDirect)
                continue;
            (await beside.RefusedAsync($"UPDATE {table} SET r = 'mars' WHERE k = 9"))!.SqlState.ShouldBe("23514");
            (await beside.RefusedAsync($"UPDATE {table} SET r = NULL WHERE k > 9"))!.SqlState.ShouldBe("23502");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Parameters(short format)
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var (table, _) in Tables)
        {
            await SameAsync(beside, $"UPDATE {table} SET k = $1 WHERE k = $2 RETURNING k, r", format, "400", "12");
            await SameAsync(beside, $"INSERT INTO {table} (v, r, k) SELECT 'p', $1, k + $2 FROM {table} WHERE n > $3 RETURNING k, r", format, "us", "2000", "9");
            if (table != "z_lookup")
                await SameAsync(beside, $"UPDATE {table} SET r = $1, k = k + $2 WHERE k = $3 RETURNING k, r", format, "us", "3", "9");
            await SameAsync(beside, table);
        }
    }

    [Fact]
    public async Task Rows_of_a_query_go_to_the_shards_of_their_zones()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var (table, _) in Tables)
        {
            await beside.SameAsync($"INSERT INTO {table} (k, r, v) SELECT k + 1000, CASE WHEN r = 'us' THEN 'eu' ELSE 'us' END, v || '+' FROM {table} RETURNING k, r, twice");
            await beside.SameAsync($"INSERT INTO {table} (r, k) SELECT 'ch', 2000 + row_number() OVER (ORDER BY k) FROM {table} WHERE k < 30");
            await beside.SameAsync($"INSERT INTO {table} (r, k, v) SELECT r, k, 'home' FROM z_home");
            await beside.SameAsync($"INSERT INTO {table} SELECT k, r FROM (VALUES (3001, 'eu'), (3002, 'us'), (3003, 'ch')) AS x(k, r)");
            await beside.SameAsync($"INSERT INTO {table} (k, r) SELECT 3001, 'eu' ON CONFLICT (k, r) DO UPDATE SET v = 'again'");
            await beside.SameAsync($"INSERT INTO {table} (k, r) SELECT k, r FROM {table} WHERE k < 20");
            await beside.SameAsync($"INSERT INTO {table}_part SELECT k, r, 7 FROM {table} WHERE n = 1");
            await beside.SameAsync($"INSERT INTO {table} (k, r) SELECT NULL, 'eu'");
            await beside.SameAsync($"INSERT INTO {table} (k, r) SELECT 5000, 'mars' WHERE false");
            await SameAsync(beside, table);
            if (Lab.IsDirect)
                continue;
            (await beside.RefusedAsync($"INSERT INTO {table} (k, r) SELECT g + 6000, CASE g WHEN 3 THEN 'mars' ELSE 'eu' END FROM generate_series(1, 3) g"))!.SqlState.ShouldBe("23514");
            (await beside.RefusedAsync($"INSERT INTO {table} (k, r) SELECT g + 6000, NULL FROM generate_series(1, 3) g"))!.SqlState.ShouldBe("23502");
        }
    }

    [Fact]
    public async Task What_is_unique_over_all_zones_goes_with_the_rows()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var table in (string[])["z_hash", "z_lookup"])
        {
            await beside.SameAsync($"ALTER TABLE {table} ADD CONSTRAINT {table}_v UNIQUE (v)");
            if (table == "z_hash")
                await beside.SameAsync($"UPDATE {table} SET r = CASE r WHEN 'us' THEN 'eu' ELSE 'us' END, v = v || '.' WHERE k > 6 RETURNING k, r, v");
            await beside.SameAsync($"UPDATE {table} SET k = k + 40 WHERE k > 12 RETURNING k, r, v");
            await beside.SameAsync($"INSERT INTO {table} (k, r, v) SELECT k + 1000, r, v FROM {table} WHERE k < 7");
            await beside.SameAsync($"INSERT INTO {table} (k, r, v) SELECT k + 1000, r, v || 'w' FROM {table} WHERE k < 7");
            await beside.SameAsync($"UPDATE {table} SET v = 'v1w' WHERE k = 9");
            await beside.SameAsync($"UPDATE {table} SET r = 'ch' WHERE k = 1003 AND r = 'eu'");
            await beside.SameAsync($"DELETE FROM {table} WHERE k = 1003");
            await beside.SameAsync($"UPDATE {table} SET v = 'v1w' WHERE k = 9");
            await SameAsync(beside, table);
        }
    }

    [Fact]
    public async Task A_looked_up_key_keeps_its_place_and_its_rows_their_zone()
    {
        if (Lab.IsDirect)
            return;
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var statement in (string[])
                 [
                     "UPDATE z_lookup SET r = 'us' WHERE k = 6",
                     "UPDATE z_lookup SET r = 'us' WHERE k < 9",
                     "UPDATE z_lookup SET r = CASE r WHEN 'us' THEN 'eu' ELSE 'us' END",
                     "UPDATE z_lookup SET k = 6 WHERE k = 12",
                     "INSERT INTO z_lookup (k, r) SELECT k, 'us' FROM z_lookup WHERE r = 'eu'",
                 ])
        {
            (await beside.RefusedAsync(statement))!.SqlState.ShouldBe("23514", statement);
        }
        await beside.SameAsync("UPDATE z_lookup SET r = 'ch' WHERE k = 9 RETURNING k, r");
        await beside.SameAsync("UPDATE z_lookup SET r = 'us' WHERE k = 4711");
        await SameAsync(beside, "z_lookup");
    }

    private static Task SameAsync(WritesBeside beside, string statement, short format, params string?[] parameters) =>
        beside.SameAsync(new FrontendScript().Run(statement, parameters, format).Sync(), statement);

    private async Task DropAsync()
    {
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            foreach (var (name, _) in Tables)
            {
                await client.QueryAsync($"DROP TABLE IF EXISTS {name}_part");
                await client.QueryAsync($"DROP TABLE IF EXISTS {name}");
            }
            await client.QueryAsync("DROP TABLE IF EXISTS z_home");
        }
    }

    /// <summary>The rows are alike, each is where its key and zone lead, and none is outside of its zone.</summary>
    private async Task SameAsync(WritesBeside beside, string table)
    {
        await beside.SameAsync(new FrontendScript().Query($"SELECT k, r, v, n, twice FROM {table} ORDER BY k, r"), table, ordered: true);
        await beside.SameAsync(new FrontendScript().Query($"SELECT k, r, no FROM {table}_part ORDER BY k, r, no"), table, ordered: true);
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        foreach (var row in (await client.MustAsync($"SELECT k, r FROM {table}")).Where(static message => message.Type == 'D'))
            (await client.ScalarAsync($"SELECT count(*) FROM {table} WHERE k = {row.TextValues[0]} AND r = '{row.TextValues[1]}'")).ShouldBe("1", $"{table}: {row}");
        if (Lab.IsDirect)
            return;
        string[] abroad = table == "z_shared" ? ["r <> 'eu'", "false", "r = 'eu'"] : ["r = 'us'", "r = 'us'", "r <> 'us'"];
        for (var shard = 0; shard < abroad.Length; shard++)
        {
            foreach (var each in (string[])[table, $"{table}_part"])
                (await lab.Cluster.Shards[shard].ScalarAsync<long>($"SELECT count(*) FROM {each} WHERE {abroad[shard]}")).ShouldBe(0, $"{each} on s{shard}");
        }
    }
}
