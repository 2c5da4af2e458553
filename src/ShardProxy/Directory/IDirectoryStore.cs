using ShardProxy.Directory.Lookup;

namespace ShardProxy.Directory;

/// <summary>
/// Keeps the directories of one cluster's databases. A change is a compare-and-set on the database's version, so that
/// of two changes that start from the same version one fails; what a call has returned is kept. Callers keep routing
/// from their snapshot when the store fails: it is asked at start, for changes, and to hear of others' changes.
/// </summary>
public interface IDirectoryStore : IAsyncDisposable
{
    /// <summary>Where it is, for messages; without passwords.</summary>
    string Location { get; }

    /// <summary>Other proxies may change it.</summary>
    bool IsShared { get; }

    StoreHealth Health { get; }

    /// <summary>The places of keys that are placed by look-up.</summary>
    IKeyStore Keys { get; }

    /// <summary>Another proxy may have changed something in the database named. A notice may be lost; polling finds what it said.</summary>
    event Action<string, DirectoryNotice>? Noticed;

    /// <summary>The cluster's id (a uuid), made when the store is first used and the same ever after.</summary>
    ValueTask<string> GetClusterAsync(CancellationToken cancel);

    /// <summary>Null when the store does not know the database.</summary>
    ValueTask<DirectoryContent?> LoadAsync(string database, CancellationToken cancel);

    /// <summary>Gives a new database its buckets, at version 1. When it is there already, it is left and returned as it is.</summary>
    ValueTask<DirectoryContent> CreateAsync(string database, IReadOnlyList<string> shardOfBucket, string who, CancellationToken cancel);

    /// <summary>Applies all of <paramref name="changes"/> or none, when the database is at <paramref name="expectedVersion"/>.</summary>
    /// <param name="who">A user's name, or what in the proxy made the change.</param>
    /// <returns>The content at the next version.</returns>
    /// <exception cref="DirectoryConflictException">It is at another version.</exception>
    /// <exception cref="DirectoryUnavailableException">The store does not answer; nothing will change by this call later.</exception>
    /// <exception cref="DirectoryException">A change does not fit.</exception>
    ValueTask<DirectoryContent> ChangeAsync(
        string database, long expectedVersion, IReadOnlyList<DirectoryChange> changes, string who, CancellationToken cancel);

    /// <summary>Puts back a content that the store has lost: only when it has none of the database, or an older version.</summary>
    /// <returns>Whether it was put back.</returns>
    ValueTask<bool> RestoreAsync(DirectoryContent content, string who, CancellationToken cancel);

    /// <summary>The latest <paramref name="limit"/> changes, newest first.</summary>
    ValueTask<IReadOnlyList<DirectoryHistoryEntry>> HistoryAsync(string database, int limit, CancellationToken cancel);

    /// <summary>Renews a proxy's lease and says which version it serves.</summary>
    /// <returns>Where the store stands.</returns>
    ValueTask<StoreVersion> ReportAsync(string database, ProxyReport report, TimeSpan lease, CancellationToken cancel);

    /// <summary>The proxies that hold a lease.</summary>
    ValueTask<IReadOnlyList<ProxyReport>> ProxiesAsync(string database, CancellationToken cancel);

    /// <summary>Gives the lease up.</summary>
    ValueTask LeaveAsync(string database, string proxy, CancellationToken cancel);

    /// <summary>Tells the other proxies of the database.</summary>
    ValueTask NotifyAsync(string database, DirectoryNotice notice, CancellationToken cancel);
}

/// <param name="Schema">Null: the directory has a new version. Else the shards' catalogs have changed, and this is the change's name (without blanks).</param>
public readonly record struct DirectoryNotice(string? Schema)
{
    public static DirectoryNotice Changed => default;
}

/// <param name="Version">The version that the change made.</param>
/// <param name="What">The changes in words, separated by "; ".</param>
public sealed record DirectoryHistoryEntry(long Version, DateTimeOffset When, string Who, string What);
