using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Directory;

/// <summary>Proxies that are killed while they move a key: another ends the move, and the key is on one shard, with all of its rows.</summary>
public sealed class LostMoveTests : IAsyncLifetime
{
    private const int Rows = 50;

    private Cluster _cluster = null!;
    private RedisServer _redis = null!;
    private ProxyProcess _mover = null!;
    private ProxyProcess _other = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(2);
        _redis = await RedisServer.StartAsync();
        _mover = await _cluster.StartProxyAsync(new ProxyOptions(Redis: _redis.Url, Lease: "5s"));
        _other = await _cluster.StartProxyAsync(new ProxyOptions(Redis: _redis.Url, Lease: "5s"));
        await using var client = await WireClient.ConnectAsync(_other.Endpoint);
        await client.MustAsync("CREATE TABLE t (k int, id int, PRIMARY KEY (k, id))");
        await client.MustAsync("CREATE TABLE u (k int, id int, PRIMARY KEY (k, id))");
        await client.MustAsync("SELECT create_distributed_table('t', 'k', strategy => 'lookup')");
        await client.MustAsync("SELECT create_distributed_table('u', 'k', colocate_with => 't')");
        for (var id = 0; id < Rows; id++)
        {
            await client.MustAsync($"INSERT INTO t VALUES (1, {id})");
            await client.MustAsync($"INSERT INTO u VALUES (1, {id})");
        }
    }

    public async Task DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task Killed_while_it_waits_for_a_transaction_it_leaves_the_key_where_it_was()
    {
        var from = await ShardOfAsync();
        await using var writer = await WireClient.ConnectAsync(_other.Endpoint);
        await writer.MustAsync("BEGIN");
        await writer.MustAsync("INSERT INTO t VALUES (1, 5000)");
        var move = await BeginMoveAsync(1 - from);
        await AnnouncedAsync();

        await _mover.KillAsync();
        await FailedAsync(move);
        await using var waiting = await WireClient.ConnectAsync(_other.Endpoint);
        var write = waiting.MustAsync("INSERT INTO t VALUES (1, 5001)");
        await writer.MustAsync("COMMIT");
        await write;

        await CheckAsync(from, Rows + 2);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Killed_before_its_rows_are_committed_it_leaves_the_key_where_it_was(bool isPrepared)
    {
        var from = await ShardOfAsync();
        var target = _cluster.Shards[1 - from];
        // The copy waits on the shard that takes the rows; the decision, with the rows prepared there, on the one that gives them.
        var stops = isPrepared ? _cluster.Shards[from] : target;
        var table = isPrepared ? await stops.ScalarAsync<string>("SELECT oid::regclass::text FROM pg_class WHERE relname = 'shardproxy_decisions'") : "u";
        await using var hold = await LockAsync(stops, table);
        var move = await BeginMoveAsync(1 - from);
        await Until.TrueAsync(
            async () => await target.ScalarAsync<long>(isPrepared ? "SELECT count(*) FROM pg_prepared_xacts" : "SELECT count(*) FROM pg_locks WHERE NOT granted") > 0,
            "the move has come to the lock");

        await _mover.KillAsync();
        await FailedAsync(move);
        await hold.CloseAsync();

        await CheckAsync(from, Rows);
    }

    [Fact]
    public async Task Killed_after_its_rows_were_committed_it_leaves_the_key_where_they_are()
    {
        var from = await ShardOfAsync();
        await using var hold = await LockAsync(_cluster.Shards[1 - from], "u");
        var move = await BeginMoveAsync(1 - from);
        await Until.TrueAsync(async () => await _cluster.Shards[1 - from].ScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0, "the move has come to the lock");
        // The entry cannot follow the rows while the store does not answer.
        _redis.Pause();
        await hold.CloseAsync();
        await Until.TrueAsync(async () => await CountAsync(1 - from) == 2 * Rows, "the rows have moved");

        await _mover.KillAsync();
        await FailedAsync(move);
        _redis.Continue();

        await CheckAsync(1 - from, Rows);
    }

    [Fact]
    public async Task One_that_was_taken_for_dead_moves_nothing_when_it_goes_on()
    {
        var from = await ShardOfAsync();
        await using var writer = await WireClient.ConnectAsync(_other.Endpoint);
        await writer.MustAsync("BEGIN");
        await writer.MustAsync("INSERT INTO t VALUES (1, 5000)");
        var move = await BeginMoveAsync(1 - from);
        await AnnouncedAsync();
        _mover.Signal(19);
        await using var waiting = await WireClient.ConnectAsync(_other.Endpoint);
        await writer.MustAsync("COMMIT");
        await waiting.MustAsync("INSERT INTO t VALUES (1, 5001)");
        await EndedAsync();

        _mover.Signal(18);
        await FailedAsync(move);

        await CheckAsync(from, Rows + 2);
    }

    private async Task<Task<List<WireMessage>>> BeginMoveAsync(int to)
    {
        var client = await WireClient.ConnectAsync(_mover.Endpoint);
        return client.QueryAsync($"SELECT move_shard_key('t', 1, 's{to}')", TimeSpan.FromSeconds(60));
    }

    private Task AnnouncedAsync() => Until.TrueAsync(
        async () => (await _redis.TryCommandAsync("HGET {shardproxy}:database:shop content"))!.Contains("\"moves\"", StringComparison.Ordinal), "the move is announced");

    private Task EndedAsync() => Until.TrueAsync(
        async () => !(await _redis.TryCommandAsync("HGET {shardproxy}:database:shop content"))!.Contains("\"moves\"", StringComparison.Ordinal), "the move is ended");

    private static async Task FailedAsync(Task<List<WireMessage>> move)
    {
        try
        {
            var replies = await move;
            replies.ShouldContain(static message => message.Type == 'E', string.Join('\n', replies));
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException or EndOfStreamException)
        {
            // The connection went with the proxy.
        }
    }

    private async Task<int> ShardOfAsync() => await CountAsync(0) > 0 ? 0 : 1;

    private Task<long> CountAsync(int shard) =>
        _cluster.Shards[shard].ScalarAsync<long>("SELECT (SELECT count(*) FROM t WHERE k = 1) + (SELECT count(*) FROM u WHERE k = 1)");

    /// <summary>Until the connection is closed.</summary>
    private static async Task<NpgsqlConnection> LockAsync(PostgresServer shard, string table)
    {
        var connection = new NpgsqlConnection(shard.ConnectionStringFor(PostgresServer.SuperUser));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE", connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    private async Task CheckAsync(int shard, int rows)
    {
        await using var client = await WireClient.ConnectAsync(_other.Endpoint);
        await Until.TrueAsync(async () => !(await client.QueryAsync("INSERT INTO u VALUES (1, 7000)")).Any(static message => message.Type == 'E'), "the key can be written again");
        await EndedAsync();
        (await client.ScalarAsync("SELECT count(*) FROM t WHERE k = 1")).ShouldBe($"{rows}");
        (await CountAsync(shard)).ShouldBe(rows + Rows + 1);
        (await CountAsync(1 - shard)).ShouldBe(0);
        foreach (var server in _cluster.Shards)
            (await server.ScalarAsync<long>("SELECT count(*) FROM pg_prepared_xacts")).ShouldBe(0);
        await client.MustAsync($"SELECT move_shard_key('t', 1, 's{1 - shard}')");
        (await CountAsync(1 - shard)).ShouldBe(rows + Rows + 1);
    }
}
