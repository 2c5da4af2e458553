namespace ShardProxy.Transport;

/// <summary>
/// One thread that serves many connections: it waits for readiness, wakes the signals concerned, and runs their
/// continuations in place. A session and the server connections it leases live on one loop, so they need no locks.
/// While the loop runs a continuation its <see cref="SynchronizationContext"/> is current, so that an await on a task
/// completed elsewhere (a timer, Npgsql, DNS) comes back to this thread.
/// </summary>
public abstract class EventLoop
{
    /// <summary>Position among the proxy's loops, from 0.</summary>
    public abstract int Index { get; }

    /// <summary>Whether the caller runs on this loop's thread.</summary>
    public abstract bool IsCurrent { get; }

    /// <summary>Runs <paramref name="action"/> on the loop's thread, soon. Any thread.</summary>
    public abstract void Post(Action<object?> action, object? state);

    /// <summary>
    /// Where a session that is between two statements should live from now on; null: here. An answer other than null is
    /// meant for the one session that asked. Loop's thread only.
    /// </summary>
    /// <param name="window">The session's own note of when it asked last; 0 at first.</param>
    internal virtual EventLoop? Relieve(ref int window) => null;

    /// <summary>Queues a signal's continuation. Loop's thread only; called by <see cref="LoopSignal"/>.</summary>
    internal abstract void Schedule(LoopSignal signal);

    internal abstract void WatchDeadline(LoopSignal signal);

    internal abstract void UnwatchDeadline(LoopSignal signal);
}
