using ShardProxy.Catalog;
using ShardProxy.Directory;

namespace ShardProxy.IntegrationTests.Control;

public sealed class CatalogTests(ThreeServers servers) : IClassFixture<ThreeServers>
{
    [Fact]
    public async Task Relations_come_with_kinds_columns_parents_and_qualified_views()
    {
        await using var shop = await RoutingFixture.CreateAsync(servers.Servers);
        await shop.OnHomeAsync("""
            CREATE SCHEMA "Sales";
            CREATE DOMAIN positive AS numeric(10, 2) CHECK (VALUE > 0) NOT NULL;
            CREATE DOMAIN price AS positive;
            CREATE COLLATION loose (provider = icu, locale = 'und', deterministic = false);
            CREATE TABLE "Sales"."Order" (id bigserial PRIMARY KEY, "User" int, gone int, total price, code varchar(7) COLLATE loose,
                twice int GENERATED ALWAYS AS ("User" * 2) STORED, n int GENERATED ALWAYS AS IDENTITY);
            ALTER TABLE "Sales"."Order" DROP COLUMN gone;
            CREATE VIEW v AS SELECT id FROM "Sales"."Order";
            CREATE MATERIALIZED VIEW m AS SELECT 1 AS one;
            CREATE TYPE pair AS (a int, b text);
            CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at);
            CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
            CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TRIGGER t BEFORE INSERT ON parts_1 FOR EACH ROW EXECUTE FUNCTION f();
            """);

        await shop.StartAsync();

        var catalog = shop.State.Catalog;
        catalog.ServerVersion.ShouldBe(await shop.AskAsync<int>(0, "SELECT current_setting('server_version_num')::int"));
        var order = catalog.FindRelation(new("Sales", "Order")).ShouldNotBeNull();
        order.Kind.ShouldBe(RelationKind.Table);
        order.HasTriggers.ShouldBeFalse();
        // The sequence's object id is the server's choice.
        order.Columns.Select(static column => column with { Sequence = 0 }).ShouldBe(
        [
            new Column("id", 1, 20, -1, true, true, false, true) { OrdersByBytes = true, Default = "nextval('\"Sales\".\"Order_id_seq\"'::regclass)" },
            new Column("User", 2, 23, -1, false, false, false, true) { OrdersByBytes = true },
            new Column("total", 4, 1700, (10 << 16 | 2) + 4, true, false, false, true) { OrdersByBytes = true, IsDomain = true },
            new Column("code", 5, 1043, 7 + 4, false, false, false, false) { HasOwnCollation = true },
            new Column("twice", 6, 23, -1, false, true, true, true) { OrdersByBytes = true },
            new Column("n", 7, 23, -1, true, true, false, true) { OrdersByBytes = true, IsIdentity = true, IsIdentityAlways = true },
        ]);
        Relation(shop, "v").ViewDefinition.ShouldNotBeNull().ShouldContain("FROM \"Sales\".\"Order\"");
        Relation(shop, "m").Kind.ShouldBe(RelationKind.MaterializedView);
        Relation(shop, "pair").Kind.ShouldBe(RelationKind.Composite);
        Relation(shop, "parts").Kind.ShouldBe(RelationKind.PartitionedTable);
        Relation(shop, "parts_1").Parent.ShouldBe(new QualifiedName("public", "parts"));
        Relation(shop, "parts").HasTriggers.ShouldBeTrue("a partition's trigger fires for statements on its parent");
        catalog.FindRelation(new("Sales", "Order_pkey"))!.Kind.ShouldBe(RelationKind.Index);
        catalog.FindRelation(new("Sales", "Order_id_seq"))!.Kind.ShouldBe(RelationKind.Sequence);
        foreach (var part in (string[])["Order_pkey", "Order_id_seq", "Order_n_seq"])
            catalog.FindRelation(new("Sales", part))!.Table.ShouldBe(new QualifiedName("Sales", "Order"));
        order.Table.ShouldBeNull();
        catalog.Schemas.ShouldBe(["Sales", "public"], ignoreOrder: true);
        catalog.FindRelation(new("pg_catalog", "pg_class")).ShouldBeNull();
    }

