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

    /// <summary>For what is about a length of time, such as a server that is stopped for so long.</summary>
    public static Task PassedAsync(TimeSpan time)
    {
        var clock = Stopwatch.StartNew();
        return TrueAsync(() => clock.Elapsed >= time, "the time has passed", time + Patience);
    }

    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan? deadline = null) =>
        TrueAsync(() => Task.FromResult(condition()), what, deadline);
}
