using ShardProxy.Directory;

namespace ShardProxy.IntegrationTests.Control;

/// <summary>DDL that ran on every shard, as the proxy's sessions do it, and what the directory makes of it.</summary>
public sealed class SchemaChangeTests(ThreeServers servers) : IClassFixture<ThreeServers>
{
    [Fact]
    public async Task A_dropped_table_is_forgotten()
    {
        await using var shop = await DistributedAsync();

        await DdlAsync(shop, "DROP TABLE t");

        shop.Declared("t").ShouldBeNull();
    }

    [Fact]
    public async Task A_dropped_table_of_the_file_stays_declared_and_is_known_again()
    {
        await using var shop = (await RoutingFixture.CreateAsync(servers.Servers)).WithTable("t", "id");
        await shop.EverywhereAsync("CREATE TABLE t (id int)");
        await shop.StartAsync();

        await DdlAsync(shop, "DROP TABLE t");
        shop.Declared("t").ShouldNotBeNull();
        await DdlAsync(shop, "CREATE TABLE t (id int)");

        shop.Declared("t")!.KeyColumn.ShouldBe("id");
        shop.State.Catalog.Problems.ShouldBeEmpty();
        await DdlAsync(shop, "ALTER TABLE t RENAME id TO no");
        shop.Declared("t")!.KeyColumn.ShouldBe("no");
    }

    [Theory]
    [InlineData("ALTER TABLE t RENAME TO \"T2\"", "public", "T2")]
    [InlineData("CREATE SCHEMA s; ALTER TABLE t SET SCHEMA s", "s", "t")]
    [InlineData("ALTER SCHEMA public RENAME TO other; CREATE SCHEMA public", "other", "t")]
    public async Task A_renamed_table_goes_on_under_its_new_name(string ddl, string schema, string name)
    {
        await using var shop = await DistributedAsync();

        await DdlAsync(shop, ddl);

        shop.Declared("t").ShouldBeNull();
        shop.Declared(name, schema).ShouldBe(new TableDistribution(new(schema, name), TableKind.Sharded, "id", "public.t"));
        shop.State.Catalog.Problems.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_renamed_table_of_the_file_leaves_its_name_declared()
    {
        await using var shop = (await RoutingFixture.CreateAsync(servers.Servers)).WithTable("t", "id");
        await shop.EverywhereAsync("CREATE TABLE t (id int)");
        await shop.StartAsync();

        await DdlAsync(shop, "ALTER TABLE t RENAME TO u");

        shop.Declared("u")!.KeyColumn.ShouldBe("id");
        shop.Declared("t")!.KeyColumn.ShouldBe("id");
        await shop.StartAsync();
        shop.State.Catalog.Problems.ShouldBeEmpty();
    }

    [Fact]
    public async Task Table_and_key_renamed_together_are_followed()
    {
        await using var shop = await DistributedAsync();

        await DdlAsync(shop, "ALTER TABLE t RENAME id TO \"Key\"; ALTER TABLE t RENAME TO u");

        shop.Declared("u")!.KeyColumn.ShouldBe("Key");
        shop.State.Catalog.Problems.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_rename_while_the_proxy_was_down_is_followed_at_its_start()
    {
        await using var shop = await DistributedAsync();
        await shop.StopAsync();
        await shop.EverywhereAsync("ALTER TABLE t RENAME TO u");

        await shop.StartAsync();

        shop.Declared("u").ShouldNotBeNull();
        shop.Declared("t").ShouldBeNull();
    }

    [Fact]
    public async Task A_rename_that_not_every_shard_shows_is_not_believed()
    {
        await using var shop = await DistributedAsync();

        await shop.OnHomeAsync("ALTER TABLE t RENAME TO u");
        await shop.Routing.OnSchemaChangedAsync(RoutingFixture.Cancel);

        shop.Declared("t").ShouldNotBeNull();
        shop.Problem("u")!.Reason.ShouldContain("is the declared table public.t under a new name");
        shop.Problem("t")!.Reason.ShouldContain("exists on shard \"s1\" but not on the home shard");
    }

    [Fact]
    public async Task A_drop_on_one_server_only_is_not_believed()
    {
        await using var shop = await DistributedAsync();

        await shop.OnHomeAsync("DROP TABLE t");
        await shop.Routing.OnSchemaChangedAsync(RoutingFixture.Cancel);

        shop.Declared("t").ShouldNotBeNull();
        shop.Problem("t").ShouldNotBeNull();
    }

    [Fact]
    public async Task Tables_that_changed_places_both_stay_declared()
    {
        await using var shop = await DistributedAsync();

        await DdlAsync(shop, "CREATE TABLE fresh (id int); ALTER TABLE t RENAME TO old; ALTER TABLE fresh RENAME TO t");

        shop.Declared("t").ShouldNotBeNull();
        shop.Declared("old")!.KeyColumn.ShouldBe("id");
        shop.State.Catalog.Problems.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_dropped_column_is_a_problem_of_its_table()
    {
        await using var shop = await DistributedAsync();

        await DdlAsync(shop, "ALTER TABLE t DROP COLUMN id");

        shop.Problem("t")!.Reason.ShouldBe("key column \"id\" of table public.t does not exist");
    }

    [Fact]
    public async Task A_group_name_is_not_used_again_for_another_key()
    {
        await using var shop = await DistributedAsync();
        await DdlAsync(shop, "ALTER TABLE t RENAME TO u");
        await shop.OnHomeAsync("CREATE TABLE t (name text)");

        await shop.DistributeAsync("t", "name");

        shop.Declared("u")!.Group.ShouldBe("public.t");
        shop.Declared("t")!.Group.ShouldBe("public.t#2");
    }

    private async Task<RoutingFixture> DistributedAsync()
    {
        var shop = await RoutingFixture.CreateAsync(servers.Servers);
        await shop.OnHomeAsync("CREATE TABLE t (id int, b text)");
        await shop.StartAsync();
        await shop.DistributeAsync("t", "id");
        return shop;
    }

    private static async Task DdlAsync(RoutingFixture shop, string sql)
    {
        await shop.EverywhereAsync(sql);
        await shop.Routing.OnSchemaChangedAsync(RoutingFixture.Cancel);
    }
}
