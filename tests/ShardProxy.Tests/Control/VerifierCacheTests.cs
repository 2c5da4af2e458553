using ShardProxy.Control.Authentication;

namespace ShardProxy.Tests.Control;

public sealed class VerifierCacheTests
{
    private readonly ManualClock _clock = new();
    private readonly List<string> _asked = [];
    private Func<string, Task<string?>> _answer = static user => Task.FromResult<string?>($"verifier of {user}");

    [Fact]
    public async Task An_answer_is_kept_for_its_life()
    {
        var cache = Cache();
        await cache.FindAsync("ann", default);
        _clock.Advance(TimeSpan.FromSeconds(4.9));
        (await cache.FindAsync("ann", default)).ShouldBe("verifier of ann");
        _asked.Count.ShouldBe(1);

        _clock.Advance(TimeSpan.FromSeconds(0.1));
        await cache.FindAsync("ann", default);

        _asked.Count.ShouldBe(2);
    }

    [Fact]
    public async Task That_there_is_no_such_user_is_kept_for_less()
    {
        _answer = static _ => Task.FromResult<string?>(null);
        var cache = Cache();
        (await cache.FindAsync("ann", default)).ShouldBeNull();
        (await cache.FindAsync("ann", default)).ShouldBeNull();
        _asked.Count.ShouldBe(1);

        _clock.Advance(TimeSpan.FromSeconds(1));
        await cache.FindAsync("ann", default);

        _asked.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Callers_for_one_user_share_one_question()
    {
        var gate = new TaskCompletionSource<string?>();
        _answer = _ => gate.Task;
        var cache = Cache();

        var callers = Enumerable.Range(0, 50).Select(_ => cache.FindAsync("ann", default).AsTask()).ToArray();
        gate.SetResult("v");

        (await Task.WhenAll(callers)).ShouldAllBe(static verifier => verifier == "v");
        _asked.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_caller_that_gives_up_leaves_the_others_their_answer()
    {
        var gate = new TaskCompletionSource<string?>();
        _answer = _ => gate.Task;
        var cache = Cache();
        using var impatient = new CancellationTokenSource();
        var first = cache.FindAsync("ann", impatient.Token).AsTask();
        var second = cache.FindAsync("ann", default).AsTask();

        await impatient.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => first);
        gate.SetResult("v");

        (await second).ShouldBe("v");
    }

    [Fact]
    public async Task A_failure_is_not_kept()
    {
        _answer = static _ => Task.FromException<string?>(new InvalidOperationException("down"));
        var cache = Cache();
        await Should.ThrowAsync<InvalidOperationException>(async () => await cache.FindAsync("ann", default));

        _answer = static _ => Task.FromResult<string?>("v");

        (await cache.FindAsync("ann", default)).ShouldBe("v");
    }

    [Fact]
    public async Task A_full_cache_forgets_what_has_passed_and_keeps_working()
    {
        var cache = Cache();
        for (var number = 0; number < VerifierCache.Capacity; number++)
            await cache.FindAsync($"u{number}", default);
        await cache.FindAsync("late", default);
        await cache.FindAsync("late", default);
        _asked.Count(static user => user == "late").ShouldBe(2, "no room for it among live answers");

        _clock.Advance(TimeSpan.FromSeconds(5));
        await cache.FindAsync("late", default);
        await cache.FindAsync("late", default);

        _asked.Count(static user => user == "late").ShouldBe(3);
    }

    private VerifierCache Cache() => new(
        user =>
        {
            lock (_asked)
                _asked.Add(user);
            return _answer(user);
        },
        _clock,
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(1));

    private sealed class ManualClock : TimeProvider
    {
        private DateTimeOffset _now = DateTimeOffset.UnixEpoch;

        public void Advance(TimeSpan by) => _now += by;

        public override DateTimeOffset GetUtcNow() => _now;
    }
}
