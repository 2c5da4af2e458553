using System.Globalization;
using System.Text;
using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Statements;

namespace ShardProxy.Tests.Planning;

/// <summary>For each strategy: a key's rows are found again by every kind of condition that names it, and comparisons confine ranges.</summary>
public sealed class StrategyPlanTests
{
    private const int AnyShard = 77;
    private const int Shards = 4;

    private static readonly string[] ShardNames = ["s0", "s1", "s2", "s3"];

    private static readonly PlanningContext Context = Make();

    [Theory]
    [InlineData("by_hash")]
    [InlineData("by_range")]
    [InlineData("by_list")]
    public void Any_key_is_found_again_by_every_condition_that_names_it(string table)
    {
        var random = new Random(20261122);
        for (var round = 0; round < 300; round++)
        {
            var key = table == "by_list" ? random.Next(0, 10) : random.Next(-1000, 2000);
            var home = Shard($"INSERT INTO {table} (k, v) VALUES ({key}, 'x')");
            home.ShouldBeInRange(0, Shards - 1);
            foreach (var condition in (string[])
            [
                $"k = {key}", $"{key} = k", $"k = '{key}'", $"k IN ({key})", $"k = ANY ('{{{key}}}')", $"k = ({key})::int8", $"k = {key}.0",
                $"k IN ({key}, {key}) AND v = 'x'", $"NOT k <> {key}", $"k = {key} OR (k = {key} AND v > 'a')",
            ])
            {
                Shard($"SELECT * FROM {table} WHERE {condition}").ShouldBe(home, condition);
                Shard($"UPDATE {table} SET v = 'y' WHERE {condition}").ShouldBe(home, condition);
                Shard($"DELETE FROM {table} WHERE {condition}").ShouldBe(home, condition);
            }
            var text = key.ToString(CultureInfo.InvariantCulture);
            Shard($"SELECT * FROM {table} WHERE k = $1", text).ShouldBe(home);
            Shard($"INSERT INTO {table} (v, k) VALUES ('x', $1)", text).ShouldBe(home);
            Shard($"SELECT * FROM {table} a JOIN {table} b ON a.k = b.k WHERE b.k = {key}").ShouldBe(home);
            if (table == "by_range")
            {
                Shard($"SELECT * FROM {table} WHERE k BETWEEN {key} AND {key}").ShouldBe(home);
                Shard($"SELECT * FROM {table} WHERE k >= {key} AND k <= $1", text).ShouldBe(home);
            }
        }
    }

    [Theory]
    [InlineData("k BETWEEN 0 AND 99", 1)]
    [InlineData("k >= 0 AND k < 100", 1)]
    [InlineData("k > 5 AND 50 > k", 1)]
    [InlineData("k < 0", 0)]
    [InlineData("k <= -1", 0)]
    [InlineData("NOT k >= 0", 0)]
    [InlineData("k >= 1000", 3)]
    [InlineData("k >= 1000 AND v = 'x'", 3)]
    [InlineData("k >= 0 AND k < 100 AND k > -500", 1)]
    [InlineData("k = 5 AND k < 1000", 1)]
    [InlineData("(k < 50 AND k >= 0) OR k = 7", 1)]
    public void Comparisons_confine_a_range_table_to_a_shard(string condition, int shard) =>
        Shard($"SELECT * FROM by_range WHERE {condition}").ShouldBe(shard);

    [Theory]
    [InlineData("k >= 0")] // several ranges
    [InlineData("k BETWEEN 50 AND 150")]
    [InlineData("k < 0 OR k > 1000")]
    [InlineData("k > 1000.5")] // a value that no key can have bounds nothing
    [InlineData("k <= 0")] // 0 is in the next range
    [InlineData("k > 5 OR v = 'x'")]
    [InlineData("k NOT BETWEEN 0 AND 99")]
    public void Comparisons_that_leave_several_shards_are_no_confinement(string condition) =>
        Refusal($"SELECT * FROM by_range WHERE {condition}").ShouldNotBeNull();

    [Theory]
    [InlineData("k > 500 AND k < 3")]
    [InlineData("k > NULL")]
    public void Comparisons_that_leave_nothing_run_anywhere(string condition) =>
        Shard($"SELECT * FROM by_range WHERE {condition}").ShouldBe(AnyShard);

