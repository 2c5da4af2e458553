using System.Collections.Concurrent;

namespace ShardProxy.Sessions.Committing;

/// <summary>What the sessions of a database and its control side share about transactions over several shards. Thread-safe.</summary>
public sealed class DatabaseCommits
{
    private readonly ConcurrentDictionary<int, CommitSupport> _support = new();
    private readonly ConcurrentDictionary<string, GlobalTransactionId> _inFlight = new(StringComparer.Ordinal);

    /// <summary>Called with the id of a transaction that was left unfinished: somebody should look after it now. Any thread.</summary>
    public Action<string>? Abandoned { get; set; }

    /// <summary>Null while the shard has not been asked.</summary>
    public CommitSupport? SupportOf(int shard) => _support.GetValueOrDefault(shard);

    public void Learn(int shard, CommitSupport support) => _support[shard] = support;

    /// <summary>Whether a session of this process is at work on it, so that nobody else need look.</summary>
    public bool IsInFlight(string id) => _inFlight.ContainsKey(id);

    public ICollection<GlobalTransactionId> InFlight => _inFlight.Values;

    /// <summary>Notes that a session commits. Disposing it without <see cref="CommitTicket.Settle"/> leaves the rest to recovery.</summary>
    public CommitTicket Begin(GlobalTransactionId transaction)
    {
        _inFlight[transaction.Id] = transaction;
        return new CommitTicket(this, transaction.Id);
    }

    internal void End(string id, bool isSettled)
    {
        _inFlight.TryRemove(id, out _);
        if (!isSettled)
            Abandoned?.Invoke(id);
    }
}

/// <summary>One transaction in flight, held by its session until nothing of it is left to do.</summary>
public sealed class CommitTicket(DatabaseCommits commits, string id) : IDisposable
{
    private bool _isSettled;

    /// <summary>Every part is committed or rolled back.</summary>
    public void Settle() => _isSettled = true;

    public void Dispose() => commits.End(id, _isSettled);
}
