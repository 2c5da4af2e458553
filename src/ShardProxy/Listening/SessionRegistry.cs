using System.Collections.Concurrent;
using ShardProxy.Sessions;

namespace ShardProxy.Listening;

/// <summary>The sessions that are in. Thread-safe.</summary>
public sealed class SessionRegistry
{
    private readonly ConcurrentDictionary<Session, bool> _sessions = new();
    private volatile TaskCompletionSource? _empty;

    public int Count => _sessions.Count;

    /// <summary>Those that are in now.</summary>
    public ICollection<Session> All => _sessions.Keys;

    public void Add(Session session)
    {
        _sessions.TryAdd(session, true);
        // After it can be found: who announces a move before this is seen here, who does so later finds it.
        session.MoveFence.Begin(session);
        if (_empty is not null)
            session.RequestEnd(SessionEnd.Drained);
    }

    public void Remove(Session session)
    {
        _sessions.TryRemove(session, out _);
        if (_sessions.IsEmpty)
            _empty?.TrySetResult();
    }

    /// <summary>Lets every session finish the transaction it is in. Completes when none is left.</summary>
    public async Task DrainAsync(CancellationToken cancellation)
    {
        var empty = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _empty = empty;
        foreach (var session in _sessions.Keys)
            session.RequestEnd(SessionEnd.Drained);
        if (_sessions.IsEmpty)
            return;
        try
        {
            await empty.Task.WaitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            // Whoever is left loses its connection: the limit of the drain has passed.
            foreach (var session in _sessions.Keys)
                session.RequestEnd(SessionEnd.Killed);
        }
    }
}
