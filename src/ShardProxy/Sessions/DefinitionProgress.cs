namespace ShardProxy.Sessions;

/// <summary>
/// Definitions and upkeep that run on every shard: those under way, and the last <see cref="Kept"/> that have ended. What PostgreSQL
/// refuses in a block stands on some shards and not on others when it fails, and whoever runs it again may want to know. Thread-safe.
/// </summary>
public sealed class DefinitionProgress
{
    /// <summary>How many that have ended are remembered.</summary>
    public const int Kept = 50;

    private readonly Lock _lock = new();
    private readonly List<DefinitionRun> _running = [];
    private readonly Queue<DefinitionRun> _ended = new();

    /// <summary>Disposing what it returns without <see cref="DefinitionRun.Succeed"/> counts as a failure.</summary>
    /// <param name="subject">The names that it is about, from the statement's grammar and not from its values; null when there are none.</param>
    public DefinitionRun Begin(Session session, string statement, string? subject, bool isOneByOne)
    {
        var shards = Enumerable.Range(0, session.Database.ShardCount).Select(session.Database.ShardName);
        var run = new DefinitionRun(this, session.Id, statement, subject, [.. shards]) { IsOneByOne = isOneByOne };
        lock (_lock)
            _running.Add(run);
        return run;
    }

    /// <summary>The oldest first.</summary>
    public IReadOnlyList<DefinitionRun> All
    {
        get
        {
            lock (_lock)
                return [.. _ended, .. _running];
        }
    }

    internal void End(DefinitionRun run)
    {
        lock (_lock)
        {
            if (!_running.Remove(run))
                return;
            if (_ended.Count >= Kept)
                _ended.Dequeue();
            _ended.Enqueue(run);
        }
    }
}
