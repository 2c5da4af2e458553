using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Committing;

/// <summary>A shard that neither answers nor closes its connections, in the midst of a COMMIT over several shards.</summary>
public sealed class SilentShardTests : IAsyncLifetime
{
    private const int Shards = 3;

    private readonly List<Gate> _gates = [];
    private readonly int[] _ids = new int[Shards];
    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(Shards, options: new PostgresOptions(MaxConnections: 40));
        foreach (var shard in _cluster.Shards)
            _gates.Add(new Gate(shard.Port));
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions(
            Tables: new Dictionary<string, string> { ["things"] = "{ key: id }" },
            Limits: new Dictionary<string, string> { ["commit_timeout"] = "1s", ["connect_timeout"] = "1s" },
            ShardPorts: [.. _gates.Select(static gate => gate.Port)]));
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("CREATE TABLE things (id int8 PRIMARY KEY)");
        // One key of each shard.
        for (var id = 1; _ids.Contains(0); id++)
        {
            await client.MustAsync($"INSERT INTO things VALUES ({id})");
            for (var shard = 0; shard < Shards; shard++)
            {
                if (_ids[shard] == 0 && await _cluster.Shards[shard].ScalarAsync<long>($"SELECT count(*) FROM things WHERE id = {id}") == 1)
                    _ids[shard] = id;
            }
        }
        await client.MustAsync("DELETE FROM things");
    }

    public async Task DisposeAsync()
    {
        await _cluster.DisposeAsync();
        foreach (var gate in _gates)
            await gate.DisposeAsync();
    }

    [Theory]
    [InlineData(1, "PREPARE TRANSACTION", false)]
    [InlineData(1, "PREPARE TRANSACTION", true)]
    [InlineData(0, "shardproxy_decide", false)]
    [InlineData(0, "shardproxy_decide", true)]
    public async Task Before_the_decision_the_transaction_is_undone(int silent, string word, bool isHeard)
    {
        await using var client = await WriteEverywhereAsync();
        _gates[silent].SilenceAt(word, isHeard);
        var error = (await client.QueryAsync("COMMIT")).Single(static message => message.Type == 'E');
        error.SqlState.ShouldBe("08006");
        error.Fields['M'].ShouldContain($"shard \"s{silent}\" has not answered for 1 s during COMMIT: the transaction was rolled back");
        await using (var other = await WireClient.ConnectAsync(_proxy.Endpoint))
            (await other.ScalarAsync($"SELECT count(*) FROM things WHERE id = {_ids[2]}")).ShouldBe("0");
        _gates[silent].Open();
        await MustBeAsync(0);
        (await client.ScalarAsync("SELECT count(*) FROM things")).ShouldBe("0");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task While_the_decision_is_taken_the_outcome_is_unknown_and_the_same_everywhere(bool isHeard)
    {
        await using var client = await WriteEverywhereAsync();
        // The word that stands alone is the deciding COMMIT, for the readers are none.
        _gates[0].SilenceAt("COMMIT\0", isHeard);
        var error = (await client.QueryAsync("COMMIT")).Single(static message => message.Type == 'E');
        error.SqlState.ShouldBe("08007");
        error.Fields['M'].ShouldContain("whether the transaction took effect is not known");
        _gates[0].Open();
        await Until.TrueAsync(async () => await PreparedAsync() == 0, "nothing stands prepared any more");
        var rows = await RowsAsync();
        rows.ShouldBe(isHeard ? Shards : rows == 0 ? 0 : Shards);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_the_decision_success_is_told_and_the_rest_is_recovered(bool isHeard)
    {
        await using var client = await WriteEverywhereAsync();
        _gates[2].SilenceAt("COMMIT PREPARED", isHeard);
        (await client.QueryAsync("COMMIT")).First(static message => message.Type == 'C').CommandTag.ShouldBe("COMMIT");
        _gates[2].IsSilent.ShouldBeTrue();
        (await client.ScalarAsync($"SELECT count(*) FROM things WHERE id = {_ids[1]}")).ShouldBe("1");
        _gates[2].Open();
        await MustBeAsync(Shards);
    }

    [Fact]
    public async Task A_reader_that_is_silent_undoes_it()
    {
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("BEGIN");
        await client.MustAsync($"INSERT INTO things VALUES ({_ids[0]})");
        await client.MustAsync($"SELECT * FROM things WHERE id = {_ids[1]}");
        _gates[1].Silence();
        (await client.QueryAsync("COMMIT")).Single(static message => message.Type == 'E').SqlState.ShouldBe("08006");
        _gates[1].Open();
        await MustBeAsync(0);
    }

    [Fact]
    public async Task ROLLBACK_does_not_wait_for_it()
    {
        await using var client = await WriteEverywhereAsync();
        _gates[2].Silence();
        (await client.MustAsync("ROLLBACK")).First(static message => message.Type == 'C').CommandTag.ShouldBe("ROLLBACK");
        _gates[2].Open();
        await MustBeAsync(0);
    }

    [Fact]
    public async Task Recovery_of_others_goes_on_beside_it()
    {
        _gates[2].Silence();
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("BEGIN");
        await client.MustAsync($"INSERT INTO things VALUES ({_ids[0]}), ({_ids[1]})");
        // The part's server ends its session when it has heard of the decision, so recovery has to commit it.
        _gates[1].SilenceAt("COMMIT PREPARED", passesWord: false);
        (await client.QueryAsync("COMMIT")).First(static message => message.Type == 'C').CommandTag.ShouldBe("COMMIT");
        _gates[1].Open();
        await Until.TrueAsync(async () => await PreparedAsync() == 0, "nothing stands prepared any more");
        _gates[2].IsSilent.ShouldBeTrue();
        (await RowsAsync()).ShouldBe(2);
    }

    private async Task<WireClient> WriteEverywhereAsync()
    {
        var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("BEGIN");
        foreach (var id in _ids)
            await client.MustAsync($"INSERT INTO things VALUES ({id})");
        return client;
    }

    private async Task MustBeAsync(int rows)
    {
        await Until.TrueAsync(async () => await PreparedAsync() == 0 && await RowsAsync() == rows && await OpenAsync() == 0, $"there are {rows} rows, and nothing stands prepared or open");
    }

    private Task<long> PreparedAsync() => SumAsync("SELECT count(*) FROM pg_prepared_xacts");

    private Task<long> RowsAsync() => SumAsync("SELECT count(*) FROM things");

    private Task<long> OpenAsync() => SumAsync("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'");

    private async Task<long> SumAsync(string sql)
    {
        var sum = 0L;
        foreach (var shard in _cluster.Shards)
            sum += await shard.ScalarAsync<long>(sql);
        return sum;
    }
}
