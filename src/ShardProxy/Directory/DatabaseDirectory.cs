using ShardProxy.Configuration;

namespace ShardProxy.Directory;

/// <summary>
/// One configured database's directory: the store's content under the configuration's list of shards. Created by
/// <see cref="OpenAsync"/>, which refuses a configuration that the store contradicts. Changes are made one at a time.
/// </summary>
public sealed class DatabaseDirectory
{
    private readonly IDirectoryStore _store;
    private readonly string[] _shards;
    private volatile Version _current;
    private volatile IReadOnlySet<QualifiedName> _fileTables;

    private DatabaseDirectory(IDirectoryStore store, DatabaseConfig database, DirectoryContent content)
    {
        _store = store;
        Database = database.Name;
        _shards = [.. database.Shards.Select(static shard => shard.Name)];
        _fileTables = FileDeclarations.NamesOf(database);
        _current = new Version(content, content.ToSnapshot(_shards));
    }

    public string Database { get; }

    /// <summary>Tables that the configuration file declares: they stay declared when they are dropped.</summary>
    public IReadOnlySet<QualifiedName> FileTables => _fileTables;

    public DirectoryContent Content => _current.Content;

    public DirectorySnapshot Snapshot => _current.Snapshot;

    /// <summary>Makes the database's part of the store when it is new, and merges the file's tables in.</summary>
    /// <exception cref="DirectoryException">Bucket count, shards or tables of the configuration contradict the store.</exception>
    public static async Task<DatabaseDirectory> OpenAsync(IDirectoryStore store, DatabaseConfig database, CancellationToken cancel)
    {
        var content = await store.LoadAsync(database.Name, cancel) ?? await CreateAsync(store, database, cancel);
        if (content.HashBuckets != database.Buckets)
        {
            throw new DirectoryException(
                $"database \"{database.Name}\": the configuration says {database.Buckets} buckets, but the cluster was made with {content.HashBuckets} "
                + $"(directory {store.Location}); the number of buckets of an existing cluster cannot change");
        }
        var directory = new DatabaseDirectory(store, database, content);
        await directory.ChangeAsync(current => FileDeclarations.Merge(database, current, store.Location), "configuration file", cancel);
        return directory;
    }

    /// <summary>
    /// Asks <paramref name="decide"/> what to change, stores it, and starts again from the newer content when somebody
    /// else was faster. An empty answer changes nothing.
    /// </summary>
    public async Task<DirectoryContent> ChangeAsync(
        Func<DirectoryContent, IReadOnlyList<DirectoryChange>> decide, string who, CancellationToken cancel)
    {
        while (true)
        {
            var content = Content;
            var changes = decide(content);
            if (changes.Count == 0)
                return content;
            try
            {
                var changed = await _store.ChangeAsync(Database, content.Version, changes, who, cancel);
                Publish(changed);
                return changed;
            }
            catch (DirectoryConflictException)
            {
                await ReloadAsync(cancel);
            }
        }
    }

    /// <summary>What a changed configuration file adds; nothing is stored yet.</summary>
    /// <exception cref="DirectoryException">The file contradicts what is declared.</exception>
    public IReadOnlyList<DirectoryChange> Compare(DatabaseConfig changed)
    {
        var changes = FileDeclarations.Merge(changed, Content, _store.Location);
        _fileTables = FileDeclarations.NamesOf(changed);
        return changes;
    }

    /// <summary>Takes over what others have changed in the store.</summary>
    public async Task ReloadAsync(CancellationToken cancel)
    {
        var content = await _store.LoadAsync(Database, cancel)
            ?? throw new DirectoryException($"database \"{Database}\" has vanished from the directory {_store.Location}");
        if (content.Version > Content.Version)
            Publish(content);
    }

    public ValueTask<IReadOnlyList<DirectoryHistoryEntry>> HistoryAsync(int limit, CancellationToken cancel) =>
        _store.HistoryAsync(Database, limit, cancel);

    private static ValueTask<DirectoryContent> CreateAsync(IDirectoryStore store, DatabaseConfig database, CancellationToken cancel)
    {
        var owners = DirectorySnapshot.SpreadEvenly(database.Buckets, database.Shards.Count);
        string[] names = [.. owners.Select(index => database.Shards[index].Name)];
        return store.CreateAsync(database.Name, names, "first start", cancel);
    }

    private void Publish(DirectoryContent content) => _current = new Version(content, content.ToSnapshot(_shards));

    private sealed record Version(DirectoryContent Content, DirectorySnapshot Snapshot);
}
