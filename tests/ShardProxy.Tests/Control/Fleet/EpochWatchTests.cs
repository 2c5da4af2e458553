using ShardProxy.Control.Fleet;
using ShardProxy.Directory;

namespace ShardProxy.Tests.Control.Fleet;

/// <summary>When a store that may have lost its memory is believed again.</summary>
public sealed class EpochWatchTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(1);

    private readonly ManualClock _clock = new();
    private readonly EpochWatch _watch;

    public EpochWatchTests() => _watch = new EpochWatch(Lease, _clock);

    [Fact]
    public void Everybody_has_to_tell_and_nobody_may_have_been_overlooked()
    {
        _watch.Note("1", [Proxy("a", "1"), Proxy("b", null)]);
        _watch.IsWhole("1").ShouldBeFalse();
        _clock.Advance(Settled);
        _watch.Note("1", [Proxy("a", "1"), Proxy("b", null)]);
        _watch.IsWhole("1").ShouldBeFalse("b has not told");
        _watch.Note("1", [Proxy("a", "1"), Proxy("b", "1")]);
        _watch.IsWhole("1").ShouldBeTrue();

        _watch.Note("1", [Proxy("a", "1"), Proxy("b", "1"), Proxy("c", null)]);
        _watch.IsWhole("1").ShouldBeTrue("c has come since and remembers nothing");
    }

    [Fact]
    public void A_new_epoch_waits_for_those_whom_it_has_forgotten_until_their_leases_are_over()
    {
        MakeWhole("1", "a", "b");

        _watch.Note("2", [Proxy("a", "2")]);
        _watch.IsWhole("1").ShouldBeFalse();
        _clock.Advance(Settled);
        _watch.Note("2", [Proxy("a", "2")]);
        _watch.IsWhole("2").ShouldBeFalse("b may still write");
        _clock.Advance(Lease);
        _watch.Note("2", [Proxy("a", "2")]);
        _watch.IsWhole("2").ShouldBeTrue();
    }

    [Fact]
    public void Who_left_while_the_store_remembered_is_not_waited_for()
    {
        MakeWhole("1", "a", "b");
        _watch.Note("1", [Proxy("a", "1")]);

        _watch.Note("2", [Proxy("a", "2")]);
        _clock.Advance(Settled);
        _watch.Note("2", [Proxy("a", "2")]);

        _watch.IsWhole("2").ShouldBeTrue();
    }

    [Fact]
    public void Who_has_been_forgotten_twice_is_waited_for_all_the_same()
    {
        MakeWhole("1", "a", "b");
        _watch.Note("2", [Proxy("a", "2")]);
        _clock.Advance(Settled);

        _watch.Note("3", [Proxy("a", "3")]);
        _clock.Advance(Settled);
        _watch.Note("3", [Proxy("a", "3")]);
        _watch.IsWhole("3").ShouldBeFalse();

        _watch.Note("3", [Proxy("a", "3"), Proxy("b", "3")]);
        _watch.IsWhole("3").ShouldBeTrue();
    }

    private void MakeWhole(string epoch, params string[] proxies)
    {
        ProxyReport[] reports = [.. proxies.Select(proxy => Proxy(proxy, epoch))];
        _watch.Note(epoch, reports);
        _clock.Advance(Settled);
        _watch.Note(epoch, reports);
        _watch.IsWhole(epoch).ShouldBeTrue();
    }

    private static ProxyReport Proxy(string id, string? epoch) => new(id, id, 1, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch) { Epoch = epoch };

    private sealed class ManualClock : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Advance(TimeSpan by) => _ticks += by.Ticks;

        public override long GetTimestamp() => _ticks;
    }
}
