using ShardProxy.Sessions;

namespace ShardProxy.Control.Lookups;

/// <summary>
/// Waits until whatever may have written a row by now, and has not committed it, is over: open blocks that have written, and statements
/// under way. What begins later is not waited for.
/// </summary>
internal static class OpenWork
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <param name="sessions">Those that are in; one that has left has nothing open.</param>
    public static async Task WhenOverAsync(Func<IEnumerable<Session>> sessions, CancellationToken cancel)
    {
        var watched = await AskAsync(sessions());
        while (watched.Count > 0)
        {
            await Task.Delay(Interval, cancel);
            var now = await AskAsync(sessions().Where(watched.ContainsKey));
            watched = watched.Where(each => now.TryGetValue(each.Key, out var work) && work == each.Value).ToDictionary();
        }
    }

    private static async Task<Dictionary<Session, Work>> AskAsync(IEnumerable<Session> sessions)
    {
        var asked = new List<(Session Session, Task<Work?> Answer)>();
        foreach (var session in sessions)
        {
            var answer = new TaskCompletionSource<Work?>(TaskCreationOptions.RunContinuationsAsynchronously);
            session.Post(one => answer.TrySetResult(Of(one)));
            asked.Add((session, answer.Task));
        }
        var open = new Dictionary<Session, Work>();
        foreach (var (session, answer) in asked)
        {
            if (await answer is { } work)
                open.Add(session, work);
        }
        return open;
    }

    private static Work? Of(Session session)
    {
        // Who asks for the place of a key, and has nothing on any shard, has yet to write.
        var isWorking = !session.IsIdle && !(session.IsAskingForPlaces && session.Servers.HeldCount == 0);
        if (session.Transaction.IsOpen)
            return isWorking || session.Transaction.WriterCount > 0 ? new Work(IsBlock: true, session.Transaction.Number) : null;
        return isWorking ? new Work(IsBlock: false, session.UnitsDone) : null;
    }

    /// <param name="Number">Of the block in its session, or of the unit of work.</param>
    private readonly record struct Work(bool IsBlock, long Number);
}