    [Fact]
    public async Task Functions_fold_their_overloads_to_the_most_cautious()
    {
        await using var shop = await RoutingFixture.CreateAsync(servers.Servers);
        await shop.OnHomeAsync("""
            CREATE FUNCTION one() RETURNS int LANGUAGE sql IMMUTABLE RETURN 1;
            CREATE FUNCTION two(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
            CREATE FUNCTION two(text) RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 2; END';
            CREATE FUNCTION step(int, int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT $1 + $2';
            CREATE AGGREGATE total(int) (SFUNC = step, STYPE = int);
            """);

        await shop.StartAsync();

        Function(shop, "one").ShouldBe(new FunctionInfo(new("public", "one"), FunctionVolatility.Immutable, "sql", "RETURN 1"));
        Function(shop, "two").ShouldBe(new FunctionInfo(new("public", "two"), FunctionVolatility.Volatile, "", "SELECT 1\nBEGIN RETURN 2; END"));
        Function(shop, "total").Volatility.ShouldBe(FunctionVolatility.Volatile);
    }

    [Fact]
    public async Task Object_ids_of_types_are_paired_by_name()
    {
        await using var shop = await RoutingFixture.CreateAsync(servers.Servers);
        const string Types = """
            CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE DOMAIN d AS int; CREATE TYPE pair AS (a int, m mood);
            CREATE TYPE span AS RANGE (SUBTYPE = float8); CREATE TABLE t (id int, m mood[]);
            """;
        await shop.OnHomeAsync(Types);
        // Another order and other things in between give other ids.
        await shop.OnShardAsync(1, "CREATE TABLE noise (a int); CREATE TYPE extra AS ENUM ('x');" + Types);
        await shop.OnShardAsync(2, "CREATE TABLE _mood (a int);" + Types);

        await shop.StartAsync();

        for (var shard = 1; shard < 3; shard++)
        {
            var map = shop.State.Catalog.ShardObjectIds[shard];
            foreach (var type in (string[])["mood", "mood[]", "d", "d[]", "pair", "pair[]", "span", "span[]", "span_multirange", "span_multirange[]", "t", "t[]"])
            {
                var sql = $"SELECT '{type}'::regtype::oid";
                var (local, home) = (await shop.AskAsync<uint>(shard, sql), await shop.AskAsync<uint>(0, sql));
                map.ToHome(local).ShouldBe(home, $"{type} on shard {shard}");
                map.FromHome(home).ShouldBe(local, $"{type} on shard {shard}");
            }
            map.ToHome(25).ShouldBe(25u);
        }
        shop.State.Catalog.ShardObjectIds[0].IsIdentity.ShouldBeTrue();
    }

    [Fact]
    public async Task A_refresh_that_finds_nothing_new_keeps_the_version()
    {
        await using var shop = await RoutingFixture.CreateAsync(servers.Servers);
        await shop.OnHomeAsync("CREATE TABLE t (id int)");
        var routing = await shop.StartAsync();
        await routing.RefreshCatalogAsync(RoutingFixture.Cancel);
        var before = routing.Current;

        await routing.RefreshCatalogAsync(RoutingFixture.Cancel);
        routing.Current.ShouldBeSameAs(before);

        await shop.OnHomeAsync("ALTER TABLE t ADD COLUMN b text");
        await routing.OnSchemaChangedAsync(RoutingFixture.Cancel);
        routing.Current.Version.ShouldBeGreaterThan(before.Version);
        Relation(shop, "t").FindColumn("b").ShouldNotBeNull();
    }

    [Fact]
    public async Task Ten_thousand_tables_are_read_correctly()
    {
        await using var shop = await RoutingFixture.CreateAsync(servers.Servers);
        for (var batch = 0; batch < 10; batch++)
        {
            await shop.OnHomeAsync($"""
                DO $$ BEGIN
                    FOR i IN {batch * 1000} .. {(batch * 1000) + 999} LOOP
                        EXECUTE format('CREATE TABLE t%s (id bigint PRIMARY KEY, a int, b text, c timestamptz DEFAULT now())', i);
                    END LOOP;
                END $$
                """);
        }

        await shop.StartAsync();

        shop.State.Catalog.Relations.Values.Count(static relation => relation.Kind == RelationKind.Table).ShouldBe(10_000);
        Relation(shop, "t9999").Columns.Count.ShouldBe(4);
    }

    private static Relation Relation(RoutingFixture shop, string name) =>
        shop.State.Catalog.FindRelation(new QualifiedName("public", name)).ShouldNotBeNull();

    private static FunctionInfo Function(RoutingFixture shop, string name) =>
        shop.State.Catalog.FindFunction(new QualifiedName("public", name)).ShouldNotBeNull();
}
