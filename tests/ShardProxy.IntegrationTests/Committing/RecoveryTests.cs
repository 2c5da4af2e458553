using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.IntegrationTests.Committing;

/// <summary>What a proxy that is no more has left on the shards, made here by hand, and what another makes of it.</summary>
public sealed class RecoveryTests : IAsyncLifetime
{
    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;
    private string _id = "";
    private string _secret = "";
    private string _uuid = "";

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(3, options: new PostgresOptions(MaxConnections: 40));
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: new Dictionary<string, string> { ["things"] = "{ key: id }" }, Users:
            $"users:\n  - {{ name: {PostgresServer.AppUser}, password: \"{PostgresServer.Password.Replace(@"\", @"\\")}\", admin: true }}"));
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("CREATE TABLE things (id int8 PRIMARY KEY)");
        _uuid = (await _cluster.Home.ScalarAsync<string>("SELECT current_setting('shardproxy.stamp')")).Split('/')[0];
        _secret = CommitSecret.Create();
        _id = CommitSecret.IdOf(_secret);
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Without_a_decision_all_parts_are_rolled_back_and_none_can_be_made_later()
    {
        await PrepareAsync(1);
        await PrepareAsync(2);
        await Until.TrueAsync(async () => await PreparedAsync() == 0, "the parts are finished");
        (await RowsAsync()).ShouldBe(0);
        var late = await Should.ThrowAsync<PostgresException>(() => _cluster.Shards[0].ExecuteAsync($"SELECT information_schema.shardproxy_decide('{_secret}')"));
        late.SqlState.ShouldBe("23505");
    }

    [Fact]
    public async Task With_a_decision_all_parts_are_committed()
    {
        await _cluster.Shards[0].ExecuteAsync($"INSERT INTO things VALUES (0); SELECT information_schema.shardproxy_decide('{_secret}')");
        await PrepareAsync(1);
        await PrepareAsync(2);
        await Until.TrueAsync(async () => await PreparedAsync() == 0, "the parts are finished");
        (await RowsAsync()).ShouldBe(3);
    }

    [Theory]
    [InlineData("COMMIT", 3)]
    [InlineData("ROLLBACK", 0)]
    public async Task A_deciding_transaction_that_is_under_way_is_waited_for(string end, int rows)
    {
        await using var decider = new NpgsqlConnection(_cluster.Shards[0].ConnectionString);
        await decider.OpenAsync();
        await RunAsync(decider, $"BEGIN; INSERT INTO things VALUES (0); SELECT information_schema.shardproxy_decide('{_secret}')");
        await PrepareAsync(1);
        await PrepareAsync(2);
        await Until.TrueAsync(
            async () => await _cluster.Shards[0].ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO information_schema%'") > 0,
            "recovery waits for the deciding transaction");
        (await PreparedAsync()).ShouldBe(2);
        await RunAsync(decider, end);
        await Until.TrueAsync(async () => await PreparedAsync() == 0, "the parts are finished");
        (await RowsAsync()).ShouldBe(rows);
    }

    [Fact]
    public async Task A_deciding_transaction_that_its_proxy_has_left_is_ended()
    {
        await using var decider = new NpgsqlConnection(_cluster.Shards[0].ConnectionString);
        await decider.OpenAsync();
        await RunAsync(decider, $"BEGIN; INSERT INTO things VALUES (0); SELECT information_schema.shardproxy_decide('{_secret}')");
        await PrepareAsync(1);
        await Until.TrueAsync(async () => await PreparedAsync() == 0, "the part is finished", TimeSpan.FromSeconds(60));
        (await RowsAsync()).ShouldBe(0);
        await Should.ThrowAsync<NpgsqlException>(() => RunAsync(decider, "COMMIT"));
    }

    [Fact]
    public async Task What_others_have_prepared_is_left_alone()
    {
        string[] names = ["mine", "shardproxy:", $"shardproxy:{Guid.NewGuid()}:s0:{_id}:0", $"shardproxy:{_uuid}:s0:{_id}", $"shardproxy:{_uuid}:gone:{_id}:0"];
        for (var i = 0; i < names.Length; i++)
            await _cluster.Shards[1].ExecuteAsync($"BEGIN; INSERT INTO things VALUES ({100 + i}); PREPARE TRANSACTION '{names[i]}'");
        // Another database of the server may hold a shard of another of the cluster's databases, which has a recovery of its own.
        await _cluster.Shards[1].ExecuteAsync("CREATE TABLE others (id int); BEGIN; INSERT INTO others VALUES (1); PREPARE TRANSACTION 'elsewhere'", "postgres");
        await PrepareAsync(2);
        await Until.TrueAsync(async () => await _cluster.Shards[2].ScalarAsync<long>("SELECT count(*) FROM pg_prepared_xacts") == 0, "the part that is ours is finished");
        await Until.TrueAsync(() => _proxy.Log.Contains("the configuration has no shard \"gone\"", StringComparison.Ordinal), "the log tells of the shard that is not there");
        (await _cluster.Shards[1].ScalarAsync<long>("SELECT count(*) FROM pg_prepared_xacts")).ShouldBe(names.Length + 1);
    }

    [Fact]
    public async Task A_decider_that_is_down_is_waited_for_and_the_admin_database_says_so()
    {
        await _cluster.Shards[2].ExecuteAsync($"SELECT information_schema.shardproxy_decide('{_secret}')");
        await _cluster.Shards[2].KillAsync();
        await _cluster.Shards[1].ExecuteAsync($"BEGIN; INSERT INTO things VALUES (1); PREPARE TRANSACTION 'shardproxy:{_uuid}:s2:{_id}:0'");
        await using (var admin = await WireClient.ConnectAsync(_proxy.Endpoint with { Database = "shardproxy" }))
        {
            await Until.TrueAsync(
                async () => (await admin.QueryAsync("SHOW TRANSACTIONS")).Any(message => message.Type == 'D' && message.TextValues[1] == _id
                    && message.TextValues[2] == "s2" && message.TextValues[3] == "s1" && message.TextValues[5].Contains("cannot be reached", StringComparison.Ordinal)),
                "the admin database tells what the transaction waits for");
        }
        await _cluster.Shards[2].RestartAsync();
        await Until.TrueAsync(async () => await PreparedAsync() == 0, "the part is finished");
        (await RowsAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task A_dump_of_the_database_holds_nothing_of_ours()
    {
        var home = _proxy.Endpoint with { Port = _cluster.Home.Port };
        var dump = await Clients.ClientProgram.RunAsync(home, "/usr/lib/postgresql/15/bin/pg_dump", ["--schema-only"]);
        dump.ShouldContain("CREATE TABLE public.things");
        dump.ShouldNotContain("shardproxy_");
    }

    private Task PrepareAsync(int shard) =>
        _cluster.Shards[shard].ExecuteAsync($"BEGIN; INSERT INTO things VALUES ({shard}); PREPARE TRANSACTION 'shardproxy:{_uuid}:s0:{_id}:{shard}'");

    private async Task<long> PreparedAsync()
    {
        var count = 0L;
        foreach (var shard in _cluster.Shards)
            count += await shard.ScalarAsync<long>("SELECT count(*) FROM pg_prepared_xacts");
        return count;
    }

    private async Task<long> RowsAsync()
    {
        var count = 0L;
        foreach (var shard in _cluster.Shards)
            count += await shard.ScalarAsync<long>("SELECT count(*) FROM things");
        return count;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
