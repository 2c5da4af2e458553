namespace ShardProxy.IntegrationTests.Control;

/// <summary>Tables that the configuration file declares, as they stand on the shards at start.</summary>
public sealed class TableProblemTests(ThreeServers servers) : IClassFixture<ThreeServers>
{
    private const string NoDifference = "";

    [Theory]
    [InlineData("(id int PRIMARY KEY, b int)", NoDifference, null)]
    [InlineData("(b int)", NoDifference, "key column \"id\" of table public.t does not exist")]
    [InlineData("(id jsonb)", NoDifference, "cannot be a key")]
    [InlineData("(id int GENERATED ALWAYS AS (b + 1) STORED, b int)", NoDifference, "generated column")]
    [InlineData("(id int, b int UNIQUE)", NoDifference, "\"t_b_key\" of table public.t does not contain the key column \"id\"")]
    [InlineData("(id int, b text)", "ALTER TABLE t ALTER id TYPE bigint", "has other columns on shard \"s1\"")]
    [InlineData("(id int, b text)", "ALTER TABLE t ADD COLUMN c int", "has other columns on shard \"s1\"")]
    [InlineData("(id text, b text)", "ALTER TABLE t ALTER id TYPE text COLLATE \"C\"", "has other columns on shard \"s1\"")]
    [InlineData("(id int, b text)", "DROP TABLE t", "does not exist on shard \"s1\"")]
    [InlineData("(id int, b int); CREATE TABLE h (a int PRIMARY KEY); ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES h", NoDifference, "lives on the home shard only")]
    [InlineData("(id int, b int); CREATE TABLE child () INHERITS (t)", NoDifference, "inheritance")]
    public async Task A_declared_table_that_is_unfit_is_told(string columns, string onOneShard, string? problem)
    {
        await using var shop = (await RoutingFixture.CreateAsync(servers.Servers)).WithTable("t", "id");
        await shop.EverywhereAsync($"CREATE TABLE t {columns}");
        if (onOneShard != NoDifference)
            await shop.OnShardAsync(1, onOneShard);

        await shop.StartAsync();

        shop.Declared("t").ShouldNotBeNull();
        if (problem is null)
            shop.Problem("t").ShouldBeNull();
        else
            shop.Problem("t").ShouldNotBeNull().Reason.ShouldContain(problem);
    }

    [Fact]
    public async Task A_view_under_a_declared_name_is_told()
    {
        await using var shop = (await RoutingFixture.CreateAsync(servers.Servers)).WithTable("t", "id");
        await shop.EverywhereAsync("CREATE VIEW t AS SELECT 1 AS id");

        await shop.StartAsync();

        shop.Problem("t")!.Reason.ShouldContain("no table");
    }

