using ShardProxy.Control;

namespace ShardProxy.Tests.Control;

public sealed class CoalescedTests : IDisposable
{
    private readonly Queue<TaskCompletionSource> _gates = new();
    private readonly SemaphoreSlim _started = new(0);
    private int _runs;

    [Fact]
    public async Task Callers_during_a_run_share_the_next_one()
    {
        var (first, second) = (Gate(), Gate());
        var work = new Coalesced(RunAsync);
        var one = work.RunAsync(default);
        await _started.WaitAsync();

        var late = Enumerable.Range(0, 10).Select(_ => work.RunAsync(default)).ToArray();
        first.SetResult();
        await one;
        await _started.WaitAsync();
        late.ShouldAllBe(static caller => !caller.IsCompleted);
        second.SetResult();
        await Task.WhenAll(late);

        _runs.ShouldBe(2);
    }

    [Fact]
    public async Task A_run_that_fails_fails_its_callers_only()
    {
        var (first, second) = (Gate(), Gate());
        var work = new Coalesced(RunAsync);
        var one = work.RunAsync(default);
        await _started.WaitAsync();
        var two = work.RunAsync(default);

        first.SetException(new InvalidOperationException());
        second.SetResult();

        await Should.ThrowAsync<InvalidOperationException>(() => one);
        await two;
    }

    [Fact]
    public async Task A_caller_that_gives_up_does_not_stop_the_run()
    {
        var gate = Gate();
        var work = new Coalesced(RunAsync);
        using var impatient = new CancellationTokenSource();
        var one = work.RunAsync(impatient.Token);
        await _started.WaitAsync();

        await impatient.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => one);
        var second = Gate();
        var two = work.RunAsync(default);
        gate.SetResult();
        second.SetResult();
        await two;

        _runs.ShouldBe(2);
    }

    public void Dispose() => _started.Dispose();

    private TaskCompletionSource Gate()
    {
        var gate = new TaskCompletionSource();
        lock (_gates)
            _gates.Enqueue(gate);
        return gate;
    }

    private Task RunAsync()
    {
        Interlocked.Increment(ref _runs);
        _started.Release();
        lock (_gates)
            return _gates.Dequeue().Task;
    }
}