    [Fact]
    public void Comparisons_of_text_confine_only_under_the_collation_C()
    {
        Shard("SELECT * FROM by_text_c WHERE k < 'b'").ShouldBe(0);
        Refusal("SELECT * FROM by_text WHERE k < 'b'").ShouldNotBeNull();
        Shard("SELECT * FROM by_text WHERE k = 'a'").ShouldBe(0);
        Refusal("SELECT * FROM by_text_c a JOIN by_text b ON a.k = b.k WHERE b.k < 'b'").ShouldNotBeNull();
    }

    [Fact]
    public void Comparisons_do_not_confine_a_hash_table() => Refusal("SELECT * FROM by_hash WHERE k BETWEEN 1 AND 1").ShouldNotBeNull();

    [Fact]
    public void A_new_key_without_a_range_is_refused_with_the_range_that_it_needs()
    {
        var refusal = Refusal("INSERT INTO by_gap (k, v) VALUES (150, 'x')").ShouldNotBeNull();

        refusal.SqlState.ShouldBe(SqlStates.CheckViolation);
        refusal.Reason.ShouldContain("a range that holds 150, within [100,200)");
        Shard("SELECT * FROM by_gap WHERE k = 150").ShouldBe(AnyShard);
        Refusal("INSERT INTO by_gap (k, v) VALUES (NULL, 'x')")!.SqlState.ShouldBe(SqlStates.NotNullViolation);
    }

