namespace ShardProxy.Transport;

/// <summary>Starting work on a loop from elsewhere.</summary>
public static class EventLoopExtensions
{
    /// <summary>Runs <paramref name="work"/> on the loop's thread; the task completes, off the loop, as the work does. Any thread.</summary>
    public static Task<T> RunAsync<T>(this EventLoop loop, Func<Task<T>> work)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(static state => _ = CompleteAsync((ValueTuple<Func<Task<T>>, TaskCompletionSource<T>>)state!), (work, completion));
        return completion.Task;
    }

    /// <inheritdoc cref="RunAsync{T}"/>
    public static Task RunAsync(this EventLoop loop, Func<Task> work) =>
        loop.RunAsync(async () =>
        {
            await work();
            return true;
        });

    private static async Task CompleteAsync<T>((Func<Task<T>> Work, TaskCompletionSource<T> Completion) run)
    {
        try
        {
            run.Completion.SetResult(await run.Work());
        }
        catch (OperationCanceledException e)
        {
            run.Completion.SetCanceled(e.CancellationToken);
        }
        catch (Exception e)
        {
            run.Completion.SetException(e);
        }
    }
}
