using ShardProxy.Directory;

namespace ShardProxy.IntegrationTests.Control;

/// <summary>Tables that a changed configuration file adds while the proxy runs.</summary>
public sealed class ReloadTests(ThreeServers servers) : IClassFixture<ThreeServers>
{
    [Fact]
    public async Task New_and_existing_tables_are_declared_in_any_order()
    {
        await using var shop = await RoutingFixture.CreateAsync(servers.Servers);
        await shop.OnHomeAsync("CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE orders (user_id int REFERENCES users)");
        var routing = await shop.StartAsync();

        var failures = await routing.ApplyTablesAsync(
            shop.WithTable("orders", "user_id", "users").WithTable("later", "id", "orders").WithTable("users", "id").WithTable("r", reference: true).Config,
            RoutingFixture.Cancel);

        failures.ShouldBeEmpty();
        (await shop.AskAsync<bool>(2, "SELECT to_regclass('public.orders') IS NOT NULL")).ShouldBeTrue("it existed, so it was made everywhere");
        foreach (var table in (string[])["users", "orders", "later"])
            shop.Declared(table)!.Group.ShouldBe("public.users");
        shop.Declared("r")!.Kind.ShouldBe(TableKind.Reference);
        shop.State.Catalog.Problems.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_cannot_be_declared_is_told_and_the_rest_is_done()
    {
        await using var shop = await RoutingFixture.CreateAsync(servers.Servers);
        await shop.OnHomeAsync("CREATE TABLE full_one (id int); INSERT INTO full_one VALUES (1)");
        var routing = await shop.StartAsync();

        var failures = await routing.ApplyTablesAsync(shop.WithTable("full_one", "id").WithTable("fresh", "id").Config, RoutingFixture.Cancel);

        failures.ShouldHaveSingleItem().ShouldStartWith("table public.full_one is not declared: table public.full_one has rows");
        shop.Declared("full_one").ShouldBeNull();
        shop.Declared("fresh").ShouldNotBeNull();
    }

    [Fact]
    public async Task A_file_that_contradicts_what_is_declared_changes_nothing()
    {
        await using var shop = (await RoutingFixture.CreateAsync(servers.Servers)).WithTable("t", "id");
        var routing = await shop.StartAsync();

        var failures = await routing.ApplyTablesAsync(shop.WithTable("t", "other").WithTable("u", "id").Config, RoutingFixture.Cancel);

        failures.ShouldHaveSingleItem().ShouldContain("sharded by \"other\"");
        shop.Declared("t")!.KeyColumn.ShouldBe("id");
        shop.Declared("u").ShouldBeNull();
    }
}
