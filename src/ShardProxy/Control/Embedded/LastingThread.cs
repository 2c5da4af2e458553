using System.Collections.Concurrent;

namespace ShardProxy.Control.Embedded;

/// <summary>
/// A thread that lasts as long as this object. The kernel sends a child its parent-death signal when the <em>thread</em>
/// that started it ends, and threads of the pool come and go; so servers are started here.
/// </summary>
internal sealed class LastingThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];

    public LastingThread(string name)
    {
        var thread = new Thread(Run) { IsBackground = true, Name = name };
        thread.Start();
    }

    public Task<T> RunAsync<T>(Func<T> work)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                completion.SetResult(work());
            }
            catch (Exception exception)
            {
                completion.SetException(exception);
            }
        });
        return completion.Task;
    }

    /// <summary>Ends the thread: only after everything that was started on it has ended.</summary>
    public void Dispose() => _work.CompleteAdding();

    private void Run()
    {
        foreach (var work in _work.GetConsumingEnumerable())
            work();
        _work.Dispose();
    }
}
