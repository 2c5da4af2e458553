using ShardProxy.IntegrationTests.Clients;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>Materialized views over sharded tables: they stand on the home shard and hold what all shards have.</summary>
public sealed class MaterializedViewTests : IAsyncLifetime
{
    private const string Programs = "/usr/lib/postgresql/15/bin/";

    private static readonly string[] Schema =
    [
        "CREATE TABLE customers (id int8 PRIMARY KEY, name text NOT NULL CHECK (name <> ''), upper_name text GENERATED ALWAYS AS (upper(name)) STORED)",
        "CREATE TABLE sales (customer int8 NOT NULL, id int8 NOT NULL, product int4, amount numeric(10,2), PRIMARY KEY (customer, id))",
        "CREATE TABLE products (id int4 PRIMARY KEY, title text)",
        "CREATE TABLE rates (product int4, rate int4)",
        "CREATE VIEW named_sales AS SELECT s.id, c.upper_name, s.amount FROM sales s JOIN customers c ON c.id = s.customer",
        "INSERT INTO products VALUES (1, 'pen'), (2, 'cup')",
        "INSERT INTO rates VALUES (1, 10), (2, 20)",
        "INSERT INTO customers SELECT g, 'c' || g FROM generate_series(1, 40) g",
        "INSERT INTO sales SELECT g % 40 + 1, g, g % 3, g / 4.0 FROM generate_series(1, 300) g",
    ];

    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;
    private WireClient _subject = null!;
    private WireClient _reference = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(3, withReference: true);
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: new Dictionary<string, string>
        {
            ["customers"] = "{ key: id }",
            ["sales"] = "{ key: customer, colocate_with: customers }",
            ["products"] = "{ reference: true }",
            ["parted"] = "{ key: id }",
        }));
        _subject = await WireClient.ConnectAsync(_proxy.Endpoint);
        _reference = await WireClient.ConnectAsync(_cluster.ReferenceEndpoint);
        foreach (var statement in Schema)
            await BothAsync(statement);
    }

    public async Task DisposeAsync()
    {
        await _subject.DisposeAsync();
        await _reference.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Theory]
    [InlineData("SELECT c.name, count(*) AS n, sum(s.amount) AS total FROM customers c JOIN sales s ON s.customer = c.id GROUP BY c.name")]
    [InlineData("SELECT product, sum(amount) AS total, rank() OVER (ORDER BY sum(amount) DESC) FROM sales GROUP BY product")]
    [InlineData("SELECT * FROM customers WHERE id IN (3, 7, 11) OR name LIKE 'c1%'")]
    [InlineData("SELECT a.id, b.id AS other FROM sales a JOIN sales b ON a.amount = b.amount * 2 WHERE a.id < 100 AND b.product = 1")]
    [InlineData("SELECT id, upper_name, amount FROM named_sales WHERE amount > 30")]
    [InlineData("SELECT p.title, r.rate, count(s.id) FROM products p LEFT JOIN sales s ON s.product = p.id JOIN rates r ON r.product = p.id GROUP BY 1, 2")]
    [InlineData("WITH RECURSIVE up(id) AS (SELECT 1::int8 UNION ALL SELECT up.id + 1 FROM up JOIN customers c ON c.id = up.id) SELECT * FROM up")]
    [InlineData("SELECT count(*) FROM sales")]
    [InlineData("SELECT name FROM customers WHERE id = 5")]
    [InlineData("SELECT title FROM products")]
    public async Task It_holds_what_all_shards_have(string query)
    {
        await BothAsync($"CREATE MATERIALIZED VIEW mv AS {query}");
        await SameAsync("SELECT * FROM mv");
        await BothAsync("UPDATE sales SET amount = amount + 1 WHERE product = 1");
        await BothAsync("INSERT INTO customers VALUES (41, 'c41'), (42, 'c42'), (43, 'c43')");
        await BothAsync("DELETE FROM customers WHERE id = 7");
        await SameAsync("SELECT * FROM mv");
        await BothAsync("REFRESH MATERIALIZED VIEW mv");
        await SameAsync("SELECT * FROM mv");
        await SameAsync("SELECT pg_get_viewdef('mv'::regclass)");
        await ShouldBeCleanAsync();
    }

    [Fact]
    public async Task It_is_used_like_a_table_of_the_home_shard()
    {
        await BothAsync("CREATE MATERIALIZED VIEW IF NOT EXISTS totals (customer, total) AS SELECT customer, sum(amount) FROM sales GROUP BY customer WITH NO DATA");
        (await FailAsync(_subject, "SELECT * FROM totals")).ShouldBe(await FailAsync(_reference, "SELECT * FROM totals"));
        await BothAsync("REFRESH MATERIALIZED VIEW totals WITH DATA");
        await BothAsync("CREATE UNIQUE INDEX totals_customer ON totals (customer)");
        await BothAsync("INSERT INTO sales VALUES (3, 1000, 1, 77), (4, 1001, 1, 78)");
        await BothAsync("DELETE FROM sales WHERE customer = 9");
        await BothAsync("REFRESH MATERIALIZED VIEW CONCURRENTLY totals");
        await SameAsync("SELECT * FROM totals");
        await SameAsync("SELECT c.name, t.total FROM totals t JOIN customers c ON c.id = t.customer");
        await SameAsync("SELECT p.title, (SELECT max(total) FROM totals) FROM products p");
        await BothAsync("CREATE MATERIALIZED VIEW top AS SELECT * FROM totals WHERE total > 100");
        await SameAsync("SELECT * FROM top");
        await BothAsync("ALTER MATERIALIZED VIEW totals RENAME COLUMN total TO sum");
        await BothAsync("ALTER MATERIALIZED VIEW totals RENAME TO sums");
        await BothAsync("COMMENT ON MATERIALIZED VIEW sums IS 'sums'");
        await BothAsync("ANALYZE sums");
        await SameAsync("SELECT sum FROM sums WHERE customer = 3");
        (await FailAsync(_subject, "DROP MATERIALIZED VIEW sums")).ShouldBe(await FailAsync(_reference, "DROP MATERIALIZED VIEW sums"));
        (await FailAsync(_subject, "DROP TABLE sales CASCADE; SELECT 1 / 0")).ShouldBe("22012");
        (await FailAsync(_subject, "DROP TABLE sales")).ShouldBe("2BP01");
        (await FailAsync(_subject, "ALTER TABLE sales DROP COLUMN amount")).ShouldBe("2BP01");
        await BothAsync("REFRESH MATERIALIZED VIEW sums WITH NO DATA");
        (await FailAsync(_subject, "SELECT * FROM sums")).ShouldBe("55000");
        await BothAsync("DROP MATERIALIZED VIEW top, sums");
        await ShouldBeCleanAsync();
    }

    [Fact]
    public async Task In_a_block_it_sees_what_the_block_has_written()
    {
        await BothAsync("CREATE MATERIALIZED VIEW n AS SELECT count(*) FROM sales");
        await BothAsync("BEGIN");
        await BothAsync("INSERT INTO sales SELECT g, 5000 + g, 1, 1 FROM generate_series(1, 30) g");
        await BothAsync("REFRESH MATERIALIZED VIEW n");
        await SameAsync("SELECT * FROM n");
        await BothAsync("REFRESH MATERIALIZED VIEW n");
        await SameAsync("SELECT count(*) FROM sales");
        await BothAsync("ROLLBACK");
        await SameAsync("SELECT * FROM n");
        await BothAsync("BEGIN");
        await BothAsync("INSERT INTO sales SELECT g, 5000 + g, 1, 1 FROM generate_series(1, 30) g");
        await BothAsync("CREATE MATERIALIZED VIEW one AS SELECT max(id) FROM sales");
        await BothAsync("CREATE MATERIALIZED VIEW two AS SELECT min(id) FROM customers");
        await BothAsync("COMMIT");
        await SameAsync("SELECT * FROM one, two");
        await ShouldBeCleanAsync();
    }

    [Fact]
    public async Task What_cannot_be_right_is_refused()
    {
        await _subject.MustAsync("CREATE TABLE parted (id int8, at date) PARTITION BY RANGE (at)");
        await _subject.MustAsync("CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')");
        foreach (var query in (string[])["SELECT count(*) FROM parted", "SELECT count(*) FROM parted_1", "SELECT count(*) FROM ONLY sales", "SELECT ctid FROM sales"])
            (await FailAsync(_subject, $"CREATE MATERIALIZED VIEW refused AS {query}")).ShouldBe("0A000", query);
        await _subject.MustAsync("CREATE MATERIALIZED VIEW n AS SELECT count(*) FROM sales");
        await _subject.MustAsync("BEGIN");
        await _subject.MustAsync("CREATE MATERIALIZED VIEW later AS SELECT count(*) FROM named_sales WITH NO DATA");
        (await FailAsync(_subject, "REFRESH MATERIALIZED VIEW n")).ShouldBe("0A000");
        await _subject.MustAsync("ROLLBACK");
        await _subject.MustAsync("BEGIN");
        await _subject.MustAsync("CREATE MATERIALIZED VIEW later AS SELECT count(*) FROM sales WITH NO DATA");
        (await FailAsync(_subject, "REFRESH MATERIALIZED VIEW later")).ShouldBe("42P01");
        await _subject.MustAsync("ROLLBACK");
        await _subject.MustAsync("BEGIN");
        await _subject.MustAsync("ALTER TABLE sales ADD COLUMN more int4");
        (await FailAsync(_subject, "CREATE MATERIALIZED VIEW later AS SELECT sum(more) FROM sales")).ShouldBe("0A000");
        await _subject.MustAsync("ROLLBACK");
        (await FailAsync(_subject, "REFRESH MATERIALIZED VIEW missing")).ShouldBe("42P01");
        (await FailAsync(_subject, "REFRESH MATERIALIZED VIEW sales")).ShouldBe(await FailAsync(_reference, "REFRESH MATERIALIZED VIEW sales"));
        await ShouldBeCleanAsync();
    }

    [Fact]
    public async Task A_client_of_the_extended_protocol_makes_and_refreshes_one()
    {
        await using var connection = new Npgsql.NpgsqlConnection(new Npgsql.NpgsqlConnectionStringBuilder
        {
            Host = _proxy.Endpoint.Host,
            Port = _proxy.Endpoint.Port,
            Username = _proxy.Endpoint.User,
            Password = _proxy.Endpoint.Password,
            Database = _proxy.Endpoint.Database,
            Pooling = false,
        }.ConnectionString);
        await connection.OpenAsync();
        foreach (var sql in (string[])["CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM sales", "INSERT INTO sales VALUES (1, 9001, 1, 1), (2, 9002, 1, 1), (3, 9003, 1, 1)", "REFRESH MATERIALIZED VIEW n"])
        {
            await using var command = new Npgsql.NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync();
        }
        (await _subject.ScalarAsync("SELECT n FROM n")).ShouldBe("303");
        await ShouldBeCleanAsync();
    }

    [Fact]
    public async Task Many_refresh_at_once()
    {
        await _subject.MustAsync("CREATE MATERIALIZED VIEW totals AS SELECT customer, sum(amount) AS total FROM sales GROUP BY customer");
        await _subject.MustAsync("CREATE UNIQUE INDEX ON totals (customer)");
        await Task.WhenAll(Enumerable.Range(0, 6).Select(async number =>
        {
            await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
            for (var round = 0; round < 5; round++)
            {
                await client.MustAsync($"INSERT INTO sales VALUES ({number + 1}, {10_000 + (100 * number) + round}, 1, 1)");
                await client.MustAsync($"REFRESH MATERIALIZED VIEW {(round % 2 == 0 ? "CONCURRENTLY " : "")}totals");
            }
        }));
        (await _subject.ScalarAsync("SELECT sum(total) FROM totals")).ShouldBe(await _subject.ScalarAsync("SELECT sum(amount) FROM sales"));
        await ShouldBeCleanAsync();
    }

    [Fact]
    public async Task A_dump_keeps_it_and_is_restored_into_one_server_and_onto_shards()
    {
        await _subject.MustAsync("CREATE MATERIALIZED VIEW totals AS SELECT customer, sum(amount) AS total FROM sales GROUP BY customer");
        await _subject.MustAsync("CREATE UNIQUE INDEX totals_customer ON totals (customer)");
        var file = Path.Combine(TestFolder.New("dump"), "dump.custom");
        await ClientProgram.RunAsync(_proxy.Endpoint, Programs + "pg_dump", ["-Fc", "-f", file]);
        await _cluster.Reference.ExecuteAsync("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        await RestoreAsync(_cluster.ReferenceEndpoint, file);
        await SameAsync("SELECT * FROM totals");
        await using var other = await Cluster.StartAsync(2);
        var proxy = await other.StartProxyAsync();
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await RestoreAsync(proxy.Endpoint, file, "--section=pre-data");
        await client.MustAsync("SELECT create_distributed_table('customers', 'id')");
        await client.MustAsync("SELECT create_distributed_table('sales', 'customer', colocate_with => 'customers')");
        await client.MustAsync("SELECT create_reference_table('products')");
        await RestoreAsync(proxy.Endpoint, file, "--section=data", "--section=post-data");
        (await RowsAsync(client, "SELECT * FROM totals")).ShouldBe(await RowsAsync(_reference, "SELECT * FROM totals"));
    }

    private static async Task RestoreAsync(Endpoint endpoint, string file, params string[] options)
    {
        // public is there already.
        var (code, output, errors) = await ClientProgram.TryRunAsync(endpoint, Programs + "pg_restore", ["-d", endpoint.Database, .. options, file]);
        code.ShouldBe(0, output + errors);
    }

    /// <summary>Nothing inherits from the tables any more, and no temporary table is left.</summary>
    private async Task ShouldBeCleanAsync()
    {
        await Until.TrueAsync(
            async () => await _cluster.Home.ScalarAsync<long>("SELECT (SELECT count(*) FROM pg_class WHERE relname LIKE 'shardproxy%' AND relpersistence = 't') + (SELECT count(*) FROM pg_inherits WHERE inhparent IN ('sales'::regclass, 'customers'::regclass))") == 0,
            "no temporary tables are left");
    }

    private async Task BothAsync(string sql)
    {
        var subject = await _subject.MustAsync(sql);
        var reference = await _reference.MustAsync(sql);
        subject.Where(static message => message.Type == 'C').Select(static message => message.CommandTag)
            .ShouldBe(reference.Where(static message => message.Type == 'C').Select(static message => message.CommandTag), sql);
    }

    private async Task SameAsync(string sql) => (await RowsAsync(_subject, sql)).ShouldBe(await RowsAsync(_reference, sql), sql);

    private static async Task<List<string>> RowsAsync(WireClient client, string sql) =>
        [.. (await client.MustAsync(sql)).Where(static message => message.Type == 'D').Select(static message => string.Join('|', message.TextValues)).Order(StringComparer.Ordinal)];

    private static async Task<string> FailAsync(WireClient client, string sql) =>
        (await client.QueryAsync(sql)).FirstOrDefault(static message => message.Type == 'E')?.SqlState ?? "no error";
}
