using ShardProxy.Directory;
using ShardProxy.Directory.Lookup;

namespace ShardProxy.Tests.Directory;

/// <summary>What every store keeps of the places of keys. A store's test class says how to open it.</summary>
public abstract class KeyStoreContract : IAsyncLifetime
{
    private const string Group = "g1";

    protected static CancellationToken Cancel => CancellationToken.None;

    protected IDirectoryStore Store { get; private set; } = null!;

    /// <summary>Opens the one store of this test; a second call, after the first was disposed, opens the same again.</summary>
    protected abstract Task<IDirectoryStore> OpenAsync();

    public virtual async Task InitializeAsync() => Store = await OpenAsync();

    public virtual async Task DisposeAsync() => await Store.DisposeAsync();

    [Fact]
    public async Task A_key_keeps_the_place_that_it_got_first()
    {
        await CreateAsync();

        (await FindAsync("a", "b")).ShouldBe([-1, -1]);
        (await PlaceAsync(("a", 1))).ShouldBe([1]);
        (await PlaceAsync(("a", 0), ("b", 2))).ShouldBe([1, 2]);
        await ReopenAsync();

        (await FindAsync("b", "a", "c", "a")).ShouldBe([2, 1, -1, 1]);
    }

    [Fact]
    public async Task Without_a_proposal_a_key_goes_where_the_fewest_are()
    {
        await CreateAsync();
        await PlaceAsync(("a", 0), ("b", 0), ("c", 1));

        (await PlaceAsync(("d", -1), ("e", -1), ("f", -1), ("g", -1))).ShouldBe([2, 1, 2, 0]);
        (await Store.Keys.CountAsync("shop", Group, 3, Cancel)).ShouldBe([3, 2, 2]);
    }

    [Fact]
    public async Task Without_a_proposal_but_with_slots_a_key_goes_to_the_one_of_them_with_the_fewest()
    {
        await CreateAsync();
        await PlaceAsync(("a", 2), ("b", 1), ("c", 2));

        var placed = await Store.Keys.PlaceAsync(
            "shop", Group,
            [new KeyProposal(Key("d"), -1, [2, 1]), new KeyProposal(Key("e"), -1, [1, 2]), new KeyProposal(Key("f"), -1, [2]), new KeyProposal(Key("g"), -1), new KeyProposal(Key("a"), -1, [1])],
            3, await EpochAsync(), Cancel);

        placed.Slots.ShouldBe([1, 1, 2, 0, 2]);
        (await Store.Keys.CountAsync("shop", Group, 3, Cancel)).ShouldBe([1, 3, 3]);
    }

    [Fact]
    public async Task Of_two_who_place_a_key_at_the_same_time_one_wins_for_both()
    {
        await CreateAsync();
        var epoch = await EpochAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(number =>
            Store.Keys.PlaceAsync("shop", Group, [new KeyProposal(Key($"k{number / 2}"), number % 2)], 3, epoch, Cancel).AsTask()));

        for (var number = 0; number < answers.Length; number += 2)
            answers[number].Slots[0].ShouldBe(answers[number + 1].Slots[0]);
        (await Store.Keys.CountAsync("shop", Group, 3, Cancel)).Sum().ShouldBe(10);
    }

    [Fact]
    public async Task A_key_moves_only_from_where_it_is()
    {
        await CreateAsync();
        await PlaceAsync(("a", 0));

        (await Store.Keys.MoveAsync("shop", Group, Key("a"), 1, 2, Cancel)).ShouldBeFalse();
        (await Store.Keys.MoveAsync("shop", Group, Key("a"), 0, 2, Cancel)).ShouldBeTrue();
        (await Store.Keys.MoveAsync("shop", Group, Key("a"), 0, 2, Cancel)).ShouldBeTrue("it is there already");
        (await Store.Keys.MoveAsync("shop", Group, Key("never"), 0, 2, Cancel)).ShouldBeFalse();

        (await FindAsync("a")).ShouldBe([2]);
        (await Store.Keys.CountAsync("shop", Group, 3, Cancel)).ShouldBe([0, 0, 1]);
    }

    [Fact]
    public async Task Keys_may_be_any_bytes_and_groups_and_databases_are_apart()
    {
        await CreateAsync();
        await Store.CreateAsync("blog", ["s0"], "first start", Cancel);
        byte[] odd = [0, 255, 10, 13, 0];
        var epoch = await EpochAsync();
        await Store.Keys.PlaceAsync("shop", Group, [new KeyProposal(odd, 2), new KeyProposal([], 1)], 3, epoch, Cancel);

        (await Store.Keys.FindAsync("shop", Group, [odd, []], Cancel)).Slots.ShouldBe([2, 1]);
        (await Store.Keys.FindAsync("shop", "g2", [odd], Cancel)).Slots.ShouldBe([-1]);
        (await Store.Keys.FindAsync("blog", Group, [odd], Cancel)).Slots.ShouldBe([-1]);
    }

    [Fact]
    public async Task A_group_that_is_no_more_leaves_no_keys()
    {
        await CreateAsync();
        await PlaceAsync(("a", 1));
        await Store.Keys.PlaceAsync("shop", "g2", [new KeyProposal(Key("a"), 1)], 3, await EpochAsync(), Cancel);

        await Store.Keys.ForgetAsync("shop", ["g2"], Cancel);

        (await FindAsync("a")).ShouldBe([-1]);
        (await Store.Keys.CountAsync("shop", Group, 3, Cancel)).ShouldBe([0, 0, 0]);
        (await Store.Keys.FindAsync("shop", "g2", [Key("a")], Cancel)).Slots.ShouldBe([1]);
    }

    [Fact]
    public async Task A_batch_is_answered_in_its_order()
    {
        await CreateAsync();
        var keys = Enumerable.Range(0, IKeyStore.LargestBatch).Select(static number => Key($"key {number}")).ToArray();

        var placed = await Store.Keys.PlaceAsync("shop", Group, [.. keys.Select(static key => new KeyProposal(key, -1))], 3, await EpochAsync(), Cancel);

        (await Store.Keys.FindAsync("shop", Group, keys, Cancel)).Slots.ShouldBe(placed.Slots);
        (await Store.Keys.CountAsync("shop", Group, 3, Cancel)).ShouldBe([334, 333, 333]);
    }

    protected static byte[] Key(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    protected async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        Store = await OpenAsync();
    }

    private async Task CreateAsync() => await Store.CreateAsync("shop", ["s0", "s1", "s2"], "first start", Cancel);

    private async Task<string> EpochAsync() => (await Store.Keys.FindAsync("shop", Group, [], Cancel)).Epoch;

    private async Task<IReadOnlyList<int>> FindAsync(params string[] keys) =>
        (await Store.Keys.FindAsync("shop", Group, [.. keys.Select(Key)], Cancel)).Slots;

    private async Task<IReadOnlyList<int>> PlaceAsync(params (string Key, int Slot)[] keys) =>
        (await Store.Keys.PlaceAsync(
            "shop", Group, [.. keys.Select(static key => new KeyProposal(Key(key.Key), key.Slot))], 3, await EpochAsync(), Cancel)).Slots;
}
