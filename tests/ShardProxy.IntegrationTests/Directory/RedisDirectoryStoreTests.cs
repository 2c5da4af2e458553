using ShardProxy.Configuration;
using ShardProxy.Directory;
using ShardProxy.Directory.Redis;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.Tests.Directory;

namespace ShardProxy.IntegrationTests.Directory;

/// <summary>The contract of every store against a real Redis, and what only a shared store does.</summary>
public sealed class RedisDirectoryStoreTests : DirectoryStoreContract
{
    private static readonly string[] TwoBuckets = ["s0", "s1"];

    private RedisServer _redis = null!;

    public override async Task InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _redis.DisposeAsync();
    }

    protected override Task<IDirectoryStore> OpenAsync() => Task.FromResult(Connect());

    [Fact]
    public async Task A_change_through_one_proxy_is_noticed_by_another()
    {
        await using var other = Connect();
        var noticed = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        other.Noticed += (database, notice) => _ = notice == DirectoryNotice.Changed && noticed.TrySetResult(database);
        (await other.LoadAsync("shop", Cancel)).ShouldBeNull();

        await Store.CreateAsync("shop", TwoBuckets, "first start", Cancel);

        (await noticed.Task.WaitAsync(Until.Patience)).ShouldBe("shop");
    }

    [Fact]
    public async Task A_paused_Redis_refuses_changes_and_makes_none_of_them_later()
    {
        await Store.CreateAsync("shop", TwoBuckets, "first start", Cancel);
        _redis.Pause();

        await Should.ThrowAsync<DirectoryUnavailableException>(
            async () => await Store.ChangeAsync("shop", 1, [new TableDeclared(Reference("products"))], "alice", Cancel));
        Store.Health.Failure.ShouldNotBeNull();
        _redis.Continue();

        DirectoryContent? loaded = null;
        await Until.TrueAsync(async () => (loaded = await TryLoadAsync()) is not null, "Redis answers again");
        loaded!.Version.ShouldBe(1);
        (await Store.ChangeAsync("shop", 1, [new TableDeclared(Reference("products"))], "alice", Cancel)).Version.ShouldBe(2);
        Store.Health.State.ShouldBe("ok");
    }

    [Fact]
    public async Task A_killed_Redis_is_found_again_and_its_content_put_back()
    {
        await Store.CreateAsync("shop", TwoBuckets, "first start", Cancel);
        var content = await Store.ChangeAsync("shop", 1, [new TableDeclared(Reference("products"))], "alice", Cancel);
        var cluster = await Store.GetClusterAsync(Cancel);
        await _redis.KillAsync();
        await Should.ThrowAsync<DirectoryUnavailableException>(async () => await Store.LoadAsync("shop", Cancel));
        await _redis.RestartAsync();

        await Until.TrueAsync(async () => await TryRestoreAsync(Store, content), "the content is put back");

        (await Store.GetClusterAsync(Cancel)).ShouldBe(cluster);
        (await Store.LoadAsync("shop", Cancel))!.Tables.ShouldHaveSingleItem().Name.Name.ShouldBe("products");
    }

    [Fact]
    public async Task A_failover_to_a_replica_that_lacks_the_last_write_loses_nothing()
    {
        await using var replica = await RedisServer.StartAsync("--replicaof", "127.0.0.1", $"{_redis.Port}");
        await using var store = new RedisDirectoryStore(
            new RedisTarget([("127.0.0.1", _redis.Port), ("127.0.0.1", replica.Port)], false, null, 0), "test", TimeProvider.System);
        await store.CreateAsync("shop", TwoBuckets, "first start", Cancel);
        await Until.TrueAsync(
            async () => (await replica.TryCommandAsync("EXISTS {test}:database:shop"))?.StartsWith(":1", StringComparison.Ordinal) == true, "the replica has it");
        // It keeps what it has and hears of nothing more.
        await replica.TryCommandAsync($"REPLICAOF 127.0.0.1 {FreePort.Next()}");
        var last = await store.ChangeAsync("shop", 1, [new TableDeclared(Reference("products"))], "alice", Cancel);
        await _redis.KillAsync();
        await replica.TryCommandAsync("REPLICAOF NO ONE");

        await Until.TrueAsync(async () => await TryRestoreAsync(store, last), "what was lost is put back");

        (await store.LoadAsync("shop", Cancel))!.Tables.ShouldHaveSingleItem().Name.Name.ShouldBe("products");
        await Until.TrueAsync(async () => await TryChangeAsync(store, 2, "colours"), "changes are taken");
        (await store.LoadAsync("shop", Cancel))!.Version.ShouldBe(3);
        await _redis.RestartAsync();
    }

    [Fact]
    public async Task A_password_is_sent_and_never_shown()
    {
        await using var locked = await RedisServer.StartAsync("--requirepass", "s:e@cret");
        RedisTarget.TryParse($"redis://:{Uri.EscapeDataString("s:e@cret")}@127.0.0.1:{locked.Port}/1", out var target, out _).ShouldBeTrue();
        await using var store = new RedisDirectoryStore(target!, "shardproxy", TimeProvider.System);

        (await store.CreateAsync("shop", TwoBuckets, "first start", Cancel)).Version.ShouldBe(1);
        store.Location.ShouldNotContain("cret");
    }

    [Fact]
    public async Task A_connection_that_takes_longer_than_an_attempt_is_made_all_the_same()
    {
        await using var gate = new Gate(_redis.Port) { Delay = 1.5 * RedisConnection.AttemptTimeout };
        await using var slow = Connect(gate.Port);

        (await slow.CreateAsync("shop", TwoBuckets, "first start", Cancel)).Version.ShouldBe(1);
    }

    private IDirectoryStore Connect() => Connect(_redis.Port);

    private static IDirectoryStore Connect(int port) => new RedisDirectoryStore(new RedisTarget([("127.0.0.1", port)], false, null, 0), "test", TimeProvider.System);

    private static async Task<bool> TryRestoreAsync(IDirectoryStore store, DirectoryContent content)
    {
        try
        {
            return await store.RestoreAsync(content, "proxy", Cancel);
        }
        catch (DirectoryUnavailableException)
        {
            return false;
        }
    }

    private static async Task<bool> TryChangeAsync(IDirectoryStore store, long version, string table)
    {
        try
        {
            await store.ChangeAsync("shop", version, [new TableDeclared(Reference(table))], "alice", Cancel);
            return true;
        }
        catch (DirectoryUnavailableException)
        {
            return false;
        }
    }

    private async Task<DirectoryContent?> TryLoadAsync()
    {
        try
        {
            return await Store.LoadAsync("shop", Cancel);
        }
        catch (DirectoryUnavailableException)
        {
            return null;
        }
    }
}
