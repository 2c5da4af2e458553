using System.Diagnostics;

namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>Waits for conditions; no test sleeps for a fixed time.</summary>
public static class Until
{
    /// <summary>How long a test waits for what must happen before it fails; generous, as two busy cores are slow.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan? deadline = null)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed > (deadline ?? Patience))
                throw new TimeoutException($"After {clock.Elapsed.TotalSeconds:F1} s still not so: {what}");
            await Task.Delay(10);
        }
    }

    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan? deadline = null) =>
        TrueAsync(() => Task.FromResult(condition()), what, deadline);
}
