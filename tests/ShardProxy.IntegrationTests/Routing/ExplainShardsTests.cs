using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>EXPLAIN (SHARDS) says where a statement would go, and does nothing.</summary>
public sealed class ExplainShardsTests : IAsyncLifetime
{
    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(2);
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions());
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("CREATE TABLE t (k int PRIMARY KEY, v text)");
        await client.MustAsync("CREATE TABLE home (k int)");
        await client.MustAsync("SELECT create_distributed_table('t', 'k', strategy => 'range', ranges => '[,10) on s0, [10,20) on s1')");
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Of_several_statements_in_one_text_each_is_looked_at()
    {
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        var replies = await client.MustAsync("SELECT 1; EXPLAIN (SHARDS) SELECT v FROM t WHERE k IN (1, 15) ORDER BY k; EXPLAIN (SHARDS) SELECT v FROM t WHERE k IN (1, 2) ORDER BY k");
        replies.Where(static message => message.Type == 'D').Select(static message => message.TextValues[0]).ToList()
            .ShouldBe(["1", "several shards, put together", "several shards, put together", "one shard, by the key", "one shard, by the key"]);
    }

    [Theory]
    [InlineData("SELECT * FROM t WHERE k = 15", "one shard, by the key", "s1", "15", "1025")]
    [InlineData("INSERT INTO t VALUES (3, 'x')", "one shard, by the key", "s0", "3", "1024")]
    [InlineData("DELETE FROM t WHERE k IN (1, 15)", "several shards, each its own rows, in one transaction", "s0, s1", "1", "1024")]
    [InlineData("SELECT v FROM t WHERE k IN (1, 15) ORDER BY k", "several shards, put together", "s0, s1", "1", "1024")]
    [InlineData("DECLARE c CURSOR FOR SELECT v FROM t WHERE k IN (1, 15) ORDER BY k", "several shards, put together", "s0, s1", "1", "1024")]
    [InlineData("INSERT INTO t VALUES (1, 'x'), (15, 'y')", "several shards, each row to its own, in one transaction", "s0, s1", "1", "1024")]
    [InlineData("INSERT INTO t VALUES (30, 'x')", "refused", "NULL", "30", "NULL")]
    [InlineData("SELECT * FROM t WHERE k BETWEEN 10 AND 19", "one shard, by the key", "s1", ">= 10", "NULL")]
    [InlineData("SELECT * FROM home", "the home shard", "s0", "NULL", "NULL")]
    [InlineData("CREATE TABLE x (a int)", "the home shard", "s0", "NULL", "NULL")]
    [InlineData("UPDATE t SET v = 'y'", "several shards, each its own rows, in one transaction", "s0, s1", "NULL", "NULL")]
    [InlineData("COMMIT", "the shards of the transaction", "NULL", "NULL", "NULL")]
    public async Task A_statement_is_placed_and_not_run(string statement, string plan, string shard, string key, string bucket)
    {
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);

        var replies = await client.QueryAsync($"EXPLAIN (SHARDS) {statement}");

        if (replies.FirstOrDefault(static message => message.Type == 'E') is { } error)
        {
            // The grammar takes EXPLAIN of queries only.
            error.ToString().ShouldContain("42601");
            return;
        }
        var row = replies.First(static message => message.Type == 'D').TextValues;
        (row[0], row[1], row[2], row[4]).ShouldBe((plan, shard, key, bucket));
        row[6].Equals("NULL", StringComparison.Ordinal).ShouldBe(plan != "refused", "a refusal has its reason");
        (await client.ScalarAsync("SELECT count(*) FROM t")).ShouldBe("0", "nothing was run");
    }

    [Fact]
    public async Task A_driver_reads_the_rows()
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder
        {
            Host = _proxy.Endpoint.Host,
            Port = _proxy.Endpoint.Port,
            Username = _proxy.Endpoint.User,
            Password = _proxy.Endpoint.Password,
            Database = _proxy.Endpoint.Database,
            Pooling = false,
        }.ConnectionString);
        await using var literal = source.CreateCommand("EXPLAIN (SHARDS) UPDATE t SET v = 'x' WHERE k = 12");
        await using (var reader = await literal.ExecuteReaderAsync())
        {
            (await reader.ReadAsync()).ShouldBeTrue();
            (reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(4)).ShouldBe(("one shard, by the key", "s1", "12", "1025"));
        }
        await using var parameter = source.CreateCommand("EXPLAIN (SHARDS) SELECT * FROM t WHERE k = $1");
        parameter.Parameters.Add(new NpgsqlParameter<int> { TypedValue = 3 });
        await using (var reader = await parameter.ExecuteReaderAsync())
        {
            (await reader.ReadAsync()).ShouldBeTrue();
            (reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetString(4)).ShouldBe(("s0", "\\x00000003", "parameter $1", "1024"));
        }
    }
}