    [Theory]
    [InlineData("SELECT * FROM by_hash WHERE k = 42")]
    [InlineData("SELECT * FROM by_range WHERE k = 42")]
    [InlineData("SELECT * FROM by_range WHERE k BETWEEN 1 AND 42")]
    [InlineData("SELECT * FROM by_list WHERE k IN (1, 2)")]
    [InlineData("INSERT INTO by_word (k, v) VALUES ('eu', 'x')")]
    [InlineData("SELECT * FROM by_zone WHERE r = 'eu' AND k = 42")]
    [InlineData("INSERT INTO by_zone_range (r, k, v) VALUES ('us', 42, 'x')")]
    public void Binding_a_key_allocates_nothing(string sql)
    {
        var choice = (KeyedShard)((OneShardPlan)Shop.Plan(sql, Context).Statements[0].Plan).Choice;
        var text = Encoding.UTF8.GetBytes(sql);
        var scanner = new ShapeScanner();
        scanner.Scan(text);
        for (var warming = 0; warming < 100; warming++)
            ShardBinder.Choose(choice, Context.Directory, new StatementValues(text, scanner), AnyShard, out _, out _);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 1000; round++)
            ShardBinder.Choose(choice, Context.Directory, new StatementValues(text, scanner), AnyShard, out _, out _);

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Theory]
    [InlineData("by_zone")]
    [InlineData("by_zone_range")]
    [InlineData("by_zone_shared")]
    public void With_its_zone_any_key_is_found_again_by_every_condition(string table)
    {
        var random = new Random(20261123);
        for (var round = 0; round < 200; round++)
        {
            var key = random.Next(-1000, 2000);
            var zone = random.Next(2) == 0 ? "eu" : "us";
            var home = Shard($"INSERT INTO {table} (v, k, r) VALUES ('x', {key}, '{zone}')");
            (table == "by_zone_shared" || (zone == "eu" ? home < 2 : home >= 2)).ShouldBeTrue();
            foreach (var condition in (string[])
            [
                $"r = '{zone}' AND k = {key}", $"{key} = k AND '{zone}' = r", $"(r, k) = ('{zone}', {key})", $"(k, r) IN (({key}, '{zone}'))",
                $"k IN ({key}) AND r IN ('{zone}')", $"k = ANY ('{{{key}}}') AND r = ANY ('{{{zone}}}')", $"(k = {key} AND r = '{zone}') OR (r = '{zone}' AND k = {key} AND v > 'a')",
                $"r = '{zone}' AND k = {key} AND v = 'x'", $"NOT (r <> '{zone}' OR k <> {key})", $"r IN ('{zone}', 'nowhere') AND k = '{key}'",
            ])
            {
                Shard($"SELECT * FROM {table} WHERE {condition}").ShouldBe(home, condition);
                Shard($"UPDATE {table} SET v = 'y' WHERE {condition}").ShouldBe(home, condition);
                Shard($"UPDATE {table} SET r = '{zone}', k = {key}, v = 'y' WHERE {condition}").ShouldBe(home, condition);
                Shard($"UPDATE {table} SET r = '{zone}' WHERE {condition}").ShouldBe(home, condition);
                Shard($"DELETE FROM {table} WHERE {condition}").ShouldBe(home, condition);
            }
            var text = key.ToString(CultureInfo.InvariantCulture);
            Shard($"SELECT * FROM {table} WHERE k = $1 AND r = '{zone}'", text).ShouldBe(home);
            Shard($"SELECT * FROM {table} a JOIN {table} b ON a.k = b.k AND a.r = b.r WHERE b.k = {key} AND a.r = '{zone}'").ShouldBe(home);
            Shard($"SELECT * FROM {table} a JOIN {table} b USING (k, r) WHERE k = {key} AND r = '{zone}'").ShouldBe(home);
        }
    }

    [Theory]
    [InlineData("SELECT * FROM by_zone WHERE r = 'eu'", "0, 1")]
    [InlineData("SELECT * FROM by_zone WHERE r IN ('us', 'nowhere')", "2, 3")]
    [InlineData("SELECT * FROM by_zone WHERE r = 'eu' OR r = 'us'", "0, 1, 2, 3")]
    [InlineData("SELECT * FROM by_zone_range WHERE k = 5", "0, 2")] // one in each zone
    [InlineData("SELECT * FROM by_zone_range WHERE k >= 1000", "1, 3")]
    [InlineData("SELECT * FROM by_zone_range WHERE r = 'us' AND k >= 0", "3, 2")]
    [InlineData("SELECT * FROM by_zone_range WHERE k IN (-5, 5, 1500)", "0, 1, 2, 3")]
    [InlineData("SELECT * FROM by_zone_range WHERE (k < 100 AND r = 'us') OR (r = 'us' AND k = 99)", "2")]
    public void A_zone_alone_and_a_key_alone_prune(string sql, string shards)
    {
        var expected = shards.Split(", ").Order();
        var plan = Shop.Plan(sql, Context).Statements[0].Plan;
        var keys = plan switch
        {
            SpreadPlan spread => spread.Keys,
            OneShardPlan { Otherwise: SpreadPlan spread } => spread.Keys,
            _ => throw new Xunit.Sdk.XunitException($"{sql}: {plan}"),
        };
        var text = Encoding.UTF8.GetBytes(sql);
        var scanner = new ShapeScanner();
        scanner.Scan(text);
        ShardBinder.Shards(keys, Context.Directory, Shards, new StatementValues(text, scanner), AnyShard)
            .Select(static shard => shard.ToString(CultureInfo.InvariantCulture)).ShouldBe(expected, sql);
    }

    [Theory]
    [InlineData("INSERT INTO by_zone (r, k) VALUES ('mars', 1)", "a zone with mars", SqlStates.CheckViolation)]
    [InlineData("INSERT INTO by_zone (r, k) VALUES (NULL, 1)", "the zone of a new row is null", SqlStates.NotNullViolation)]
    [InlineData("INSERT INTO by_zone (r, k) VALUES ('eu', NULL)", "the shard key of a new row is null", SqlStates.NotNullViolation)]
    [InlineData("INSERT INTO by_zone (k) VALUES (1)", "no value for r", "0A000")]
    [InlineData("INSERT INTO by_zone (r) VALUES ('eu')", "no value for k", "0A000")]
    [InlineData("INSERT INTO by_zone (r, k) VALUES (lower('EU'), 1)", "r and k", "0A000")]
    [InlineData("INSERT INTO by_zone (r, k) VALUES ('eu', DEFAULT)", "no value for k", "0A000")]
    [InlineData("UPDATE by_zone SET r = 'us' WHERE k = 1 AND r = 'eu'", "several shards", "0A000")]
    [InlineData("UPDATE by_zone SET r = 'mars' WHERE k = 1 AND r = 'eu'", "a zone with mars", SqlStates.CheckViolation)]
    [InlineData("UPDATE by_zone SET r = NULL WHERE k = 1 AND r = 'eu'", "the zone of a new row is null", SqlStates.NotNullViolation)]
    [InlineData("INSERT INTO by_zone (r, k) VALUES ('eu', 1) ON CONFLICT (r, k) DO UPDATE SET r = 'us'", "r and k", "0A000")]
    [InlineData("MERGE INTO by_zone t USING (SELECT 'eu' r, 1 k) s ON t.r = s.r AND t.k = s.k WHEN MATCHED THEN UPDATE SET r = 'us'", "several shards", "0A000")]
    public void What_has_no_place_in_a_zone_is_refused(string sql, string because, string state)
    {
        var refusal = Refusal(sql).ShouldNotBeNull(sql);
        refusal.Reason.ShouldContain(because);
        refusal.SqlState.ShouldBe(state);
    }

    [Theory]
    [InlineData("SELECT * FROM by_zone WHERE r = 'mars'")]
    [InlineData("SELECT * FROM by_zone WHERE r = 'mars' AND k = 1")]
    [InlineData("SELECT * FROM by_zone WHERE r = 'eu' AND r = 'us' AND k = 1")]
    [InlineData("SELECT * FROM by_zone WHERE k = 1 AND r IS NULL")]
    public void What_no_row_can_be_runs_anywhere(string sql) => Shard(sql).ShouldBe(AnyShard);

    [Theory]
    [InlineData("SELECT a.v FROM by_zone a JOIN by_zone b ON a.k = b.k AND a.r = b.r", true)]
    [InlineData("SELECT a.v FROM by_zone a JOIN by_zone b USING (r, k)", true)]
    [InlineData("SELECT a.v FROM by_zone a LEFT JOIN by_zone b ON (a.r, a.k) = (b.r, b.k)", true)]
    [InlineData("SELECT a.v FROM by_zone a WHERE (r, k) IN (SELECT r, k FROM by_zone)", true)]
    [InlineData("SELECT r, k, count(*) FROM by_zone GROUP BY r, k", true)]
    [InlineData("SELECT DISTINCT r, k FROM by_zone", true)]
    [InlineData("SELECT row_number() OVER (PARTITION BY r, k) FROM by_zone", true)]
    [InlineData("SELECT a.v FROM by_zone a JOIN by_zone b ON a.k = b.k", false)]
    [InlineData("SELECT a.v FROM by_zone a JOIN by_zone b ON a.r = b.r", false)]
    [InlineData("SELECT a.v FROM by_zone a JOIN by_zone b ON a.k = b.k AND a.r = b.v", false)]
    [InlineData("SELECT a.v FROM by_zone a WHERE k IN (SELECT k FROM by_zone)", false)]
    [InlineData("SELECT k, row_number() OVER (PARTITION BY k) FROM by_zone", false)]
    [InlineData("SELECT DISTINCT ON (k) k, r FROM by_zone", false)]
    [InlineData("SELECT x.k FROM (SELECT k, max(r) r FROM by_zone GROUP BY k) x JOIN by_zone y ON x.k = y.k AND x.r = y.r", false)]
    public void Shards_answer_for_themselves_only_by_both_columns(string sql, bool apart)
    {
        var plan = Shop.Plan(sql, Context).Statements[0].Plan;
        (plan is SpreadPlan { Merge: null }).ShouldBe(apart, $"{sql}: {plan}");
    }

    [Fact]
    public void Rows_of_one_insert_go_to_the_shards_of_their_own_zones()
    {
        var plan = Shop.Plan("INSERT INTO by_zone (r, k) VALUES ('eu', 1), ('us', 1), ('eu', 2)", Context).Statements[0].Plan
            .ShouldBeOfType<OneShardPlan>().Otherwise;
        // What holds for one text only is planned when the text's keys turn out to be several shards'.
        plan.ShouldBeOfType<ReplanPlan>();
    }

    [Fact]
    public void A_new_key_in_no_list_is_refused() =>
        Refusal("INSERT INTO by_word (k, v) VALUES ('jp', 'x')").ShouldNotBeNull().Reason.ShouldContain("a list with jp");

    private static int Shard(string sql, string? parameter = null)
    {
        Bind(sql, parameter, out var shard, out var refusal).ShouldBe(BindResult.Bound, $"{sql}: {refusal?.Reason}");
        return shard;
    }

    private static RefusedPlan? Refusal(string sql)
    {
        Bind(sql, null, out _, out var refusal);
        return refusal;
    }

    private static BindResult Bind(string sql, string? parameter, out int shard, out RefusedPlan? refusal)
    {
        shard = -1;
        var plan = Shop.Plan(sql, Context).Statements[0].Plan;
        if (plan is not OneShardPlan { Choice: KeyedShard choice })
        {
            // Not confined: all shards are asked, or nobody.
            refusal = plan as RefusedPlan
                ?? new RefusedPlan("", plan is GatherPlan || plan.ShouldBeOfType<SpreadPlan>(sql).Keys.Sets is null ? "all shards" : "some shards", null);
            return BindResult.Refused;
        }
        var text = Encoding.UTF8.GetBytes(sql);
        var scanner = new ShapeScanner();
        scanner.Scan(text);
        if (parameter is null)
            return ShardBinder.Choose(choice, Context.Directory, new StatementValues(text, scanner), AnyShard, out shard, out refusal);
        var buffer = new ByteBuffer();
        BindMessage.Write(buffer, ""u8, ""u8, [], [Encoding.UTF8.GetBytes(parameter)], []);
        BindMessage.TryRead(buffer.Unread[Frame.HeaderLength..], out var bind).ShouldBeTrue();
        return ShardBinder.Choose(choice, Context.Directory, new StatementValues(text, scanner, bind, []), AnyShard, out shard, out refusal);
    }

    private static PlanningContext Make()
    {
        var draft = new DirectoryContent("shop", 1, "test", [.. DirectorySnapshot.SpreadEvenly(64, Shards).Select(static shard => ShardNames[shard])], 64, [], []);
        var directory = draft.Apply(
        [
            .. Table("by_hash", null, null),
            .. Table("by_range", "range", "[1000,) on s3, [,0) on s0, [0,100) on s1, [100,1000) on s2"),
            .. Table("by_list", "list", "(0, 1, 2) on s3, (4) on s1, default on s2"),
            .. Table("by_gap", "range", "[,100) on s0, [200,) on s1"),
            .. Table("by_word", "list", "(eu, ch) on s0, (us) on s1"),
            .. Table("by_text", "range", "[,m) on s0, [m,) on s1"),
            .. Zoned("by_zone", "hash", null, "(eu) on s0 s1, (us) on s2 s3"),
            .. Zoned("by_zone_range", "range", "[,100), [100,)", "(eu) on s0 s1, (us) on s2 s3"),
            .. Zoned("by_zone_shared", "hash", null, "(eu) on s0 s1 s2, (us) on s1 s2 s3"),
            .. Table("by_text_c", "range", "[,m) on s0, [m,) on s1"),
        ]);
        var catalog = new CatalogSnapshot(
            1,
            150018,
            [
                Relation("by_zone", Shop.Int4), Relation("by_zone_range", Shop.Int4), Relation("by_zone_shared", Shop.Int4),
                Relation("by_hash", Shop.Int4), Relation("by_range", Shop.Int4), Relation("by_list", Shop.Int4), Relation("by_gap", Shop.Int4),
                Relation("by_word", Shop.Text), Relation("by_text", Shop.Text), Relation("by_text_c", Shop.Text, ordersByBytes: true),
            ],
            [],
            []);
        return new PlanningContext(catalog, directory.ToSnapshot(ShardNames, new ShardProxy.Directory.Lookup.LookupCache(64 << 10, sharesStore: false)), ["public"], "app", new HashSet<string>());
    }

    private static IEnumerable<DirectoryChange> Table(string name, string? strategy, string? placement)
    {
        if (strategy is not null)
            yield return new GroupPlaced(name, strategy, PlacementTargets.Assign(PlacementText.Parse(placement!), ShardNames));
        yield return new TableDeclared(new DeclaredTable(new TableDistribution(new QualifiedName("public", name), TableKind.Sharded, "k", name), 0, 0));
    }

    private static DirectoryChange[] Zoned(string name, string strategy, string? inner, string zones) =>
    [
        new GroupPlaced(name, "zone", ZoneRule.EntriesFor(strategy, inner, zones, ShardNames)),
        new TableDeclared(new DeclaredTable(new TableDistribution(new QualifiedName("public", name), TableKind.Sharded, "k", name) { ZoneColumn = "r" }, 0, 0)),
    ];

    private static Relation Relation(string name, uint type, bool ordersByBytes = false) => new(
        new QualifiedName("public", name),
        1,
        RelationKind.Table,
        [
            new Column("k", 1, type, -1, true, false, false, true) { OrdersByBytes = ordersByBytes || type != Shop.Text },
            new Column("v", 2, Shop.Text, -1, false, false, false, true),
            new Column("r", 3, Shop.Text, -1, false, false, false, true),
        ],
        null,
        null);
}
