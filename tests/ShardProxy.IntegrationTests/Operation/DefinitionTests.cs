using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Operation;

/// <summary>Definitions that go shard by shard and can be run again, new columns filled alike on all shards, and definitions that only their transaction sees.</summary>
public sealed class DefinitionTests : IAsyncLifetime
{
    private Cluster _cluster = null!;
    private WireClient _client = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(3);
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: new Dictionary<string, string> { ["things"] = "{ key: id }", ["kinds"] = "{ reference: true }" }));
        _client = await WireClient.ConnectAsync(proxy.Endpoint);
        await _client.MustAsync("CREATE TABLE things (id int8 PRIMARY KEY, v int4)");
        await _client.MustAsync("CREATE TABLE kinds (id int4 PRIMARY KEY, made timestamptz DEFAULT now(), tag uuid DEFAULT gen_random_uuid(), v int4 DEFAULT 7)");
        await _client.MustAsync("INSERT INTO things SELECT g, g / 2 FROM generate_series(1, 60) g");
        await _client.MustAsync("INSERT INTO kinds (id) VALUES (1), (2)");
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task An_index_that_failed_on_one_shard_is_made_on_the_others_when_it_is_run_again()
    {
        // Shards are done in the order s1, s2, s0.
        await _cluster.Shards[2].ExecuteAsync("CREATE TABLE things_by_v (in_the_way int4)");
        var failed = await _client.QueryAsync("CREATE INDEX CONCURRENTLY things_by_v ON things (v)");
        var error = failed.Single(static message => message.Type == 'E');
        error.SqlState.ShouldBe("42P07");
        error.Fields['D'].ShouldContain("It has been done on: s1; not on: s2, s0.");
        error.Fields['H'].ShouldContain("run it again");
        failed.Single(static message => message.Type == 'N').Fields['M'].ShouldBe("CREATE INDEX: shard \"s1\" is done (1 of 3)");
        await _cluster.Shards[2].ExecuteAsync("DROP TABLE things_by_v");
        var oid = await _cluster.Shards[1].ScalarAsync<uint>("SELECT 'things_by_v'::regclass::oid");
        var again = await _client.MustAsync("CREATE INDEX CONCURRENTLY things_by_v ON things (v)");
        again.Where(static message => message.Type == 'N').Select(static message => message.Fields['M'])
            .ShouldBe(["CREATE INDEX: shard \"s1\" has it already (1 of 3)", "CREATE INDEX: shard \"s2\" is done (2 of 3)"]);
        again.Single(static message => message.Type == 'C').CommandTag.ShouldBe("CREATE INDEX");
        (await _cluster.Shards[1].ScalarAsync<uint>("SELECT 'things_by_v'::regclass::oid")).ShouldBe(oid);
        await ValidAsync("things_by_v", 3);
        (await _client.QueryAsync("CREATE INDEX CONCURRENTLY things_by_v ON things (v)")).Single(static message => message.Type == 'E').SqlState.ShouldBe("42P07");
        await _client.MustAsync("CREATE INDEX CONCURRENTLY IF NOT EXISTS things_by_v ON things (v)");
        await ValidAsync("things_by_v", 3);
    }

    /// <summary>The other shards do not know the home shard's relations; they would make the index there.</summary>
    [Fact]
    public async Task An_index_name_that_a_home_table_has_is_taken_on_every_shard()
    {
        await _client.MustAsync("CREATE TABLE notes (id int4 PRIMARY KEY, v int4)");
        await _client.MustAsync("CREATE INDEX by_v ON notes (v)");
        (await _client.MustAsync("CREATE INDEX IF NOT EXISTS by_v ON things (v)")).Single(static message => message.Type == 'N').Fields['M']
            .ShouldBe("relation \"by_v\" already exists, skipping");
        await ValidAsync("by_v", 1);
        foreach (var way in (string[])["", "CONCURRENTLY "])
        {
            var error = (await _client.QueryAsync($"CREATE INDEX {way}by_v ON things (v)")).Single(static message => message.Type == 'E');
            error.Fields['M'].ShouldBe("relation \"by_v\" already exists");
            error.SqlState.ShouldBe("42P07");
            await ValidAsync("by_v", 1);
        }
        await _client.MustAsync("DROP INDEX by_v");
        await _client.MustAsync("CREATE INDEX IF NOT EXISTS by_v ON things (v)");
        await ValidAsync("by_v", 3);
    }

    /// <summary>The catalog from which statements are planned does not have them before COMMIT.</summary>
    [Theory]
    [InlineData("CREATE VIEW own AS SELECT id, v FROM things", "ALTER VIEW own RENAME TO other", "other")]
    [InlineData("CREATE VIEW own AS SELECT id, v FROM things", "DROP VIEW own", null)]
    [InlineData("CREATE VIEW own AS SELECT id FROM kinds", "CREATE VIEW other AS SELECT * FROM own", "other")]
    [InlineData("ALTER TABLE things RENAME TO own", "ALTER TABLE own RENAME TO other; CREATE INDEX other_i ON other (v)", "other_i")]
    [InlineData("CREATE INDEX own ON things (v)", "ALTER INDEX own RENAME TO other", "other")]
    [InlineData("CREATE TABLE own PARTITION OF parts FOR VALUES FROM (0) TO (9)", "CREATE INDEX other ON own (v); COMMENT ON TABLE own IS 'x'", "other")]
    [InlineData("CREATE TABLE own PARTITION OF parts FOR VALUES FROM (0) TO (9)", "ALTER TABLE own RENAME TO other; TRUNCATE other; INSERT INTO parts SELECT g, 1 FROM generate_series(1, 20) g", "other")]
    [InlineData("SAVEPOINT s; CREATE VIEW own AS SELECT id FROM things; ROLLBACK TO s; CREATE TABLE own (id int4)", "ALTER TABLE own RENAME TO other", "other")]
    public async Task Definitions_of_what_the_transaction_itself_has_made_go_where_that_is(string definition, string then, string? left)
    {
        await _client.MustAsync("CREATE TABLE parts (id int8, v int4) PARTITION BY RANGE (v)");
        await _client.MustAsync("SELECT create_distributed_table('parts', 'id')");
        foreach (var isExtended in (bool[])[false, true])
        {
            await _client.MustAsync("BEGIN");
            foreach (var statement in $"{definition}; {then}".Split("; "))
            {
                if (isExtended)
                    (await _client.RunAsync(new FrontendScript().Run(statement).Sync())).ShouldNotContain(static message => message.Type == 'E', statement);
                else
                    await _client.MustAsync(statement);
            }
            if (isExtended)
                await _client.MustAsync("COMMIT");
            else
                await _client.MustAsync("ROLLBACK");
        }
        var isHome = definition.EndsWith("(id int4)", StringComparison.Ordinal);
        foreach (var shard in _cluster.Shards)
        {
            const string OwnCount = "SELECT count(*) FROM pg_class WHERE relname = 'own'";
            (await shard.ScalarAsync<long>(OwnCount)).ShouldBe(await _cluster.Home.ScalarAsync<long>(OwnCount));
            if (left is not null)
                (await shard.ScalarAsync<long>($"SELECT count(*) FROM pg_class WHERE relname = '{left}' AND relkind <> 'I'")).ShouldBe(isHome && shard != _cluster.Home ? 0 : 1);
        }
    }

    /// <summary>They would go to the home shard, whatever their keys.</summary>
    [Fact]
    public async Task Rows_of_a_partition_that_the_transaction_has_made_go_through_the_table()
    {
        await _client.MustAsync("CREATE TABLE parts (id int8, v int4) PARTITION BY RANGE (v)");
        await _client.MustAsync("SELECT create_distributed_table('parts', 'id')");
        foreach (var use in (string[])["INSERT INTO own SELECT g, 1 FROM generate_series(1, 9) g", "INSERT INTO own VALUES (1, 1)", "SELECT * FROM own", "COPY own TO STDOUT", "DELETE FROM own"])
        {
            foreach (var isExtended in (bool[])[false, true])
            {
                await _client.MustAsync("BEGIN");
                await _client.MustAsync("CREATE TABLE own PARTITION OF parts FOR VALUES FROM (0) TO (9)");
                var answer = await _client.RunAsync(isExtended ? new FrontendScript().Run(use).Sync() : new FrontendScript().Query(use));
                answer.Single(static message => message.Type == 'E').SqlState.ShouldBe("0A000", use);
                await _client.MustAsync("ROLLBACK");
            }
        }
        (await _client.QueryAsync("CREATE TABLE own PARTITION OF parts FOR VALUES FROM (0) TO (9); INSERT INTO own VALUES (1, 1)")).Single(static message => message.Type == 'E').SqlState.ShouldBe("0A000");
        await _client.MustAsync("BEGIN");
        await _client.MustAsync("CREATE TABLE own PARTITION OF parts FOR VALUES FROM (0) TO (9)");
        await _client.MustAsync("INSERT INTO parts SELECT g, 1 FROM generate_series(1, 20) g");
        await _client.MustAsync("COMMIT");
        (await _client.ScalarAsync("SELECT count(*) FROM own")).ShouldBe("20");
        (await _client.ScalarAsync("SELECT count(*) FROM own WHERE id = 7")).ShouldBe("1");
    }

    [Fact]
    public async Task Invalid_indexes_are_made_again_and_those_of_another_try_are_replaced()
    {
        // A value that is there twice on the home shard, which comes last; the proxy lets no plain statement make it.
        var id = await _cluster.Home.ScalarAsync<long>("SELECT min(id) FROM things");
        await _cluster.Shards[1].ExecuteAsync("CREATE INDEX things_v ON things (id, v) WHERE v > 3");
        await _cluster.Home.ExecuteAsync("ALTER TABLE things ADD COLUMN w int4 DEFAULT 1");
        await _cluster.Shards[1].ExecuteAsync("ALTER TABLE things ADD COLUMN w int4 DEFAULT 1");
        await _cluster.Shards[2].ExecuteAsync("ALTER TABLE things ADD COLUMN w int4 DEFAULT 1");
        await _cluster.Shards[2].ExecuteAsync($"CREATE FUNCTION fails(int8) RETURNS int8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 0'");
        await Should.ThrowAsync<Npgsql.PostgresException>(() => _cluster.Shards[2].ExecuteAsync("CREATE INDEX CONCURRENTLY things_v ON things (fails(id))"));
        await _client.MustAsync("CREATE INDEX CONCURRENTLY things_v ON things (v)");
        await ValidAsync("things_v", 3);
        foreach (var shard in _cluster.Shards)
            (await shard.ScalarAsync<string>("SELECT pg_get_indexdef('things_v'::regclass)")).ShouldBe("CREATE INDEX things_v ON public.things USING btree (v)");
        id.ShouldBeGreaterThan(0);
        await _cluster.Shards[1].ExecuteAsync("DROP INDEX things_v");
        await _client.MustAsync("DROP INDEX CONCURRENTLY things_v");
        await ValidAsync("things_v", 0);
        await _cluster.Shards[2].ExecuteAsync("CREATE INDEX left_over ON things (v)");
        await _client.MustAsync("DROP INDEX CONCURRENTLY IF EXISTS left_over");
        await ValidAsync("left_over", 0);
    }

    [Fact]
    public async Task A_new_column_has_one_time_on_all_shards()
    {
        await _client.MustAsync("ALTER TABLE things ADD COLUMN at timestamptz NOT NULL DEFAULT now(), ADD COLUMN day date DEFAULT CURRENT_DATE + 1 CHECK (day > '2000-01-01'), ADD COLUMN t text DEFAULT 'x,y'");
        (await _client.ScalarAsync("SELECT count(DISTINCT at) || ' ' || count(DISTINCT day) || ' ' || min(t) FROM things")).ShouldBe("1 1 x,y");
        (await _client.ScalarAsync("SELECT min(at) < clock_timestamp() AND min(at) > clock_timestamp() - interval '1 hour' FROM things")).ShouldBe("t");
        foreach (var shard in _cluster.Shards)
        {
            (await shard.ScalarAsync<string>("SELECT string_agg(pg_get_expr(adbin, adrelid), ';' ORDER BY adnum) FROM pg_attrdef WHERE adrelid = 'things'::regclass"))
                .ShouldBe("now();(CURRENT_DATE + 1);'x,y'::text");
        }
        await _client.MustAsync("ALTER TABLE kinds ADD COLUMN at timestamptz DEFAULT now()");
        var seen = new HashSet<DateTime>();
        foreach (var shard in _cluster.Shards)
            seen.Add(await shard.ScalarAsync<DateTime>("SELECT at FROM kinds WHERE id = 1"));
        seen.Count.ShouldBe(1);
        await _client.MustAsync("ALTER TABLE things ADD COLUMN IF NOT EXISTS at timestamptz DEFAULT now()");
        await _client.MustAsync("ALTER TABLE things ADD COLUMN r float8 DEFAULT random(), ADD COLUMN u uuid DEFAULT gen_random_uuid()");
        (await _client.ScalarAsync("SELECT count(DISTINCT u) FROM things")).ShouldBe("60");
    }

    [Theory]
    [InlineData("ALTER TABLE kinds ADD COLUMN r float8 DEFAULT random()")]
    [InlineData("ALTER TABLE kinds ADD COLUMN u uuid DEFAULT gen_random_uuid()")]
    [InlineData("ALTER TABLE kinds ADD COLUMN c timestamptz DEFAULT clock_timestamp()")]
    [InlineData("ALTER TABLE kinds ADD COLUMN s serial")]
    [InlineData("ALTER TABLE kinds ADD COLUMN s int8 GENERATED BY DEFAULT AS IDENTITY")]
    [InlineData("ALTER TABLE things ADD COLUMN s int8 DEFAULT (1 + nextval('numbers'))")]
    [InlineData("ALTER TABLE things ADD COLUMN d timestamptz DEFAULT 'now'")]
    [InlineData("ALTER TABLE things ADD COLUMN IF NOT EXISTS d timestamptz DEFAULT now()")]
    [InlineData("ALTER TABLE things ALTER COLUMN v TYPE timestamptz USING now()")]
    [InlineData("ALTER TABLE things ADD COLUMN p int4 DEFAULT pg_backend_pid()")]
    [InlineData("COPY kinds (id) FROM STDIN")]
    [InlineData("COPY kinds (id, made) FROM STDIN")]
    public async Task What_each_shard_would_fill_in_its_own_way_is_refused(string sql) =>
        (await _client.QueryAsync(sql)).Single(static message => message.Type == 'E').SqlState.ShouldBe("0A000", sql);

    [Fact]
    public async Task A_copy_into_a_reference_table_gives_all_that_varies()
    {
        var replies = await _client.RunAsync(new FrontendScript().Query("COPY kinds (id, made, tag) FROM STDIN").CopyData("9\t2024-01-01\t\\N\n").CopyDone());
        replies.ShouldNotContain(static message => message.Type == 'E');
        foreach (var shard in _cluster.Shards)
            (await shard.ScalarAsync<int>("SELECT v FROM kinds WHERE id = 9")).ShouldBe(7);
    }

    [Theory]
    [InlineData("CREATE VIEW mine AS SELECT v FROM things", "SELECT count(*) FROM mine", false)]
    [InlineData("CREATE VIEW mine AS SELECT v FROM things", "EXPLAIN SELECT count(*) FROM public.\"mine\"", false)]
    [InlineData("CREATE FUNCTION mine() RETURNS int8 LANGUAGE sql STABLE AS 'SELECT count(*) FROM things'", "SELECT mine()", false)]
    [InlineData("CREATE FUNCTION mine() RETURNS int8 LANGUAGE sql STABLE AS 'SELECT 5::int8'", "SELECT mine()", true)]
    [InlineData("CREATE VIEW mine AS SELECT id FROM kinds", "SELECT count(*) FROM mine", true)]
    [InlineData("CREATE TABLE at_home (id int8)", "SELECT count(*) FROM at_home", true)]
    [InlineData("CREATE VIEW mine AS SELECT v FROM things", "DROP VIEW mine", true)]
    [InlineData("CREATE VIEW mine AS SELECT v FROM things", "SELECT count(*) FROM things", true)]
    public async Task What_the_transaction_itself_has_made_is_used_right_or_refused(string definition, string use, bool works)
    {
        await _client.MustAsync("BEGIN");
        await _client.MustAsync(definition);
        var replies = await _client.QueryAsync(use);
        await _client.MustAsync("ROLLBACK");
        (replies.FirstOrDefault(static message => message.Type == 'E')?.SqlState ?? "works").ShouldBe(works ? "works" : "0A000");
        await _client.MustAsync("BEGIN");
        await _client.MustAsync(definition);
        var extended = await _client.RunAsync(new FrontendScript().Parse(use).Bind().Execute().Sync());
        await _client.MustAsync("ROLLBACK");
        (extended.FirstOrDefault(static message => message.Type == 'E')?.SqlState ?? "works").ShouldBe(works ? "works" : "0A000");
        (await _client.QueryAsync($"BEGIN; {definition}; {use}; ROLLBACK")).Any(static message => message.Type == 'E').ShouldBe(!works);
        await _client.QueryAsync("ROLLBACK");
    }

    private async Task ValidAsync(string index, int count)
    {
        var found = 0L;
        foreach (var shard in _cluster.Shards)
            found += await shard.ScalarAsync<long>($"SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('{index}') AND indisvalid");
        found.ShouldBe(count);
    }
}
