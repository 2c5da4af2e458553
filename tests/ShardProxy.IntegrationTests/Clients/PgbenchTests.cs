using System.Globalization;
using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Clients;

/// <summary>pgbench initialises sharded tables in all its modes and runs its scripts without a failed transaction.</summary>
public sealed class PgbenchTests : IAsyncLifetime
{
    private const int Accounts = 100_000;
    private static readonly int Seconds = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") == "1" ? 30 : 3;

    private static readonly Dictionary<string, string> Tables = new()
    {
        ["pgbench_accounts"] = "{ key: aid }",
        ["pgbench_tellers"] = "{ key: tid }",
        ["pgbench_branches"] = "{ key: bid }",
        ["pgbench_history"] = "{ key: aid, colocate_with: pgbench_accounts }",
    };

    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(4, options: new PostgresOptions(MaxConnections: 60));
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: Tables, PoolSize: 20));
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Theory]
    [InlineData("dtgvp")]
    [InlineData("dtGvp")]
    public async Task Initialised_and_run(string steps)
    {
        await BenchAsync("-i", "-s", "1", "-I", steps, "-q");
        await PlacedAsync("pgbench_accounts", "aid", Accounts);
        await PlacedAsync("pgbench_tellers", "tid", 10);
        await PlacedAsync("pgbench_branches", "bid", 1);
        if (steps != "dtgvp")
            return;
        foreach (var mode in (string[])["simple", "extended", "prepared"])
        {
            var reads = await BenchAsync("-S", "-M", mode, "-c", "64", "-j", "2", "-T", $"{Seconds}", "-n");
            reads.ShouldContain("number of failed transactions: 0 (0.000%)");
        }
        // pgbench -N also inserts into the history, whose rows go to the account's shard.
        var written = 0L;
        foreach (var mode in (string[])["simple", "extended", "prepared"])
        {
            var output = await BenchAsync("-N", "-M", mode, "-c", "64", "-j", "2", "-T", $"{Seconds}", "-n");
            output.ShouldContain("number of failed transactions: 0 (0.000%)");
            written += Processed(output);
        }
        await PlacedAsync("pgbench_history", "aid", written);
        var balance = 0L;
        var deltas = 0L;
        foreach (var shard in _cluster.Shards)
        {
            balance += await shard.ScalarAsync<long>("SELECT coalesce(sum(abalance), 0)::int8 FROM pgbench_accounts");
            deltas += await shard.ScalarAsync<long>("SELECT coalesce(sum(delta), 0)::int8 FROM pgbench_history");
        }
        balance.ShouldBe(deltas);
    }

    [Fact]
    public async Task The_standard_script_over_shards_keeps_its_sums()
    {
        await BenchAsync("-i", "-s", "8", "-I", "dtgvp", "-q");
        var written = 0L;
        foreach (var mode in (string[])["simple", "extended", "prepared"])
        {
            var output = await BenchAsync("-M", mode, "-c", "16", "-j", "2", "-T", $"{Seconds}", "-n");
            output.ShouldContain("number of failed transactions: 0 (0.000%)");
            written += Processed(output);
        }
        var sums = new long[4];
        var rows = 0L;
        foreach (var shard in _cluster.Shards)
        {
            string[] columns = ["abalance) FROM pgbench_accounts", "tbalance) FROM pgbench_tellers", "bbalance) FROM pgbench_branches", "delta) FROM pgbench_history"];
            for (var i = 0; i < sums.Length; i++)
                sums[i] += await shard.ScalarAsync<long>($"SELECT coalesce((SELECT sum({columns[i]}), 0)::int8");
            rows += await shard.ScalarAsync<long>("SELECT count(*) FROM pgbench_history");
            (await shard.ScalarAsync<long>("SELECT count(*) FROM pg_prepared_xacts")).ShouldBe(0);
        }
        rows.ShouldBe(written);
        sums.ShouldAllBe(sum => sum == sums[0]);
    }

    [Fact]
    public async Task Foreign_keys_between_tables_that_are_not_colocated_are_refused_and_leave_nothing()
    {
        var (code, _, errors) = await ClientProgram.TryRunAsync(_proxy.Endpoint, "/usr/lib/postgresql/15/bin/pgbench", ["-i", "-q", "-I", "dtgvpf"]);
        code.ShouldNotBe(0);
        errors.ShouldContain("foreign key");
        foreach (var shard in _cluster.Shards)
            (await shard.ScalarAsync<long>("SELECT count(*) FROM pg_constraint WHERE contype = 'f'")).ShouldBe(0);
    }

    private Task<string> BenchAsync(params string[] arguments) =>
        ClientProgram.RunAsync(_proxy.Endpoint, "/usr/lib/postgresql/15/bin/pgbench", arguments, deadline: TimeSpan.FromMinutes(5));

    private static long Processed(string output) => long.Parse(
        output.Split('\n').Single(static line => line.StartsWith("number of transactions actually processed", StringComparison.Ordinal)).Split(' ')[^1],
        CultureInfo.InvariantCulture);

    private async Task PlacedAsync(string table, string key, long rows)
    {
        var stored = 0L;
        for (var shard = 0; shard < _cluster.Shards.Count; shard++)
        {
            stored += await Placement.RowsAsync(_cluster.Shards[shard], table);
            // 1024 candidates for each row are too many for all of them: a sample of every table is enough.
            (await Placement.MisplacedRowsAsync(_cluster.Shards[shard], shard, _cluster.Shards.Count, $"(SELECT * FROM {table} ORDER BY {key} LIMIT 300)", key, "int4")).ShouldBe(0);
        }
        stored.ShouldBe(rows);
    }
}
