using ShardProxy.Sessions;

namespace ShardProxy.Control.Deadlocks;

/// <summary>
/// Which sessions have waited long in a transaction over several shards. Looks at them from outside of their loops, so it
/// may see a moment that never was; whoever is found has to be found again before anything is done to it.
/// </summary>
internal sealed class WaitingSessions(Database database, Func<IEnumerable<Session>> all, TimeProvider clock)
{
    /// <summary>As PostgreSQL's deadlock_timeout: nearly all waits end sooner.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private Dictionary<Session, Seen> _seen = [];

    /// <summary>Those that wait for longer than that, each with the servers of its transaction.</summary>
    public List<(Session Session, long Transaction, List<ServerProcess> Processes)> Find()
    {
        var now = clock.GetTimestamp();
        var seen = new Dictionary<Session, Seen>();
        var found = new List<(Session, long, List<ServerProcess>)>();
        foreach (var session in all())
        {
            if (!ReferenceEquals(session.Database, database) || ProcessesOf(session, out var isBusy) is not { Count: > 1 } processes || !isBusy)
                continue;
            var transaction = session.Transaction.StartedAt;
            var since = _seen.TryGetValue(session, out var before) && before.Transaction == transaction ? before.Since : now;
            seen[session] = new Seen(transaction, since);
            if (clock.GetElapsedTime(since, now) >= Patience)
                found.Add((session, transaction, processes));
        }
        _seen = seen;
        return found;
    }

    private static List<ServerProcess>? ProcessesOf(Session session, out bool isBusy)
    {
        isBusy = false;
        List<ServerProcess>? processes = null;
        foreach (var server in session.Servers.All)
        {
            if (server is null or { Shard: Database.Beside } || (!session.Transaction.IsOpen && !server.NeedsSync))
                continue;
            isBusy |= !server.Ledger.IsEmpty;
            (processes ??= []).Add(new ServerProcess(server.Pool.ShardName, server.ProcessId));
        }
        return processes;
    }

    private readonly record struct Seen(long Transaction, long Since);
}
