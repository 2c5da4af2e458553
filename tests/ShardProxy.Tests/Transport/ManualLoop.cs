using ShardProxy.Transport;

namespace ShardProxy.Tests.Transport;

/// <summary>
/// A loop without a thread, for tests: nothing runs until the test says so, on the test's own thread. A test that uses it
/// is best written without await, so that it stays on one thread.
/// </summary>
public sealed class ManualLoop(int index = 0) : EventLoop
{
    private readonly SignalQueue _ready = new();
    private readonly DeadlineList _deadlines = new();
    private readonly PostedActions _posted = new();
    private int _thread = Environment.CurrentManagedThreadId;

    public override int Index => index;

    public override bool IsCurrent => Environment.CurrentManagedThreadId == _thread;

    public bool IsIdle => _ready.IsEmpty && _posted.IsEmpty;

    public override void Post(Action<object?> action, object? state) => _posted.Add(action, state);

    internal override void Schedule(LoopSignal signal) => _ready.Enqueue(signal);

    internal override void WatchDeadline(LoopSignal signal) => _deadlines.Add(signal);

    internal override void UnwatchDeadline(LoopSignal signal) => _deadlines.Remove(signal);

    /// <summary>Runs what was posted, then one continuation: false when there was nothing to run.</summary>
    public bool Step()
    {
        _thread = Environment.CurrentManagedThreadId;
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(new LoopSynchronizationContext(this));
        try
        {
            var any = !_posted.IsEmpty;
            foreach (var (action, state) in _posted.Take())
                action(state);
            _posted.Done();
            if (!_ready.TryDequeue(out var signal))
                return any;
            signal.RunContinuation();
            return true;
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    /// <summary>Steps until nothing is left to run: everything waits for the outside.</summary>
    public void RunUntilIdle()
    {
        while (Step())
        {
        }
    }

    /// <summary>Runs <paramref name="work"/> to its end. Work that comes to wait for what nobody will do is an error, not a hang.</summary>
    public T Run<T>(Func<ValueTask<T>> work)
    {
        var task = Start(async () => await work());
        if (!task.IsCompleted)
            throw new InvalidOperationException("The work waits although nothing is left to run.");
        return task.GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Run{T}"/>
    public void Run(Func<ValueTask> work) => Run(async () =>
    {
        await work();
        return true;
    });

    /// <summary>Starts <paramref name="work"/> and runs until all is idle.</summary>
    public Task<T> Start<T>(Func<Task<T>> work)
    {
        var task = this.RunAsync(work);
        RunUntilIdle();
        return task;
    }

    /// <summary>Wakes the waiters whose deadline has passed; the real loop does so about ten times a second.</summary>
    public void LookAtDeadlines()
    {
        _deadlines.WakePassed();
        RunUntilIdle();
    }
}
