using ShardProxy.Configuration;
using ShardProxy.Directory.Lookup;
using ShardProxy.Directory.Placements;

namespace ShardProxy.Directory;

/// <summary>
/// One configured database's directory: the store's content under the configuration's list of shards. Created by
/// <see cref="OpenAsync"/>, which refuses a configuration that the store contradicts. Changes are made one at a time.
/// </summary>
public sealed class DatabaseDirectory
{
    private const string Putter = "proxy";

    private const int EndedMoves = 1000;

    private readonly IDirectoryStore _store;
    private readonly ShardRoster _roster;
    private readonly LocalCopy? _copy;
    private readonly Lock _publishing = new();

    /// <summary>Moves that have ended, the latest last: more of them than a store fails over without.</summary>
    private readonly Queue<KeyMove> _ended = new();
    private volatile Version _current;
    private volatile IReadOnlySet<QualifiedName> _fileTables;
    private volatile IReadOnlyList<WaitingTable> _waitingTables = [];

    private DatabaseDirectory(IDirectoryStore store, DatabaseConfig database, DirectoryContent content, LocalCopy? copy)
    {
        _copy = copy;
        _store = store;
        Database = database.Name;
        Cache = new LookupCache(database.Directory.LookupCacheBytes, store.IsShared);
        _roster = new ShardRoster(database, content);
        _fileTables = FileDeclarations.NamesOf(database);
        _current = new Version(content, content.ToSnapshot(ShardNames, Cache));
    }

    /// <summary>A shard has joined, and is in <see cref="Shards"/>; called before any snapshot leads to it.</summary>
    public event Action? Grew;

    public string Database { get; }

    /// <summary>Tables that the configuration file declares: they stay declared when they are dropped.</summary>
    public IReadOnlySet<QualifiedName> FileTables => _fileTables;

    /// <summary>By index; grows at its end. The first is the home shard.</summary>
    public IReadOnlyList<ShardConfig> Shards => _roster.Shards;

    /// <summary>Shards that the configuration file names and that have not joined yet.</summary>
    public IReadOnlyList<ShardConfig> WaitingShards => _roster.Waiting;

    /// <summary>The content and all shards that it knows, by index.</summary>
    public (DirectoryContent Content, IReadOnlyList<ShardConfig> Shards) Known
    {
        get
        {
            // Shards come before the content that names them, and never go.
            var content = Content;
            return (content, _roster.Shards);
        }
    }

    public DirectoryContent Content => _current.Content;

    public DirectorySnapshot Snapshot => _current.Snapshot;

    /// <summary>Where keys of lookup groups live, as far as this proxy has asked.</summary>
    public LookupCache Cache { get; }

    /// <summary>
    /// Makes the database's part of the store when it is new, and merges the file's tables in. While a shared store cannot be
    /// reached the local copy is taken as it is (see <see cref="IsFromCopy"/>).
    /// </summary>
    /// <exception cref="DirectoryException">Bucket count, shards or tables of the configuration contradict the store.</exception>
    public static async Task<DatabaseDirectory> OpenAsync(IDirectoryStore store, DatabaseConfig database, CancellationToken cancel)
    {
        var copy = store.IsShared && database.Directory.Path is { } path ? new LocalCopy(path) : null;
        var (content, isFromCopy) = await LoadAsync(store, database, copy, cancel);
        if (content.HashBuckets != database.Buckets)
        {
            throw new DirectoryException(
                $"database \"{database.Name}\": the configuration says {database.Buckets} buckets, but the cluster was made with {content.HashBuckets} "
                + $"(directory {store.Location}); the number of buckets of an existing cluster cannot change");
        }
        var directory = new DatabaseDirectory(store, database, content, copy) { IsFromCopy = isFromCopy };
        if (isFromCopy)
            return directory;
        await directory.ChangeAsync(_ => directory.Compare(database), "configuration file", cancel);
        copy?.Save(directory.Content);
        return directory;
    }

    /// <summary>The store could not be reached at the start, and has not been since: tables that are new in the file are not declared.</summary>
    public bool IsFromCopy { get; private set; }

    public IDirectoryStore Store => _store;

    public LocalCopy? Copy => _copy;

