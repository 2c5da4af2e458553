using ShardProxy.Configuration;
using ShardProxy.Control.Embedded;

namespace ShardProxy.Tests.Control.Embedded;

public sealed class EmbeddedConfigurationTests
{
    [Fact]
    public void Is_a_configuration_that_loads()
    {
        var state = new ClusterState("/data/servers", 15, "admin", "secret", [5441, 5442, 5443], SampleLoaded: false);

        var config = ConfigurationLoader.Parse(
            EmbeddedConfiguration.Write(state, 7000, "/a $b \"c\"/d.db"), "/data/shardproxy.yaml", static _ => null);

        config.Listen.Address.ShouldBe("127.0.0.1:7000");
        config.Users.ShouldBe([new UserConfig("app", "secret", null, null)]);
        var database = config.Databases.ShouldHaveSingleItem();
        database.Shards.Select(static shard => (shard.Name, shard.Primary.Port)).ShouldBe([("s0", 5441), ("s1", 5442), ("s2", 5443)]);
        database.Shards.ShouldAllBe(static shard => shard.Primary.Password == "secret" && shard.Primary.SslMode == ServerTlsMode.Disable);
        database.Tables.Keys.ShouldBe(["users", "orders", "products"], ignoreOrder: true);
        database.Directory.Path.ShouldBe("/a $b \"c\"/d.db");
    }
}
