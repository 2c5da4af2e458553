namespace ShardProxy.Directory;

/// <summary>
/// Keeps the directories of one cluster's databases. A change is a compare-and-set on the database's version, so that
/// of two changes that start from the same version one fails; what a call has returned is on disk. Callers keep routing
/// from their snapshot when the store fails: it is asked at start and for changes only.
/// </summary>
public interface IDirectoryStore : IAsyncDisposable
{
    /// <summary>Where it is, for messages.</summary>
    string Location { get; }

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
    /// <exception cref="DirectoryException">A change does not fit.</exception>
    ValueTask<DirectoryContent> ChangeAsync(
        string database, long expectedVersion, IReadOnlyList<DirectoryChange> changes, string who, CancellationToken cancel);

    /// <summary>The latest <paramref name="limit"/> changes, newest first.</summary>
    ValueTask<IReadOnlyList<DirectoryHistoryEntry>> HistoryAsync(string database, int limit, CancellationToken cancel);
}

/// <param name="Version">The version that the change made.</param>
/// <param name="What">The changes in words, separated by "; ".</param>
public sealed record DirectoryHistoryEntry(long Version, DateTimeOffset When, string Who, string What);
