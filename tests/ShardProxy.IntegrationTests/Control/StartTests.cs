using ShardProxy.Control.Shards;
using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Control;

/// <summary>Starting with shards down, and stamps.</summary>
public sealed class StartTests(ThreeServers servers) : IClassFixture<ThreeServers>
{
    [Fact]
    public async Task With_the_home_shard_down_it_starts_says_so_and_recovers()
    {
        await using var home = await PostgresServer.StartAsync("home");
        await using var shop = await RoutingFixture.CreateAsync([home, servers.Servers[1]]);
        await shop.OnHomeAsync("CREATE TABLE t (id int)");
        await home.StopAsync();

        await shop.StartAsync();

        shop.State.Unavailable.ShouldNotBeNull().ShouldContain("shard \"s0\"");
        (await Should.ThrowAsync<SqlException>(() => shop.DistributeAsync("t", "id"))).SqlState.ShouldBe("08001");
        await home.RestartAsync();
        await Until.TrueAsync(() => shop.State.Unavailable is null, "the catalog was read in the background");
        shop.State.Catalog.FindRelation(new("public", "t")).ShouldNotBeNull();
    }

    [Fact]
    public async Task With_another_shard_down_it_works_and_learns_the_shard_later()
    {
        await using var late = await PostgresServer.StartAsync("late");
        await using var shop = await RoutingFixture.CreateAsync([servers.Servers[0], late]);
        await shop.OnHomeAsync("CREATE TYPE mood AS ENUM ('good')");
        await shop.OnShardAsync(1, "CREATE TABLE noise (id int); CREATE TYPE mood AS ENUM ('good')");
        await late.StopAsync();

        await shop.StartAsync();

        shop.State.Unavailable.ShouldBeNull();
        shop.State.Catalog.IsShardKnown(0).ShouldBeTrue();
        shop.State.Catalog.IsShardKnown(1).ShouldBeFalse();
        await late.RestartAsync();
        await Until.TrueAsync(() => shop.State.Catalog.IsShardKnown(1), "the shard was read in the background");
        var local = await shop.AskAsync<uint>(1, "SELECT 'mood'::regtype::oid");
        shop.State.Catalog.ShardObjectIds[1].ToHome(local).ShouldBe(await shop.AskAsync<uint>(0, "SELECT 'mood'::regtype::oid"));
    }

    [Fact]
    public async Task A_shard_that_goes_down_later_stays_known()
    {
        await using var shard = await PostgresServer.StartAsync("shard");
        await using var shop = await RoutingFixture.CreateAsync([servers.Servers[0], shard]);
        await shop.StartAsync();
        await shard.KillAsync();

        await shop.Routing.RefreshCatalogAsync(RoutingFixture.Cancel);

        shop.State.Catalog.IsShardKnown(1).ShouldBeTrue();
        await shard.RestartAsync();
    }

    [Fact]
    public async Task Shards_are_stamped_at_first_use()
    {
        await using var shop = await RoutingFixture.CreateAsync(servers.Servers);

        await shop.StartAsync();

        var cluster = shop.State.Directory.Cluster;
        for (var shard = 0; shard < 3; shard++)
            (await shop.AskAsync<string>(shard, ShardProxy.Catalog.Stamp.Query)).ShouldBe($"{cluster}/shop/s{shard}");
    }

    [Fact]
    public async Task A_database_that_is_only_pooled_carries_no_stamp_until_a_table_is_declared()
    {
        await using var shop = await RoutingFixture.CreateAsync([servers.Servers[0]]);
        await shop.OnHomeAsync("CREATE TABLE t (id int)");
        await shop.StartAsync();
        (await shop.AskAsync<bool>(0, "SELECT current_setting('shardproxy.stamp', true) IS NULL")).ShouldBeTrue();

        await shop.DistributeAsync("t", "id");

        (await shop.AskAsync<string>(0, ShardProxy.Catalog.Stamp.Query)).ShouldEndWith("/shop/s0");
    }

    [Fact]
    public async Task A_server_with_another_stamp_is_refused_by_name()
    {
        await using var shop = await RoutingFixture.CreateAsync(servers.Servers);
        await shop.OnShardAsync(1, $"ALTER DATABASE {shop.Database} SET shardproxy.stamp = 'c0ffee/blog/s9'");

        await shop.StartAsync();

        shop.State.Unavailable.ShouldBeNull();
        shop.State.Catalog.IsShardKnown(1).ShouldBeFalse();
        (await shop.AskAsync<string>(1, ShardProxy.Catalog.Stamp.Query)).ShouldBe("c0ffee/blog/s9", "a stamp is never overwritten");
        await shop.OnHomeAsync($"ALTER DATABASE {shop.Database} SET shardproxy.stamp = 'c0ffee/blog/s0'");
        await shop.StartAsync();
        var reason = shop.State.Unavailable.ShouldNotBeNull();
        reason.ShouldContain("is shard \"s0\" of database \"blog\" in cluster c0ffee, not shard \"s0\" of database \"shop\"");
    }

    [Fact]
    public async Task A_user_who_may_not_stamp_goes_on_without()
    {
        await using var shop = await RoutingFixture.CreateAsync(servers.Servers);
        await shop.EverywhereAsync($"DO $$ BEGIN CREATE ROLE modest LOGIN PASSWORD '{PostgresServer.Password.Replace("'", "''", StringComparison.Ordinal)}'; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
        shop.User = "modest";

        await shop.StartAsync();

        shop.State.Unavailable.ShouldBeNull();
        (await shop.AskAsync<bool>(0, "SELECT current_setting('shardproxy.stamp', true) IS NULL")).ShouldBeTrue();
    }
}
