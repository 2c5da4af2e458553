using ShardProxy.Configuration;
using ShardProxy.Directory;
using ShardProxy.Directory.Embedded;

namespace ShardProxy.Tests.Directory;

public sealed class DatabaseDirectoryTests : IAsyncLifetime
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("shardproxy-directory-").FullName;
    private IDirectoryStore _store = null!;

    private static CancellationToken Cancel => CancellationToken.None;

    public async Task InitializeAsync() =>
        _store = await EmbeddedDirectoryStore.OpenAsync(Path.Combine(_folder, "d.db"), TimeSpan.FromSeconds(1), TimeProvider.System, Cancel);

    public async Task DisposeAsync()
    {
        await _store.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_new_database_spreads_its_buckets_evenly()
    {
        var directory = await OpenAsync(Database());

        var owners = Enumerable.Range(0, 8).Select(directory.Snapshot.ShardOfBucket);
        owners.ShouldBe([0, 0, 0, 0, 1, 1, 1, 1]);
        directory.Snapshot.Cluster.ShouldBe(await _store.GetClusterAsync(Cancel));
    }

    [Fact]
    public async Task Buckets_follow_shard_names_not_positions()
    {
        await OpenAsync(Database());

        var directory = await OpenAsync(Database(shards: ["s1", "new", "s0"]));

        Enumerable.Range(0, 8).Select(directory.Snapshot.ShardOfBucket).ShouldBe([1, 1, 1, 1, 0, 0, 0, 0]);
        directory.Shards.Select(static shard => shard.Name).ShouldBe(["s1", "s0"]);
        directory.WaitingShards.ShouldHaveSingleItem("it is used when it has joined").Name.ShouldBe("new");
    }

    [Fact]
    public async Task A_shard_that_joins_comes_last_and_where_the_file_says()
    {
        var directory = await OpenAsync(Database(shards: ["s0", "s1"]));
        directory.LearnShards(Database(shards: ["s0", "new", "s1"]));
        var grown = 0;
        directory.Grew += () => grown = directory.Shards.Count;

        await directory.ChangeAsync(_ => [new ShardJoined(new JoinedShard("new", "elsewhere", 1, "x", "prefer"))], "test", Cancel);
        await directory.ChangeAsync(_ => [new ShardJoined(new JoinedShard("far", "elsewhere", 1, "x", "require"))], "test", Cancel);

        grown.ShouldBe(4);
        directory.Shards.Select(static shard => shard.Name).ShouldBe(["s0", "s1", "new", "far"]);
        directory.WaitingShards.ShouldBeEmpty();
        directory.Shards[2].ShouldBe(Database(shards: ["new"]).Shards[0], "as the file has it");
        directory.Shards[3].Primary.ShouldBe(directory.Shards[0].Primary with { Host = "elsewhere", Port = 1, Database = "x", SslMode = ServerTlsMode.Require });
        await Should.ThrowAsync<DirectoryException>(() => OpenAsync(Database(shards: ["fresh", "s0", "s1"])));
    }

    [Fact]
    public async Task Tables_that_name_a_shard_of_the_file_wait_until_it_has_joined()
    {
        (string, TableConfig)[] tables = [
            ("later", new TableConfig("id", "ranged", false)),
            ("ranged", new TableConfig("id", null, false) { Strategy = "range", Placement = "[,10) on s0, [10,) on new" }),
            ("zoned", new TableConfig("id", null, false) { Zone = new ZoneConfig("z", "(a) on s0, (b) on s1 new") }),
            ("fine", new TableConfig("id", null, false) { Strategy = "range", Placement = "[,)" })];
        await OpenAsync(Database());

        var directory = await OpenAsync(Database(shards: ["s0", "s1", "new"], tables));

        directory.Content.Tables.Select(static table => table.Name.Name).ShouldBe(["fine"]);
        directory.WaitingTables.Select(static each => (each.Table.Name, each.Shard)).ShouldBe([("later", "new"), ("ranged", "new"), ("zoned", "new")]);
        await directory.ChangeAsync(_ => [new ShardJoined(new JoinedShard("new", "elsewhere", 1, "x", "prefer"))], "test", Cancel);
        await directory.ChangeAsync(_ => directory.Compare(Database(shards: ["s0", "s1", "new"], tables)), "test", Cancel);
        directory.Content.Tables.Select(static table => (table.Name.Name, table.Distribution.Group)).ShouldBe(
            [("fine", "public.fine"), ("later", "public.ranged"), ("ranged", "public.ranged"), ("zoned", "public.zoned")]);
        directory.WaitingTables.ShouldBeEmpty();
        var refusal = await Should.ThrowAsync<DirectoryException>(() => OpenAsync(
            Database(shards: ["s0", "s1", "new", "newer"], ("t", new TableConfig("id", null, false) { Strategy = "range", Placement = "[,10) on nobody, [10,) on newer" }))));
        refusal.Message.ShouldContain("no shard \"nobody\"");
    }

    [Fact]
    public async Task A_shard_that_owns_buckets_must_be_configured()
    {
        await OpenAsync(Database());

        var refusal = await Should.ThrowAsync<DirectoryException>(() => OpenAsync(Database(shards: ["s0", "s2"])));

        refusal.Message.ShouldContain("buckets live on shard \"s1\"");
        refusal.Message.ShouldContain("knows only \"s0\"");
    }

    [Fact]
    public async Task The_number_of_buckets_cannot_change()
    {
        await OpenAsync(Database());

        var refusal = await Should.ThrowAsync<DirectoryException>(() => OpenAsync(Database() with { Buckets = 16 }));

        refusal.Message.ShouldContain("16 buckets");
        refusal.Message.ShouldContain("made with 8");
    }

    [Fact]
    public async Task Tables_of_the_file_are_declared_with_their_groups()
    {
        var directory = await OpenAsync(Database(
            ("items", new TableConfig("user_id", "orders", false)),
            ("users", new TableConfig("id", null, false)),
            ("orders", new TableConfig("user_id", "users", false)),
            ("sales.products", new TableConfig(null, null, true))));

        Find(directory, "items").Group.ShouldBe("public.users");
        Find(directory, "orders").Group.ShouldBe("public.users");
        Find(directory, "users").ShouldBe(new TableDistribution(new("public", "users"), TableKind.Sharded, "id", "public.users"));
        directory.Snapshot.Find(new("sales", "products")).ShouldBe(
            new TableDistribution(new("sales", "products"), TableKind.Reference, null, null));
    }

    [Fact]
    public async Task The_same_file_again_changes_nothing()
    {
        var database = Database(("users", new TableConfig("id", null, false)), ("orders", new TableConfig("user_id", "users", false)));
        var first = await OpenAsync(database);

        var second = await OpenAsync(database);

        second.Snapshot.Version.ShouldBe(first.Snapshot.Version);
    }

    [Fact]
    public async Task A_table_that_left_the_file_stays_declared()
    {
        await OpenAsync(Database(("users", new TableConfig("id", null, false))));

        var directory = await OpenAsync(Database());

        Find(directory, "users").KeyColumn.ShouldBe("id");
        directory.FileTables.ShouldBeEmpty();
    }

    [Fact]
    public async Task File_and_store_that_contradict_each_other_are_refused_at_every_point()
    {
        await OpenAsync(Database(
            ("users", new TableConfig("id", null, false)),
            ("orders", new TableConfig("user_id", null, false)),
            ("products", new TableConfig(null, null, true))));

        var refusal = await Should.ThrowAsync<DirectoryException>(() => OpenAsync(Database(
            ("users", new TableConfig("name", null, false)),
            ("orders", new TableConfig("user_id", "users", false)),
            ("products", new TableConfig("id", null, false)))));

        refusal.Message.ShouldContain("table public.users: the configuration file says that it is sharded by \"name\"");
        refusal.Message.ShouldContain("that it is sharded by \"id\"");
        refusal.Message.ShouldContain("table public.orders: the configuration file says that it is colocated with public.users");
        refusal.Message.ShouldContain("table public.products: the configuration file says that it is sharded by \"id\"");
        refusal.Message.ShouldContain(_store.Location);
    }

    [Theory]
    [InlineData("b", "leads back")]
    [InlineData("nobody", "nobody declared")]
    [InlineData("r", "reference table")]
    public async Task Colocation_must_lead_to_a_sharded_table(string target, string complaint)
    {
        var refusal = await Should.ThrowAsync<DirectoryException>(() => OpenAsync(Database(
            ("a", new TableConfig("id", target, false)), ("b", new TableConfig("id", "a", false)), ("r", new TableConfig(null, null, true)))));

        refusal.Message.ShouldContain(complaint);
    }

    [Fact]
    public async Task A_change_starts_again_when_another_was_faster()
    {
        var one = await OpenAsync(Database());
        var two = await OpenAsync(Database());
        await DeclareAsync(two, "users");

        await DeclareAsync(one, "orders");

        one.Snapshot.Tables.Count.ShouldBe(2);
        one.Snapshot.Version.ShouldBe(3);
    }

    [Fact]
    public void A_group_whose_first_table_was_renamed_keeps_its_name_to_itself()
    {
        var table = new QualifiedName("public", "users");
        DeclaredTable[] declared = [new(new TableDistribution(new("public", "people"), TableKind.Sharded, "id", "public.users"), 1, 1)];

        ColocationGroups.NewName(table, declared).ShouldBe("public.users#2");
        ColocationGroups.NewName(table, []).ShouldBe("public.users");
    }

    [Fact]
    public async Task Databases_of_one_path_share_a_store_and_a_cluster()
    {
        await using var stores = new DirectoryStores(TimeProvider.System);
        var config = new DirectoryConfig("embedded", Path.Combine(_folder, "shared.db"));
        var shop = await stores.OpenAsync(Database() with { Directory = config }, Cancel);
        var blog = await stores.OpenAsync(Database() with { Name = "blog", Directory = config }, Cancel);

        blog.ShouldBeSameAs(shop);
    }

    private static Task DeclareAsync(DatabaseDirectory directory, string table) => directory.ChangeAsync(
        _ => [new TableDeclared(new DeclaredTable(new TableDistribution(new("public", table), TableKind.Reference, null, null), 0, 0))], "test", Cancel);

    private static TableDistribution Find(DatabaseDirectory directory, string table) => directory.Snapshot.Find(new("public", table)).ShouldNotBeNull();

    private Task<DatabaseDirectory> OpenAsync(DatabaseConfig database) => DatabaseDirectory.OpenAsync(_store, database, Cancel);

    private static DatabaseConfig Database(params (string Name, TableConfig Table)[] tables) => Database(["s0", "s1"], tables);

    private static DatabaseConfig Database(string[] shards, params (string Name, TableConfig Table)[] tables) => new(
        "shop",
        8,
        new PoolConfig(PoolMode.Transaction, 20),
        [.. shards.Select(static name => new ShardConfig(name, new ConnectionTarget("127.0.0.1", 5432, "shop", "app", null, ServerTlsMode.Disable, null)))],
        tables.ToDictionary(static table => table.Name, static table => table.Table),
        new DirectoryConfig("embedded", null));
}
