using ShardProxy.Sessions;

namespace ShardProxy.Control.Lookups;

/// <summary>What sessions say of themselves: each is asked on its own loop, all at once.</summary>
internal static class SessionQuestions
{
    /// <returns>The answers that are not null, by session.</returns>
    public static async Task<Dictionary<Session, T>> AskAsync<T>(IEnumerable<Session> sessions, Func<Session, T?> question)
        where T : struct
    {
        var asked = new List<(Session Session, Task<T?> Answer)>();
        foreach (var session in sessions)
        {
            var answer = new TaskCompletionSource<T?>(TaskCreationOptions.RunContinuationsAsynchronously);
            session.Post(one => answer.TrySetResult(question(one)));
            asked.Add((session, answer.Task));
        }
        var answers = new Dictionary<Session, T>();
        foreach (var (session, answer) in asked)
        {
            if (await answer is { } said)
                answers.Add(session, said);
        }
        return answers;
    }
}
