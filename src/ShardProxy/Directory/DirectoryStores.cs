using ShardProxy.Configuration;
using ShardProxy.Directory.Embedded;

namespace ShardProxy.Directory;

/// <summary>The stores that the proxy has open: databases that name the same file share one store, and so one cluster id.</summary>
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
        if (config.Store != "embedded")
            throw new DirectoryException($"database \"{database.Name}\": there is no directory store of the kind \"{config.Store}\"");
        var path = Path.GetFullPath(config.Path
            ?? throw new DirectoryException($"database \"{database.Name}\": the embedded directory has no path"));
        await _turn.WaitAsync(cancel);
        try
        {
            if (!_stores.TryGetValue(path, out var store))
                _stores[path] = store = await EmbeddedDirectoryStore.OpenAsync(path, LockTimeout, clock, cancel);
            return store;
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores.Values)
            await store.DisposeAsync();
        _turn.Dispose();
    }
}
