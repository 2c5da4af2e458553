using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Committing;

/// <summary>Rows that a transaction has locked on shards where it writes nothing stay locked until what it has written elsewhere is seen.</summary>
[Collection(LabCollection.Name)]
public sealed class LockedRowsTests(Lab lab) : IAsyncLifetime
{
    private const int Lock = 4711;

    public async Task InitializeAsync()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.MustAsync("CREATE TABLE locked (id int8 PRIMARY KEY, v int4)");
        await client.MustAsync("SELECT create_distributed_table('locked', 'id')");
        await client.MustAsync("INSERT INTO locked SELECT g, 0 FROM generate_series(1, 60) g");
        await lab.Cluster.Home.ExecuteAsync($"""
            CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock({Lock}); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER waits AFTER UPDATE ON locked DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_for_test()
            """);
    }

    public async Task DisposeAsync()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.MustAsync("DROP TABLE locked");
        await lab.Cluster.Home.ExecuteAsync("DROP FUNCTION wait_for_test()");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task They_are_locked_until_all_writers_have_committed(int writers)
    {
        var shards = lab.Cluster.Shards;
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.MustAsync("BEGIN");
        await client.MustAsync("SELECT id FROM locked FOR UPDATE");
        for (var shard = 0; shard < writers; shard++)
            await client.MustAsync($"UPDATE locked SET v = v + 1 WHERE id = {await shards[shard].ScalarAsync<long>("SELECT min(id) FROM locked")}");
        await using var blocker = new NpgsqlConnection(shards[0].ConnectionString);
        await blocker.OpenAsync();
        await using (var take = new NpgsqlCommand($"SELECT pg_advisory_lock({Lock})", blocker))
            await take.ExecuteNonQueryAsync();
        var commit = client.MustAsync("COMMIT");
        await Until.TrueAsync(
            async () => await shards[0].ScalarAsync<long>($"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {Lock} AND NOT granted") > 0,
            "the writer commits");
        (await FreeAsync()).ShouldBe(0);
        await using (var give = new NpgsqlCommand($"SELECT pg_advisory_unlock({Lock})", blocker))
            await give.ExecuteNonQueryAsync();
        await commit;
        (await FreeAsync()).ShouldBeGreaterThan(0);
        (await client.ScalarAsync("SELECT sum(v) > 0 FROM locked")).ShouldBe("t");

        Task<long> FreeAsync() => shards[2].ScalarAsync<long>("WITH free AS (SELECT id FROM locked FOR UPDATE SKIP LOCKED) SELECT count(*) FROM free");
    }
}
