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
        var watched = await SessionQuestions.AskAsync(sessions(), Of);
        while (watched.Count > 0)
        {
            await Task.Delay(Interval, cancel);
            var now = await SessionQuestions.AskAsync(sessions().Where(watched.ContainsKey), Of);
            watched = watched.Where(each => now.TryGetValue(each.Key, out var work) && work == each.Value).ToDictionary();
        }
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
