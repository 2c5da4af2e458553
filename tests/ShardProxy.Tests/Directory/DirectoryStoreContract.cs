using ShardProxy.Directory;
using ShardProxy.Directory.Placements;

namespace ShardProxy.Tests.Directory;

/// <summary>What every store keeps. A new store's test class derives from this and says how to open it.</summary>
public abstract class DirectoryStoreContract : KeyStoreContract
{
    private static readonly string[] FourBuckets = ["s0", "s0", "s1", "s1"];

    [Fact]
    public async Task The_cluster_id_is_a_uuid_and_survives_a_restart()
    {
        var cluster = await Store.GetClusterAsync(Cancel);
        Guid.Parse(cluster).ShouldNotBe(Guid.Empty);

        await ReopenAsync();

        (await Store.GetClusterAsync(Cancel)).ShouldBe(cluster);
    }

    [Fact]
    public async Task An_unknown_database_has_no_content() => (await Store.LoadAsync("shop", Cancel)).ShouldBeNull();

    [Fact]
    public async Task A_created_database_keeps_its_buckets()
    {
        var created = await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);
        await ReopenAsync();
        var loaded = (await Store.LoadAsync("shop", Cancel)).ShouldNotBeNull();

        created.Version.ShouldBe(1);
        loaded.Version.ShouldBe(1);
        loaded.ShardOfBucket.ShouldBe(FourBuckets);
        loaded.Tables.ShouldBeEmpty();
        loaded.Cluster.ShouldBe(await Store.GetClusterAsync(Cancel));
    }

    [Fact]
    public async Task Creating_twice_changes_nothing()
    {
        await Store.CreateAsync("shop", FourBuckets, "a", Cancel);

        var second = await Store.CreateAsync("shop", ["x", "y"], "b", Cancel);

        second.ShardOfBucket.ShouldBe(FourBuckets);
        (await Store.HistoryAsync("shop", 10, Cancel)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Declared_tables_come_back_as_they_were()
    {
        await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);
        DeclaredTable[] tables = [Sharded("Odd \"name\"", "Ключ", "g") with { HomeOid = uint.MaxValue, KeyNumber = 7 }, Reference("products")];

        await Store.ChangeAsync("shop", 1, [.. tables.Select(static table => new TableDeclared(table))], "alice", Cancel);
        await ReopenAsync();

        var loaded = (await Store.LoadAsync("shop", Cancel)).ShouldNotBeNull();
        loaded.Version.ShouldBe(2);
        loaded.Tables.ShouldBe(tables, ignoreOrder: true);
    }

    [Fact]
    public async Task Groups_with_ranges_and_lists_come_back_with_their_buckets()
    {
        await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);
        await Store.ChangeAsync(
            "shop",
            1,
            [
                new GroupPlaced("g", "range", PlacementText.Parse("[,10) on s1, [10,20) on s0")),
                new TableDeclared(Sharded("t", "k", "g")),
                new GroupPlaced("h", "list", PlacementText.Parse("(\"odd, one\", b) on s1, default on s0")),
                new TableDeclared(Sharded("u", "k", "h")),
            ],
            "alice",
            Cancel);
        await Store.ChangeAsync("shop", 2, [new RangeSplit("g", null, "10", "5")], "bob", Cancel);
        await Store.ChangeAsync("shop", 3, [new PlacementAdded("g", PlacementText.Parse("[20,) on s1")[0])], "bob", Cancel);
        await ReopenAsync();

        var loaded = (await Store.LoadAsync("shop", Cancel)).ShouldNotBeNull();
        loaded.HashBuckets.ShouldBe(4);
        loaded.Groups.Select(static group => (group.Name, group.Rule.Strategy, group.Rule.ToText())).ShouldBe(
        [
            ("g", "range", "[,5) on 4, [5,10) on 8, [10,20) on 5, [20,) on 9"),
            ("h", "list", "(\"odd, one\", b) on 6, default on 7"),
        ]);
        loaded.ShardOfBucket.Skip(4).ShouldBe(["s1", "s0", "s1", "s0", "s1", "s1"]);
        (await Store.HistoryAsync("shop", 2, Cancel)).Select(static entry => entry.What).ShouldBe(
            ["add [20,) on s1 to group g", "split range [,10) of group g at 5"]);
    }

    [Fact]
    public async Task Zones_come_back_with_their_buckets_and_take_more()
    {
        await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);
        string[] shards = ["s0", "s1", "s2"];
        var table = Sharded("t", "k", "g");
        await Store.ChangeAsync(
            "shop",
            1,
            [
                new GroupPlaced("g", "zone", ZoneRule.EntriesFor("hash", null, "(eu, \"c h\") on s0 s1, (us) on s2", shards)),
                new TableDeclared(table with { Distribution = table.Distribution with { ZoneColumn = "region" }, ZoneNumber = 3 }),
                new GroupPlaced("h", "zone", ZoneRule.EntriesFor("range", "[,10), [10,)", "(1) on s1 s0, (2) on s2", shards)),
                new TableDeclared(Sharded("u", "k", "h") with { Distribution = Sharded("u", "k", "h").Distribution with { ZoneColumn = "z" } }),
            ],
            "alice",
            Cancel);
        await Store.ChangeAsync("shop", 2, [new PlacementAdded("g", PlacementText.Parse("(jp) on s1 s2")[0])], "bob", Cancel);
        await Store.ChangeAsync("shop", 3, [new ZoneRenamed(Name("t"), "country")], "bob", Cancel);
        await ReopenAsync();

        var loaded = (await Store.LoadAsync("shop", Cancel)).ShouldNotBeNull();
        loaded.Groups.Select(static group => (group.Name, group.Rule.Strategy, group.Rule.ToText())).ShouldBe(
        [
            ("g", "zone", "(hash, 4), (eu, \"c h\") on \"4 s0 s1\", (us) on \"8 s2\", (jp) on \"16 s1 s2\""),
            ("h", "zone", "(range, \"[,10), [10,)\"), (1) on \"12 s1 s0\", (2) on \"14 s2\""),
        ]);
        loaded.ShardOfBucket.Skip(4).ShouldBe(["s0", "s0", "s1", "s1", "s2", "s2", "s2", "s2", "s1", "s0", "s2", "s2", "s1", "s1", "s2", "s2"]);
        var stored = loaded.Find(Name("t")).ShouldNotBeNull();
        (stored.Distribution.ZoneColumn, stored.ZoneNumber).ShouldBe(("country", (short)3));
    }

    [Fact]
    public async Task A_bucket_cannot_leave_its_zone()
    {
        await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);
        await Store.ChangeAsync(
            "shop", 1, [new GroupPlaced("g", "zone", ZoneRule.EntriesFor("hash", null, "(eu) on s0 s1, (us) on s2", ["s0", "s1", "s2"])), new TableDeclared(Sharded("t", "k", "g"))], "a", Cancel);

        var refused = await Should.ThrowAsync<DirectoryException>(async () => await Store.ChangeAsync("shop", 2, [new BucketGiven(5, "s2")], "a", Cancel));

        refused.Message.ShouldContain("zone (eu)");
        (await Store.ChangeAsync("shop", 2, [new BucketGiven(5, "s1")], "a", Cancel)).ShardOfBucket[5].ShouldBe("s1");
    }

    [Fact]
    public async Task Zones_of_keys_that_are_looked_up_share_slots_take_more_and_keep_their_buckets()
    {
        await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);
        string[] shards = ["s0", "s1", "s2"];
        var entries = ZoneRule.EntriesFor("lookup", "hash", "(eu, \"c h\") on s0 s1, (us) on s1", shards);
        await Store.ChangeAsync("shop", 1, [new GroupPlaced("g", "zone", entries), new TableDeclared(Sharded("t", "k", "g"))], "a", Cancel);
        await Store.ChangeAsync("shop", 2, [new PlacementAdded("g", PlacementText.Parse("(jp) on s2 s0")[0])], "b", Cancel);
        await Store.ChangeAsync("shop", 3, [new PlacementAdded("g", PlacementText.Parse("(us) on s2")[0])], "b", Cancel);
        await ReopenAsync();

        var loaded = (await Store.LoadAsync("shop", Cancel)).ShouldNotBeNull();
        var rule = loaded.Groups.ShouldHaveSingleItem().Rule.ShouldBeOfType<LookupRule>();
        (rule.Policy, rule.Id).ShouldBe(("hash", entries[0].Values[2]));
        rule.Slots.Select(bucket => loaded.ShardOfBucket[bucket]).ShouldBe(shards);
        rule.Zones.Select(static zone => $"{zone.Text} {string.Join(' ', zone.Slots)}").ShouldBe(["(eu, \"c h\") 0 1", "(us) 1 2", "(jp) 2 0"]);
        rule.ToText().ShouldBe(PlacementRule.Read("lookup", rule.ToText()).ToText());
        rule.SlotsIn(0).ShouldBeNull();
        rule.SlotsIn(0b011).ShouldBe([1]);
        rule.SlotsIn(0b101).ShouldBe([0]);

        (await Should.ThrowAsync<DirectoryException>(async () => await Store.ChangeAsync("shop", 4, [new BucketGiven(rule.Slots[0], "s1")], "a", Cancel)))
            .Message.ShouldContain("zone (jp)");
    }

    private sealed record BucketGiven(int Bucket, string Shard) : DirectoryChange
    {
        internal override void ApplyTo(DirectoryDraft draft) => draft.Owners[Bucket] = Shard;
    }

    [Fact]
    public async Task A_group_goes_with_its_last_table_and_its_buckets_are_taken_again()
    {
        await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);
        await Store.ChangeAsync("shop", 1, [new GroupPlaced("g", "range", PlacementText.Parse("[,) on s1")), new TableDeclared(Sharded("t", "k", "g"))], "a", Cancel);
        await Store.ChangeAsync("shop", 2, [new TableUndeclared(Name("t"))], "a", Cancel);
        await Store.ChangeAsync("shop", 3, [new GroupPlaced("h", "range", PlacementText.Parse("[,) on s0")), new TableDeclared(Sharded("u", "k", "h"))], "a", Cancel);

        var loaded = (await Store.LoadAsync("shop", Cancel)).ShouldNotBeNull();
        loaded.Groups.ShouldHaveSingleItem().Name.ShouldBe("h");
        loaded.ShardOfBucket.ShouldBe([.. FourBuckets, "s0"]);
    }

    [Fact]
    public async Task Shards_that_joined_come_back_in_their_order()
    {
        await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);
        var added = new JoinedShard("s9", "db.example", 5433, "shop", "verify-full");
        await Store.ChangeAsync("shop", 1, [new ShardJoined(added)], "alice", Cancel);
        var content = await Store.ChangeAsync("shop", 2, [new ShardJoined(added with { Name = "s3" })], "alice", Cancel);

        content.Shards.ShouldBe([added, added with { Name = "s3" }]);
        (await Store.LoadAsync("shop", Cancel))!.Shards.ShouldBe(content.Shards);
        await Should.ThrowAsync<DirectoryException>(async () => await Store.ChangeAsync("shop", 3, [new ShardJoined(added)], "alice", Cancel));
        await Should.ThrowAsync<DirectoryException>(async () => await Store.ChangeAsync("shop", 3, [new ShardJoined(added with { Name = FourBuckets[0] })], "alice", Cancel));
        (await Store.HistoryAsync("shop", 1, Cancel))[0].What.ShouldBe("add shard s3 at db.example:5433/shop");
    }

    [Fact]
    public async Task A_change_from_an_old_version_fails_and_changes_nothing()
    {
        await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);
        await Store.ChangeAsync("shop", 1, [new TableDeclared(Sharded("users", "id", "g"))], "alice", Cancel);

        var conflict = await Should.ThrowAsync<DirectoryConflictException>(
            async () => await Store.ChangeAsync("shop", 1, [new TableDeclared(Reference("products"))], "bob", Cancel));

        conflict.Actual.ShouldBe(2);
        (await Store.LoadAsync("shop", Cancel))!.Tables.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Of_many_changes_from_one_version_exactly_one_wins()
    {
        await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);

        var wins = await Task.WhenAll(Enumerable.Range(0, 8).Select(async number =>
        {
            try
            {
                await Store.ChangeAsync("shop", 1, [new TableDeclared(Reference($"t{number}"))], $"w{number}", Cancel);
                return 1;
            }
            catch (DirectoryConflictException)
            {
                return 0;
            }
        }));

        wins.Sum().ShouldBe(1);
        (await Store.LoadAsync("shop", Cancel))!.Tables.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_change_that_does_not_fit_takes_its_neighbours_with_it()
    {
        await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);

        await Should.ThrowAsync<DirectoryException>(async () => await Store.ChangeAsync(
            "shop", 1, [new TableDeclared(Reference("a")), new TableUndeclared(Name("missing"))], "alice", Cancel));

        var loaded = await Store.LoadAsync("shop", Cancel);
        loaded!.Version.ShouldBe(1);
        loaded.Tables.ShouldBeEmpty();
    }

    [Fact]
    public async Task Databases_do_not_touch_each_other()
    {
        await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);
        await Store.CreateAsync("blog", ["b0", "b1"], "first start", Cancel);

        await Store.ChangeAsync("shop", 1, [new TableDeclared(Reference("products"))], "alice", Cancel);

        var blog = await Store.LoadAsync("blog", Cancel);
        blog!.Version.ShouldBe(1);
        blog.ShardOfBucket.ShouldBe(["b0", "b1"]);
        blog.Tables.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_is_lost_is_put_back_and_what_is_newer_stays()
    {
        await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);
        var second = await Store.ChangeAsync("shop", 1, [new TableDeclared(Reference("products"))], "alice", Cancel);
        var third = second.Apply([new TableDeclared(Sharded("users", "id", "g"))]);

        (await Store.RestoreAsync(second, "proxy", Cancel)).ShouldBeFalse("it is there");
        (await Store.RestoreAsync(third, "proxy", Cancel)).ShouldBeTrue();
        (await Store.RestoreAsync(second, "proxy", Cancel)).ShouldBeFalse("what is there is newer");
        (await Store.RestoreAsync(third with { Database = "blog" }, "proxy", Cancel)).ShouldBeTrue("nothing of it is there");

        var loaded = (await Store.LoadAsync("shop", Cancel)).ShouldNotBeNull();
        (loaded.Version, loaded.Tables.Count).ShouldBe((3, 2));
        (await Store.LoadAsync("blog", Cancel))!.ShardOfBucket.ShouldBe(FourBuckets);
        (await Store.HistoryAsync("shop", 1, Cancel))[0].What.ShouldContain("put back");
    }

    [Fact]
    public async Task Proxies_report_what_they_serve_as_long_as_they_hold_a_lease()
    {
        await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);
        var now = DateTimeOffset.UtcNow;
        (await Store.ReportAsync("shop", new ProxyReport("a", "one", 1, now, now), TimeSpan.FromMinutes(1), Cancel)).Version.ShouldBe(1);
        await Store.ReportAsync("shop", new ProxyReport("b", "two", 1, now, now), TimeSpan.FromMinutes(1), Cancel);
        await Store.ReportAsync("shop", new ProxyReport("c", "three", 1, now, now), TimeSpan.FromMilliseconds(1), Cancel);
        await Store.ReportAsync("shop", new ProxyReport("b", "two", 7, now, now), TimeSpan.FromMinutes(1), Cancel);
        await Store.LeaveAsync("shop", "a", Cancel);
        (await Store.ReportAsync("blog", new ProxyReport("b", "two", 0, now, now), TimeSpan.FromMinutes(1), Cancel)).Version.ShouldBe(0);

        IReadOnlyList<ProxyReport> proxies = [];
        for (var attempt = 0; attempt < 500 && proxies.Count != 1; attempt++)
        {
            proxies = await Store.ProxiesAsync("shop", Cancel);
            await Task.Delay(1);
        }

        var only = proxies.ShouldHaveSingleItem();
        (only.Id, only.Name, only.Version).ShouldBe(("b", "two", 7L));
        only.Expires.ShouldBeGreaterThan(now);
    }

    [Fact]
    public async Task History_says_who_did_what_when_newest_first()
    {
        await Store.CreateAsync("shop", FourBuckets, "first start", Cancel);
        await Store.ChangeAsync("shop", 1, [new TableDeclared(Sharded("users", "id", "public.users"))], "alice", Cancel);
        await Store.ChangeAsync("shop", 2, [new TableRenamed(Name("users"), Name("people"), false), new KeyRenamed(Name("people"), "no")], "bob", Cancel);

        var history = await Store.HistoryAsync("shop", 2, Cancel);

        history.Select(static entry => (entry.Version, entry.Who)).ShouldBe([(3, "bob"), (2, "alice")]);
        history[0].What.ShouldBe("rename table public.users to public.people; rename key of table public.people to no");
        history[1].What.ShouldBe("declare table public.users with key id in group public.users");
        history[0].When.ShouldBeGreaterThan(DateTimeOffset.UnixEpoch);
    }

    protected static QualifiedName Name(string table) => new("public", table);

    protected static DeclaredTable Sharded(string table, string key, string group) =>
        new(new TableDistribution(Name(table), TableKind.Sharded, key, group), 0, 0);

    protected static DeclaredTable Reference(string table) =>
        new(new TableDistribution(Name(table), TableKind.Reference, null, null), 0, 0);
}