    [Fact]
    public async Task A_table_that_does_not_exist_yet_is_no_problem()
    {
        await using var shop = (await RoutingFixture.CreateAsync(servers.Servers)).WithTable("t", "id");

        await shop.StartAsync();

        shop.Declared("t").ShouldNotBeNull();
        shop.State.Catalog.Problems.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_undeclared_table_that_refers_to_a_sharded_one_is_told_until_it_is_declared()
    {
        await using var shop = await RoutingFixture.CreateAsync(servers.Servers);
        await shop.OnHomeAsync("CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE orders (user_id int REFERENCES users)");
        await shop.StartAsync();

        await shop.DistributeAsync("users", "id");
        shop.Problem("orders")!.Reason.ShouldContain("whose rows are spread over the shards");

        await shop.DistributeAsync("orders", "user_id", "users");
        shop.State.Catalog.Problems.ShouldBeEmpty();
    }

    [Fact]
    public async Task Foreign_keys_lead_along_the_key_of_a_group_or_to_reference_tables()
    {
        await using var shop = (await RoutingFixture.CreateAsync(servers.Servers))
            .WithTable("users", "id").WithTable("orders", "user_id", "users").WithTable("stray", "id").WithTable("products", reference: true);
        await shop.EverywhereAsync("""
            CREATE TABLE users (id int PRIMARY KEY);
            CREATE TABLE products (id int PRIMARY KEY);
            CREATE TABLE orders (user_id int REFERENCES users, product int REFERENCES products);
            CREATE TABLE stray (id int REFERENCES users);
            """);

        await shop.StartAsync();

        shop.Problem("orders").ShouldBeNull();
        shop.Problem("stray")!.Reason.ShouldContain("not colocated");
    }

    [Fact]
    public async Task Reference_copies_that_differ_are_told()
    {
        await using var shop = (await RoutingFixture.CreateAsync(servers.Servers)).WithTable("same", reference: true).WithTable("other", reference: true);
        await shop.EverywhereAsync("CREATE TABLE same (a int, b json); INSERT INTO same VALUES (1, '{}'), (2, '[]'); CREATE TABLE other (a int); INSERT INTO other VALUES (1)");
        await shop.OnShardAsync(2, "UPDATE other SET a = 2");

        await shop.StartAsync();

        shop.Problem("same").ShouldBeNull();
        shop.Problem("other")!.Reason.ShouldContain("has other rows on shard \"s2\"");
    }

    [Fact]
    public async Task Sequences_of_tables_created_everywhere_are_divided()
    {
        await using var shop = (await RoutingFixture.CreateAsync(servers.Servers)).WithTable("t", "k");
        await shop.StartAsync();

        await shop.EverywhereAsync("CREATE TABLE t (k int, id bigserial)");
        await shop.Routing.OnSchemaChangedAsync(RoutingFixture.Cancel);

        (await shop.AskAsync<long>(0, "SELECT nextval('t_id_seq')")).ShouldBe(1);
        (await shop.AskAsync<long>(2, "SELECT nextval('t_id_seq')")).ShouldBe((2L << 48) + 1);
    }

    [Theory]
    [InlineData("int4", "i - 500")]
    [InlineData("int8", "i * 10000000000 - 7")]
    [InlineData("int2", "i")]
    [InlineData("numeric(20, 4)", "i * -1.25")]
    [InlineData("text", "'ключ ' || i")]
    [InlineData("varchar(20)", "'v' || i")]
    [InlineData("char(9)", "'c' || i")]
    [InlineData("uuid", "md5(i::text)::uuid")]
    [InlineData("bytea", "decode(md5(i::text), 'hex')")]
    [InlineData("date", "DATE '1999-01-01' + i")]
    [InlineData("timestamp", "TIMESTAMP '1999-01-01' + i * INTERVAL '1.5 hours'")]
    [InlineData("timestamptz", "TIMESTAMPTZ '1999-01-01' + i * INTERVAL '1.5 hours'")]
    [InlineData("bool", "i % 2 = 0")]
    public async Task Rows_that_were_there_before_are_accepted_where_they_belong_only(string type, string value)
    {
        await using var shop = (await RoutingFixture.CreateAsync(servers.Servers)).WithTable("good", "k").WithTable("bad", "k");
        // PostgreSQL's own hash partitions say where a row belongs: bucket i of 64, in three contiguous runs.
        await shop.EverywhereAsync($"""
            CREATE TABLE good (k {type}, n int); CREATE TABLE bad (k {type}, n int);
            CREATE TABLE source (k {type}, n int) PARTITION BY HASH (k);
            DO $$ BEGIN FOR b IN 0 .. 63 LOOP
                EXECUTE format('CREATE TABLE source_%s PARTITION OF source FOR VALUES WITH (MODULUS 64, REMAINDER %s)', b, b);
            END LOOP; END $$;
            INSERT INTO source SELECT {value}, i FROM generate_series(1, 300) AS i;
            """);
        for (var shard = 0; shard < 3; shard++)
        {
            const string Owner = "substr(tableoid::regclass::text, 8)::int * 3 / 64";
            await shop.OnShardAsync(shard, $"INSERT INTO good SELECT k, n FROM source WHERE {Owner} = {shard}; INSERT INTO bad SELECT k, n FROM source WHERE {Owner} = {shard}; DROP TABLE source");
        }
        await shop.EverywhereAsync($"INSERT INTO bad SELECT {value}, i FROM generate_series(1, 300) AS i");

        await shop.StartAsync();

        shop.Problem("good").ShouldBeNull();
        shop.Problem("bad").ShouldNotBeNull().Reason.ShouldContain("that belong on others");
        await shop.EverywhereAsync("TRUNCATE bad");
        await shop.Routing.RefreshCatalogAsync(RoutingFixture.Cancel);
        shop.Problem("bad").ShouldBeNull();
    }

    [Fact]
    public async Task Rows_without_a_key_belong_nowhere()
    {
        await using var shop = (await RoutingFixture.CreateAsync(servers.Servers)).WithTable("t", "k");
        await shop.EverywhereAsync("CREATE TABLE t (k int)");
        await shop.OnHomeAsync("INSERT INTO t VALUES (NULL)");

        await shop.StartAsync();

        shop.Problem("t").ShouldNotBeNull();
    }
}
