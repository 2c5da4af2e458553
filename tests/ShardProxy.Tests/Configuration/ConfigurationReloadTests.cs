using ShardProxy.Configuration;

namespace ShardProxy.Tests.Configuration;

public sealed class ConfigurationReloadTests
{
    [Fact]
    public void Finds_no_difference_in_the_same_text()
    {
        var outcome = Compare("buckets: 1024", "buckets: 1024");

        outcome.Applied.ShouldBeEmpty();
        outcome.NeedsRestart.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("size: 20", "size: 30", "databases.shop.pool.size")]
    [InlineData("- { name: app, ", "- { name: other, ", "users")]
    [InlineData("users:\n", "limits: { query_timeout: 1s }\nusers:\n", "limits")]
    [InlineData("users:\n", "log: { level: debug }\nusers:\n", "log.level")]
    [InlineData("products: { reference: true }", "products: { key: id }", "databases.shop.tables")]
    [InlineData("buckets: 1024", "buckets: 1024\n    cross_shard_writes: best_effort", "databases.shop.cross_shard_writes")]
    [InlineData("mode: disable", "mode: disable, ca: ca.pem", "listen.tls")]
    public void Applies_what_can_change(string old, string now, string path)
    {
        var outcome = Compare(old, now);

        outcome.Applied.ShouldBe([path]);
        outcome.NeedsRestart.ShouldBeEmpty();
    }

    [Fact]
    public void Further_shards_come_behind_those_that_are_there()
    {
        var running = ConfigurationText.Load(ConfigurationText.Valid);
        var lines = ConfigurationText.Valid.Split('\n').ToList();
        var first = lines.FindIndex(static line => line.Contains("port=5441", StringComparison.Ordinal));
        var name = running.Databases[0].Shards[0].Name;
        lines.Insert(first + 1, lines[first].Replace(name, "fresh", StringComparison.Ordinal).Replace("port=5441", "port=5999", StringComparison.Ordinal));

        var outcome = ConfigurationReload.Compare(running, ConfigurationText.Load(string.Join('\n', lines)));

        outcome.Applied.ShouldBe(["databases.shop.shards"]);
        outcome.NeedsRestart.ShouldBeEmpty();
        outcome.Effective.Databases[0].Shards.Select(static shard => shard.Name).ShouldBe([.. running.Databases[0].Shards.Select(static shard => shard.Name), "fresh"]);
    }

    [Theory]
    [InlineData("127.0.0.1:6432", "127.0.0.1:6433", "listen.address")]
    [InlineData("users:\n", "authentication: { pass_through: true }\nusers:\n", "authentication")]
    [InlineData("users:\n", "limits: { connect_timeout: 1s }\nusers:\n", "limits.connect_timeout")]
    [InlineData("buckets: 1024", "buckets: 2048", "databases.shop.buckets")]
    [InlineData("port=5441", "port=5449", "databases.shop.shards")]
    [InlineData("mode: transaction", "mode: session", "databases.shop.pool.mode")]
    [InlineData("users:\n", "limits: { statement_cache: 1MB }\nusers:\n", "limits.statement_cache")]
    [InlineData("users:\n", "log: { format: json }\nusers:\n", "log.format")]
    public void Keeps_what_needs_a_restart(string old, string now, string path)
    {
        var outcome = Compare(old, now);

        outcome.Applied.ShouldBeEmpty();
        outcome.NeedsRestart.ShouldBe([path]);
        var again = ConfigurationReload.Compare(ConfigurationText.Load(ConfigurationText.Valid), outcome.Effective);
        again.NeedsRestart.ShouldBeEmpty();
        again.Applied.ShouldBeEmpty();
    }

    [Fact]
    public void Names_databases_that_come_and_go()
    {
        var outcome = Compare("  shop:\n", "  store:\n");

        outcome.NeedsRestart.ShouldBe(["databases.shop (removed)", "databases.store (added)"]);
        outcome.Effective.Databases.ShouldHaveSingleItem().Name.ShouldBe("shop");
    }

    private static ReloadOutcome Compare(string old, string now)
    {
        ConfigurationText.Valid.ShouldContain(old);
        return ConfigurationReload.Compare(
            ConfigurationText.Load(ConfigurationText.Valid),
            ConfigurationText.Load(ConfigurationText.Valid.Replace(old, now, StringComparison.Ordinal)));
    }
}
