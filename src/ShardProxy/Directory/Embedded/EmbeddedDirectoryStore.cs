using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using ShardProxy.Directory.Lookup;

namespace ShardProxy.Directory.Embedded;

/// <summary>
/// The directory in one SQLite file, for one proxy. The file stays locked as long as the store is open
/// (locking_mode=EXCLUSIVE), since a second proxy on it would not learn of this one's changes and would route by old
/// ones; a fleet needs a shared store. SQLite blocks, so calls run on the thread pool, one at a time.
/// </summary>
public sealed class EmbeddedDirectoryStore : IDirectoryStore
{
    /// <summary>SQLITE_BUSY and SQLITE_LOCKED (sqlite3.h).</summary>
    private const int Busy = 5, Locked = 6;

    private readonly SqliteConnection _connection;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly ConcurrentDictionary<(string Database, string Proxy), ProxyReport> _reports = new();

    private EmbeddedDirectoryStore(string path, SqliteConnection connection, TimeProvider clock)
    {
        Location = path;
        _connection = connection;
        _clock = clock;
        Keys = new EmbeddedKeyStore(this);
    }

    /// <summary>Never raised: nobody else changes the file.</summary>
    public event Action<string, DirectoryNotice>? Noticed
    {
        add { }
        remove { }
    }

    public string Location { get; }

    public bool IsShared => false;

    public StoreHealth Health => StoreHealth.Ok;

    public IKeyStore Keys { get; }

    /// <summary>Creates the file (and its folder) when there is none.</summary>
    /// <param name="lockTimeout">How long to wait for another process to let go of the file, as in a restart.</param>
    /// <exception cref="DirectoryException">Another proxy has the file, or it cannot be opened or is not a directory's.</exception>
    public static Task<EmbeddedDirectoryStore> OpenAsync(string path, TimeSpan lockTimeout, TimeProvider clock, CancellationToken cancel) =>
        Task.Run(() => Open(Path.GetFullPath(path), lockTimeout, clock), cancel);

    public ValueTask<string> GetClusterAsync(CancellationToken cancel) =>
        RunAsync(EmbeddedRows.ReadCluster, cancel);

    public ValueTask<DirectoryContent?> LoadAsync(string database, CancellationToken cancel) =>
        RunAsync(transaction => EmbeddedRows.ReadContent(transaction, database), cancel);

    public ValueTask<DirectoryContent> CreateAsync(string database, IReadOnlyList<string> shardOfBucket, string who, CancellationToken cancel) =>
        RunAsync(
            transaction =>
            {
                if (EmbeddedRows.ReadContent(transaction, database) is { } existing)
                    return existing;
                var content = new DirectoryContent(database, 1, EmbeddedRows.ReadCluster(transaction), [.. shardOfBucket], shardOfBucket.Count, [], []);
                EmbeddedRows.WriteNew(transaction, content);
                EmbeddedRows.WriteHistory(transaction, content, _clock.GetUtcNow(), who, $"create with {shardOfBucket.Count} buckets");
                return content;
            },
            cancel);

    public ValueTask<DirectoryContent> ChangeAsync(
        string database, long expectedVersion, IReadOnlyList<DirectoryChange> changes, string who, CancellationToken cancel) =>
        RunAsync(
            transaction =>
            {
                var content = EmbeddedRows.ReadContent(transaction, database)
                    ?? throw new DirectoryException($"the directory does not know database \"{database}\"");
                if (content.Version != expectedVersion)
                    throw new DirectoryConflictException(database, expectedVersion, content.Version);
                var changed = content.Apply(changes);
                EmbeddedRows.WriteChanged(transaction, content, changed);
                EmbeddedRows.WriteHistory(transaction, changed, _clock.GetUtcNow(), who, string.Join("; ", changes));
                return changed;
            },
            cancel);

    public ValueTask<IReadOnlyList<DirectoryHistoryEntry>> HistoryAsync(string database, int limit, CancellationToken cancel) =>
        RunAsync(transaction => EmbeddedRows.ReadHistory(transaction, database, limit), cancel);

