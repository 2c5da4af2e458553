using ShardProxy.Configuration;
using ShardProxy.Directory.Embedded;
using ShardProxy.Directory.Redis;

namespace ShardProxy.Directory;

/// <summary>The stores that the proxy has open: databases that name the same file, or the same Redis and prefix, share one store, and so one cluster id.</summary>
public sealed class DirectoryStores(TimeProvider clock) : IAsyncDisposable
{
    /// <summary>Long enough for the old process of a restart to end.</summary>
    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, IDirectoryStore> _stores = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _turn = new(1);

    /// <exception cref="DirectoryException">The store cannot be opened, or its kind is not known.</exception>
    public async Task<IDirectoryStore> OpenAsync(DatabaseConfig database, CancellationToken cancel)
    {
        var config = database.Directory;
        await _turn.WaitAsync(cancel);
        try
        {
            var key = KeyOf(database);
            if (!_stores.TryGetValue(key, out var store))
            {
                _stores[key] = store = config.Redis is { } target
                    ? new RedisDirectoryStore(target, config.Prefix, clock)
                    : await EmbeddedDirectoryStore.OpenAsync(key, LockTimeout, clock, cancel);
            }
            return store;
        }
        finally
        {
            _turn.Release();
        }
    }

    private static string KeyOf(DatabaseConfig database)
    {
        var config = database.Directory;
        if (config.Redis is { } target)
            return $"{target} {config.Prefix}";
        return config.Store == "embedded"
            ? Path.GetFullPath(config.Path ?? throw new DirectoryException($"database \"{database.Name}\": the embedded directory has no path"))
            : throw new DirectoryException($"database \"{database.Name}\": there is no directory store of the kind \"{config.Store}\"");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores.Values)
            await store.DisposeAsync();
        _turn.Dispose();
    }
}