    private static async Task<(DirectoryContent Content, bool IsFromCopy)> LoadAsync(IDirectoryStore store, DatabaseConfig database, LocalCopy? copy, CancellationToken cancel)
    {
        var known = copy?.Load(database.Name);
        try
        {
            if (await store.LoadAsync(database.Name, cancel) is { } content)
            {
                // A store that went back in time, while nobody was there to notice.
                if (known is null || known.Cluster != content.Cluster || known.Version <= content.Version)
                    return (content, false);
            }
            else if (known is null)
            {
                return (await CreateAsync(store, database, cancel), false);
            }
            await store.RestoreAsync(known, Putter, cancel);
            return (await store.LoadAsync(database.Name, cancel) ?? known, false);
        }
        catch (DirectoryUnavailableException) when (known is not null)
        {
            return (known, true);
        }
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
                await ForgetKeysAsync(content, changed, cancel);
                return changed;
            }
            catch (DirectoryConflictException)
            {
                await ReloadAsync(cancel);
            }
        }
    }

    /// <summary>The keys of groups that went with their last table. They are in nobody's way, so a store that fails now may keep them.</summary>
    private async Task ForgetKeysAsync(DirectoryContent before, DirectoryContent after, CancellationToken cancel)
    {
        var live = IdsOf(after);
        if (!IdsOf(before).Except(live, StringComparer.Ordinal).Any())
            return;
        try
        {
            await _store.Keys.ForgetAsync(Database, live, cancel);
        }
        catch (DirectoryException)
        {
            // The next group that goes takes them along.
        }

        static string[] IdsOf(DirectoryContent content) => [.. content.Groups.Select(static group => group.Rule).OfType<LookupRule>().Select(static rule => rule.Id)];
    }

    /// <summary>Tables of the configuration file that are declared when a shard has joined, as of the last <see cref="Compare"/>.</summary>
    public IReadOnlyList<WaitingTable> WaitingTables => _waitingTables;

    /// <summary>What a changed configuration file adds; nothing is stored yet.</summary>
    /// <exception cref="DirectoryException">The file contradicts what is declared.</exception>
    public IReadOnlyList<DirectoryChange> Compare(DatabaseConfig changed)
    {
        var changes = FileDeclarations.Merge(changed, Content, _store.Location);
        _fileTables = FileDeclarations.NamesOf(changed);
        _waitingTables = changes.Waiting;
        return changes.Changes;
    }

    /// <summary>Takes over where a changed configuration file says that new shards are.</summary>
    public void LearnShards(DatabaseConfig changed) => _roster.Learn(changed.Shards);

    private string[] ShardNames => [.. _roster.Shards.Select(static shard => shard.Name)];

    /// <summary>Takes over what others have changed in the store, and puts back what the store has lost.</summary>
    /// <returns>Whether the content is another now.</returns>
    /// <exception cref="DirectoryException">The store does not answer, or holds another cluster's directory.</exception>
    public async Task<bool> ReloadAsync(CancellationToken cancel)
    {
        var before = Content;
        var content = await _store.LoadAsync(Database, cancel);
        if (content is null || content.Version < before.Version)
        {
            await _store.RestoreAsync(before, Putter, cancel);
            content = await _store.LoadAsync(Database, cancel)
                ?? throw new DirectoryException($"database \"{Database}\" has vanished from the directory {_store.Location}");
        }
        if (content.Cluster != before.Cluster)
        {
            throw new DirectoryException(
                $"database \"{Database}\": the directory {_store.Location} holds another cluster ({content.Cluster}) than this proxy serves ({before.Cluster})");
        }
        IsFromCopy = false;
        if (content.Version == before.Version && content.Revision == before.Revision)
            return false;
        Publish(content);
        return true;
    }

    /// <summary>
    /// Declares again what another history of the same length lacks: a store that failed over without its last write, and was
    /// changed before anybody noticed. Rows stand where the lost declarations put them.
    /// </summary>
    public async Task<bool> MergeLostAsync(DirectoryContent lost, CancellationToken cancel)
    {
        var changes = 0;
        await ChangeAsync(
            content =>
            {
                var missing = LostTables.Of(lost, content);
                changes = missing.Count;
                return missing;
            },
            Putter,
            cancel);
        return changes > 0;
    }

    /// <summary>Images of keys of a lookup group whose move this proxy has seen the end of, among the last moves.</summary>
    /// <param name="group">The id of the group's rule.</param>
    public IReadOnlyList<byte[]> RecentlyMoved(string group)
    {
        lock (_publishing)
            return [.. _ended.Where(move => move.Group == group).Select(static move => move.Key).Distinct(StringComparer.Ordinal).Select(Convert.FromHexString)];
    }

    public ValueTask<IReadOnlyList<DirectoryHistoryEntry>> HistoryAsync(int limit, CancellationToken cancel) =>
        _store.HistoryAsync(Database, limit, cancel);

    private static ValueTask<DirectoryContent> CreateAsync(IDirectoryStore store, DatabaseConfig database, CancellationToken cancel)
    {
        var owners = DirectorySnapshot.SpreadEvenly(database.Buckets, database.Shards.Count);
        string[] names = [.. owners.Select(index => database.Shards[index].Name)];
        return store.CreateAsync(database.Name, names, "first start", cancel);
    }

    private void Publish(DirectoryContent content)
    {
        lock (_publishing)
        {
            // A change and a reload may come in at the same time; the later version wins.
            if (content.Version < _current.Content.Version)
                return;
            ForgetMoved(_current.Content, content);
            if (_roster.Follow(content))
                Grew?.Invoke();
            _current = new Version(content, content.ToSnapshot(ShardNames, Cache));
            _copy?.Save(content);
        }
    }

    /// <summary>What is remembered of a key that has begun or ended to move is old; what was asked before must not be remembered later.</summary>
    private void ForgetMoved(DirectoryContent before, DirectoryContent after)
    {
        var changed = before.Moves.Except(after.Moves).Concat(after.Moves.Except(before.Moves)).ToArray();
        if (changed.Length == 0)
            return;
        Cache.NoteMove();
        foreach (var move in changed)
            Cache.Remove(Cache.Register(move.Group), Convert.FromHexString(move.Key));
        foreach (var move in before.Moves.Except(after.Moves))
        {
            _ended.Enqueue(move);
            if (_ended.Count > EndedMoves)
                _ended.Dequeue();
        }
    }

    private sealed record Version(DirectoryContent Content, DirectorySnapshot Snapshot);
}
