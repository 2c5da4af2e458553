using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>A merged SELECT whose shape was seen before asks the shards nothing but itself.</summary>
public sealed class RepeatedShapeTests : IAsyncLifetime
{
    private Cluster _cluster = null!;
    private WireClient _client = null!;
    private int _marks;

    public async Task InitializeAsync()
    {
        // Each Parse is logged with its duration.
        _cluster = await Cluster.StartAsync(2, options: new PostgresOptions(Settings: new Dictionary<string, string> { ["log_min_duration_statement"] = "0" }));
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: new Dictionary<string, string> { ["t"] = "{ key: k }" }));
        _client = await WireClient.ConnectAsync(proxy.Endpoint);
        await _client.MustAsync("CREATE TABLE t (k int PRIMARY KEY, g int4, v int8, s text COLLATE \"C\")");
        await _client.MustAsync("INSERT INTO t VALUES (1, 1, 10, 'a'), (2, 1, 20, 'b'), (3, 2, 30, 'c'), (4, 2, 40, 'd'), (5, 3, 50, 'e')");
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task Ordered_rows()
    {
        (await ParsesAsync("SELECT s FROM t WHERE v > 5 ORDER BY k LIMIT 3")).ShouldBeGreaterThan(2);
        (await ParsesAsync("SELECT s FROM t WHERE v > 6 ORDER BY k LIMIT 3")).ShouldBe(2);
        (await ParsesAsync("SELECT  s FROM t WHERE v > 25 ORDER BY k LIMIT 3")).ShouldBe(2);
        (await RowsAsync("SELECT s FROM t WHERE v > 25 ORDER BY k LIMIT 2")).ShouldBe(["c", "d"]);
    }

    [Fact]
    public async Task Groups_cost_one_last_statement_more()
    {
        const string Groups = "SELECT g, sum(v) FROM t WHERE v > 5 GROUP BY g ORDER BY 2 DESC";
        (await ParsesAsync(Groups)).ShouldBeGreaterThan(3);
        (await ParsesAsync(Groups)).ShouldBe(3);
        (await ParsesAsync(Groups.Replace('5', '7'))).ShouldBe(3);
        (await RowsAsync(Groups.Replace("5", "15", StringComparison.Ordinal))).ShouldBe(["2|70", "3|50", "1|20"]);
    }

    [Fact]
    public async Task Parameters_too()
    {
        await _client.RunAsync(new FrontendScript().Parse("SELECT s FROM t WHERE v > $1 ORDER BY k", "p").Sync());
        (await ParsesAsync(new FrontendScript().Bind(["15"], statement: "p").Execute().Sync())).ShouldBeGreaterThan(2);
        (await ParsesAsync(new FrontendScript().Bind(["25"], statement: "p").Execute().Sync())).ShouldBe(2);
    }

    [Fact]
    public async Task A_change_of_the_schema_asks_anew()
    {
        const string Statement = "SELECT v FROM t ORDER BY v, k";
        await _client.MustAsync(Statement);
        (await ParsesAsync(Statement)).ShouldBe(2);
        await _client.MustAsync("ALTER TABLE t ALTER v TYPE numeric(8,2)");
        (await ParsesAsync(Statement)).ShouldBeGreaterThan(2);
        (await RowsAsync(Statement)).ShouldBe(["10.00", "20.00", "30.00", "40.00", "50.00"]);
        await _client.MustAsync("BEGIN");
        await _client.MustAsync("ALTER TABLE t ALTER v TYPE int4");
        (await RowsAsync(Statement)).ShouldBe(["10", "20", "30", "40", "50"]);
        await _client.MustAsync("ROLLBACK");
        // Behind the proxy's back: what the shards describe is believed, not what was remembered.
        foreach (var shard in _cluster.Shards)
            await shard.ExecuteAsync("ALTER TABLE t ALTER v TYPE float8");
        (await RowsAsync(Statement)).ShouldBe(["10", "20", "30", "40", "50"]);
    }

    [Theory]
    [InlineData("SELECT g, {0} FROM t GROUP BY g ORDER BY 1", "5", "5000000000", "1.5")]
    [InlineData("SELECT k, {0} AS x FROM t ORDER BY x, k", "5", "5000000000", "1.5")]
    [InlineData("SELECT max(s::varchar({0})) FROM t GROUP BY g ORDER BY 1", "5", "7", "1")]
    [InlineData("SELECT s::varchar({0}), count(*) FROM t GROUP BY 1 ORDER BY 1", "5", "7", "1")]
    public async Task A_literal_may_change_the_types(string statement, params string[] literals)
    {
        foreach (var literal in literals)
        {
            var text = string.Format(System.Globalization.CultureInfo.InvariantCulture, statement, literal);
            var expected = (await DescriptionAsync(text)).Body;
            (await _client.MustAsync(text)).First(static message => message.Type == 'T').Body.ShouldBe(expected, text);
        }
    }

    [Fact]
    public async Task Errors_are_told_in_the_terms_of_the_client()
    {
        await _client.MustAsync("SELECT s FROM t WHERE v > '5' ORDER BY k");
        var error = (await _client.QueryAsync("SELECT s FROM t WHERE v > 'x' ORDER BY k")).Single(static message => message.Type == 'E');
        (error.SqlState, error.Fields['P']).ShouldBe(("22P02", "27"));
        await _client.MustAsync("BEGIN");
        error = (await _client.QueryAsync("SELECT s FROM t WHERE v > 'x' ORDER BY k")).Single(static message => message.Type == 'E');
        error.SqlState.ShouldBe("22P02");
        await _client.MustAsync("ROLLBACK");
    }

    private async Task<WireMessage> DescriptionAsync(string text) =>
        (await _client.RunAsync(new FrontendScript().Parse(text).DescribeStatement().Sync())).First(static message => message.Type == 'T');

    private async Task<List<string>> RowsAsync(string sql) =>
        [.. (await _client.MustAsync(sql)).Where(static message => message.Type == 'D').Select(static message => string.Join('|', message.TextValues))];

    private Task<int> ParsesAsync(string sql) => ParsesAsync(new FrontendScript().Query(sql));

    // Messages Parse that the shards got, all together.
    private async Task<int> ParsesAsync(FrontendScript script)
    {
        var mark = $"mark {++_marks} of {Guid.NewGuid()}";
        foreach (var shard in _cluster.Shards)
            await shard.ExecuteAsync($"/* {mark} */ SELECT 1");
        var replies = await _client.RunAsync(script);
        replies.ShouldNotContain(static message => message.Type == 'E');
        var count = 0;
        foreach (var shard in _cluster.Shards)
        {
            await shard.ExecuteAsync($"/* end of {mark} */ SELECT 1");
            var log = shard.Log;
            log = log[(log.LastIndexOf($"/* {mark}", StringComparison.Ordinal) + 1)..log.LastIndexOf($"/* end of {mark}", StringComparison.Ordinal)];
            count += log.Split('\n').Count(static line => line.Contains(" parse ", StringComparison.Ordinal) && !line.Contains("mark", StringComparison.Ordinal));
        }
        return count;
    }
}