    public ValueTask<bool> RestoreAsync(DirectoryContent content, string who, CancellationToken cancel) =>
        RunAsync(
            transaction =>
            {
                var known = EmbeddedRows.ReadContent(transaction, content.Database);
                if (known?.Version >= content.Version)
                    return false;
                if (known is null)
                    EmbeddedRows.WriteNew(transaction, content);
                else
                    EmbeddedRows.WriteChanged(transaction, known, content);
                EmbeddedRows.WriteCluster(transaction, content.Cluster);
                EmbeddedRows.WriteHistory(transaction, content, _clock.GetUtcNow(), who, "put back what the store had lost");
                return true;
            },
            cancel);

    public async ValueTask<StoreVersion> ReportAsync(string database, ProxyReport report, TimeSpan lease, CancellationToken cancel)
    {
        _reports[(database, report.Id)] = report with { Expires = _clock.GetUtcNow() + lease };
        return new StoreVersion((await LoadAsync(database, cancel))?.Version ?? 0, "");
    }

    public ValueTask<IReadOnlyList<ProxyReport>> ProxiesAsync(string database, CancellationToken cancel)
    {
        var now = _clock.GetUtcNow();
        return new([.. _reports.Where(pair => pair.Key.Database == database && pair.Value.Expires > now).Select(static pair => pair.Value)]);
    }

    public ValueTask LeaveAsync(string database, string proxy, CancellationToken cancel)
    {
        _reports.TryRemove((database, proxy), out _);
        return ValueTask.CompletedTask;
    }

    public ValueTask NotifyAsync(string database, DirectoryNotice notice, CancellationToken cancel) => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync();
        await _connection.DisposeAsync();
    }

    private static EmbeddedDirectoryStore Open(string path, TimeSpan lockTimeout, TimeProvider clock)
    {
        SqliteConnection? connection = null;
        try
        {
            if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
                System.IO.Directory.CreateDirectory(folder);
            connection = new SqliteConnection(new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Pooling = false,
                ForeignKeys = true,
                // Also the busy timeout: whole seconds, and 0 would wait for ever.
                DefaultTimeout = Math.Max(1, (int)Math.Ceiling(lockTimeout.TotalSeconds)),
            }.ConnectionString);
            connection.Open();
            using (var pragmas = connection.CreateCommand())
            {
                pragmas.CommandText = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL";
                pragmas.ExecuteNonQuery();
            }
            // The first write takes the lock, and EXCLUSIVE keeps it.
            using (var transaction = connection.BeginTransaction(deferred: false))
            {
                EmbeddedSchema.Upgrade(connection, transaction, path);
                EmbeddedRows.EnsureCluster(transaction, clock.GetUtcNow());
                transaction.Commit();
            }
            return new EmbeddedDirectoryStore(path, connection, clock);
        }
        catch (Exception exception)
        {
            connection?.Dispose();
            throw Explain(path, exception);
        }
    }

    private static DirectoryException Explain(string path, Exception exception) => exception switch
    {
        DirectoryException known => known,
        SqliteException { SqliteErrorCode: Busy or Locked } => new DirectoryException(
            $"{path} is in use by another process: an embedded directory belongs to one proxy, and several proxies need a shared store", exception),
        _ => new DirectoryException($"the directory {path} cannot be used: {exception.Message}", exception),
    };

    /// <summary>Runs in one transaction, which is on disk when the call returns.</summary>
    internal async ValueTask<T> RunAsync<T>(Func<SqliteTransaction, T> work, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            return await Task.Run(
                () =>
                {
                    using var transaction = _connection.BeginTransaction(deferred: false);
                    var result = work(transaction);
                    transaction.Commit();
                    return result;
                },
                CancellationToken.None);
        }
        catch (SqliteException exception)
        {
            throw Explain(Location, exception);
        }
        finally
        {
            _turn.Release();
        }
    }
}
