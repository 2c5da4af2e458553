namespace ShardProxy.Control;

/// <summary>
/// Runs one piece of work at a time for many callers. A caller gets a run that starts after its call: those who call
/// while a run is under way share the next one, as what the run has read may be older than what they changed.
/// </summary>
internal sealed class Coalesced(Func<Task> work)
{
    private readonly Lock _lock = new();
    private Task _running = Task.CompletedTask;
    private Task? _next;

    public Task RunAsync(CancellationToken cancel)
    {
        Task mine;
        lock (_lock)
            mine = _next is null && _running.IsCompleted ? Start() : _next ??= StartAfter(_running);
        return mine.WaitAsync(cancel);
    }

    private async Task StartAfter(Task previous)
    {
        await previous.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        Task mine;
        lock (_lock)
            mine = Start();
        await mine.ConfigureAwait(false);
    }

    /// <summary>On the thread pool, so that no caller's event loop does the work. Called under the lock.</summary>
    private Task Start()
    {
        _running = Task.Run(work);
        _next = null;
        return _running;
    }
}
