using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;
using ShardProxy.Directory.Lookup;

namespace ShardProxy.Tests.Directory.Lookup;

public sealed class LookupCacheTests
{
    private const int Million = 1_000_000;

    [Fact]
    public void What_was_said_last_of_a_key_is_found_or_forgotten_never_something_else()
    {
        var operations = Gen.ListOf(Gen.Zip(Gen.Choose(0, 60), Gen.Choose(-1, 9))).ToArbitrary();
        FsCheck.Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(200).WithReplay(20261122, 0x9E3779B97F4A7C15),
            Prop.ForAll(operations, static steps =>
            {
                var cache = new LookupCache(2 * 516, sharesStore: false);
                var group = cache.Register("g");
                var other = cache.Register("h");
                var said = new Dictionary<int, int>();
                foreach (var (number, slot) in steps)
                {
                    if (slot < 0)
                        cache.Remove(group, Key(number));
                    else
                        cache.Set(group, Key(number), slot);
                    said[number] = slot < 0 ? LookupCache.Unknown : slot;
                    cache.Find(group, Key(number)).ShouldBe(said[number]);
                }
                foreach (var (number, slot) in said)
                {
                    cache.Find(group, Key(number)).ShouldBeOneOf(slot, LookupCache.Unknown);
                    (cache.Find(group, Key(number)) == slot || cache.HasForgotten).ShouldBeTrue("what is not known any more was forgotten");
                    cache.Find(other, Key(number)).ShouldBe(LookupCache.Unknown);
                }
            }));
    }

    [Fact]
    public void A_million_keys_fit_the_default_and_a_small_bound_holds()
    {
        var cache = new LookupCache(64 << 20, sharesStore: false);
        var small = new LookupCache(1 << 20, sharesStore: false);
        var (group, smallGroup) = (cache.Register("g"), small.Register("g"));
        for (var number = 0; number < Million; number++)
        {
            cache.Set(group, Number(number), number % 3);
            small.Set(smallGroup, Number(number), number % 3);
        }

        var found = 0;
        for (var number = 0; number < Million; number++)
        {
            var slot = cache.Find(group, Number(number));
            if (slot != LookupCache.Unknown)
            {
                slot.ShouldBe(number % 3);
                found++;
            }
            small.Find(smallGroup, Number(number)).ShouldBeOneOf(number % 3, LookupCache.Unknown);
        }
        found.ShouldBeGreaterThan(Million * 99 / 100);
        cache.HeldBytes.ShouldBeInRange(1, 64 << 20);
        small.HeldBytes.ShouldBeInRange(1, 1 << 20);
    }

    [Fact]
    public void A_look_up_allocates_nothing()
    {
        var cache = new LookupCache(1 << 20, sharesStore: false);
        var group = cache.Register("g");
        var (known, unknown) = (Number(1), Number(2));
        cache.Set(group, known, 7);
        cache.Find(group, known);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var sum = 0;
        for (var round = 0; round < 1000; round++)
            sum += cache.Find(group, known) + cache.Find(group, unknown);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        sum.ShouldBe(1000 * (7 + LookupCache.Unknown));
        allocated.ShouldBe(0);
    }

    [Fact]
    public void Nowhere_is_remembered_until_something_is_placed_or_the_store_is_another()
    {
        var cache = new LookupCache(1 << 20, sharesStore: false);
        var group = cache.Register("g");
        cache.SetNone(group, Number(1), "first", cache.Ticket);
        cache.Find(group, Number(1)).ShouldBe(LookupCache.None);
        cache.IsNone(group, Number(1), "second").ShouldBeFalse();

        var ticket = cache.Ticket;
        cache.NotePlacing();
        cache.SetNone(group, Number(2), "first", ticket);
        cache.Find(group, Number(2)).ShouldBe(LookupCache.Unknown, "it may have been placed since the question");
        cache.SetNone(group, Number(3), "second", cache.Ticket);
        cache.Find(group, Number(1)).ShouldBe(LookupCache.Unknown, "the store may have lost it");
        cache.Set(group, Number(3), 5);
        cache.SetNone(group, Number(3), "second", cache.Ticket);
        cache.Find(group, Number(3)).ShouldBe(5, "a place is not forgotten for a nowhere");
    }

    [Fact]
    public void With_other_proxies_nowhere_is_for_who_asks_the_store_again()
    {
        var cache = new LookupCache(1 << 20, sharesStore: true);
        var group = cache.Register("g");
        cache.SetNone(group, Number(1), "first", cache.Ticket);

        cache.Find(group, Number(1)).ShouldBe(LookupCache.Unknown);
        cache.IsNone(group, Number(1), "first").ShouldBeTrue();
    }

    [Fact]
    public async Task Readers_and_writers_at_once_never_see_another_keys_place()
    {
        const int Keys = 200;
        var cache = new LookupCache(4 * 516, sharesStore: false);
        var group = cache.Register("g");
        var wrong = 0;
        var writers = Enumerable.Range(0, 2).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            for (var round = 0; round < 200_000; round++)
            {
                var number = random.Next(Keys);
                cache.Set(group, Number(number), number);
            }
        })).ToArray();
        var readers = Enumerable.Range(2, 2).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            while (writers.Any(static writer => !writer.IsCompleted))
            {
                var number = random.Next(Keys);
                var slot = cache.Find(group, Number(number));
                if (slot != LookupCache.Unknown && slot != number)
                    Interlocked.Increment(ref wrong);
            }
        }));
        await Task.WhenAll([.. writers, .. readers]);

        wrong.ShouldBe(0);
    }

    [Fact]
    public void Long_keys_are_not_kept_and_all_places_of_a_group_can_be_listed()
    {
        var cache = new LookupCache(1 << 20, sharesStore: false);
        var group = cache.Register("g");
        cache.Set(group, new byte[10_000], 1);
        cache.Find(group, new byte[10_000]).ShouldBe(LookupCache.Unknown);
        cache.Set(group, [], 3);
        cache.Set(group, Number(1), 4);
        cache.Set(cache.Register("h"), Number(2), 4);
        cache.SetNone(group, Number(3), "e", cache.Ticket);

        cache.PlacesOf(group).Select(static place => (place.Key.Length, place.Slot)).ShouldBe([(0, 3), (sizeof(long), 4)], ignoreOrder: true);
    }

    // Of any length up to some 40 bytes.
    private static byte[] Key(int number) => [.. Enumerable.Repeat((byte)number, number % 40 + 1)];

    private static byte[] Number(int number)
    {
        var key = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(key, number);
        return key;
    }
}
