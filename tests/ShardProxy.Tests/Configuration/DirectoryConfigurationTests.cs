using ShardProxy.Configuration;

namespace ShardProxy.Tests.Configuration;

/// <summary>Strategies, the directory's store and admins in the file.</summary>
public sealed class DirectoryConfigurationTests
{
    [Fact]
    public void Reads_strategies_of_tables()
    {
        var tables = ConfigurationText.Load(
            ConfigurationText.Valid +
            """

                  days:  { key: day, strategy: range, ranges: "[,2025-01-01) on s0, [2025-01-01,)" }
                  sites: { key: region, strategy: list, lists: "(eu) on s0, default on s1" }
            """).Databases[0].Tables;

        tables["days"].ShouldBe(new TableConfig("day", null, false, "range", "[,2025-01-01) on s0, [2025-01-01,)"));
        tables["sites"].ShouldBe(new TableConfig("region", null, false, "list", "(eu) on s0, default on s1"));
        tables["users"].Strategy.ShouldBe("hash");
    }

    [Theory]
    [InlineData("{ key: a, strategy: range }", "needs ranges")]
    [InlineData("{ key: a, strategy: list }", "needs lists")]
    [InlineData("{ key: a, strategy: list, lists: \"(a)\", ranges: \"[,)\" }", "goes with strategy: range")]
    [InlineData("{ key: a, ranges: \"[,)\" }", "goes with strategy: range")]
    [InlineData("{ key: a, colocate_with: users, strategy: range, ranges: \"[,)\" }", "no strategy of its own")]
    [InlineData("{ reference: true, strategy: hash }", "no strategy of its own")]
    [InlineData("{ key: a, strategy: ranges }", "did you mean range?")]
    public void A_strategy_without_what_it_needs_is_an_error(string table, string error) =>
        string.Join('\n', ConfigurationText.ErrorsOf($"{ConfigurationText.Valid}\n      extra: {table}")).ShouldContain(error);

    [Fact]
    public void Reads_zones_of_tables()
    {
        var tables = ConfigurationText.Load(
            ConfigurationText.Valid +
            """

                  people: { key: id, zone: { column: region, values: { eu: [s0, s1], "u s": s1 } } }
                  pets:   { key: person_id, colocate_with: people, zone: { column: country } }
                  days:   { key: day, strategy: range, ranges: "[,2025-01-01), [2025-01-01,)", zone: { column: region, values: { eu: [s0] } } }
                  firms:  { key: id, strategy: lookup, policy: hash, zone: { column: region, values: { eu: [s0] } } }
            """).Databases[0].Tables;

        tables["people"].Zone.ShouldBe(new ZoneConfig("region", "(\"eu\") on s0 s1, (\"u s\") on s1"));
        tables["pets"].Zone.ShouldBe(new ZoneConfig("country", null));
        tables["days"].ShouldBe(new TableConfig("day", null, false, "range", "[,2025-01-01), [2025-01-01,)") { Zone = new ZoneConfig("region", "(\"eu\") on s0") });
        tables["firms"].ShouldBe(new TableConfig("id", null, false, "lookup", "hash") { Zone = new ZoneConfig("region", "(\"eu\") on s0") });
        tables["users"].Zone.ShouldBeNull();
    }

    [Theory]
    [InlineData("{ key: a, zone: { values: { eu: [s0] } } }", "needs column")]
    [InlineData("{ key: a, zone: { column: r } }", "needs values")]
    [InlineData("{ key: a, zone: { column: r, values: { eu: [] } } }", "must be a list of shards")]
    [InlineData("{ key: a, zone: { column: a, values: { eu: [s0] } } }", "both zone and key")]
    [InlineData("{ key: a, colocate_with: users, zone: { column: r, values: { eu: [s0] } } }", "zones of the other")]
    [InlineData("{ reference: true, zone: { column: r, values: { eu: [s0] } } }", "has no zones")]
    [InlineData("{ key: a, zone: { columns: r, column: r, values: { eu: [s0] } } }", "is not known")]
    public void Zones_that_lack_something_are_an_error(string table, string error) =>
        string.Join('\n', ConfigurationText.ErrorsOf($"{ConfigurationText.Valid}\n      extra: {table}")).ShouldContain(error);

    [Fact]
    public void Reads_a_store_in_Redis()
    {
        var directory = Directory("{ store: redis, url: \"rediss://:p%40ss@a:1,b/3\", prefix: shop, lease: 30s, path: copy.json }");

        directory.Redis.ShouldBe(new RedisTarget([("a", 1), ("b", 6379)], true, "p@ss", 3));
        (directory.Store, directory.Prefix, directory.Lease, directory.Path).ShouldBe(("redis", "shop", TimeSpan.FromSeconds(30), "/etc/shardproxy/copy.json"));
        directory.Redis!.ToString().ShouldBe("rediss://a:1,b:6379/3", "no password in messages");
    }

    [Fact]
    public void The_local_copy_stands_beside_the_file() =>
        Directory("{ store: redis, url: redis://h }").Path.ShouldBe("/etc/shardproxy/shardproxy.shop.directory.json");

    [Theory]
    [InlineData("{ store: redis }", "url is missing")]
    [InlineData("{ store: redis, url: http://h }", "must start with redis://")]
    [InlineData("{ store: redis, url: \"redis://h:x\" }", "not host:port")]
    [InlineData("{ store: redis, url: \"redis://bob:p@h\" }", "access lists are not supported")]
    [InlineData("{ store: redis, url: redis://h/x }", "database's number")]
    [InlineData("{ store: redis, url: redis://h, lease: 1s }", "at least 5s")]
    [InlineData("{ store: embedded, url: redis://h }", "goes with store: redis")]
    [InlineData("{ store: redis, url: redis://h, ca: /dev/null }", "starts with rediss://")]
    [InlineData("{ store: redis, url: rediss://h, ca: /nowhere/ca.pem }", "there is no file")]
    [InlineData("{ store: embedded, ca: /dev/null }", "goes with store: redis")]
    public void A_store_that_cannot_be_is_an_error(string directory, string error) =>
        string.Join('\n', ConfigurationText.ErrorsOf($"{ConfigurationText.Valid}\n    directory: {directory}")).ShouldContain(error);

    [Fact]
    public void An_admin_is_said_to_be_one_and_has_a_database_of_its_own()
    {
        ConfigurationText.Load(ConfigurationText.Valid.Replace("name: app,", "name: app, admin: true,", StringComparison.Ordinal)).Users[0].IsAdmin.ShouldBeTrue();
        string.Join('\n', ConfigurationText.ErrorsOf(ConfigurationText.Valid.Replace("  shop:", "  shardproxy:", StringComparison.Ordinal)))
            .ShouldContain("that is the admin database");
    }

    private static DirectoryConfig Directory(string text) =>
        ConfigurationText.Load($"{ConfigurationText.Valid}\n    directory: {text}").Databases[0].Directory;
}
