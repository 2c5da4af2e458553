using ShardProxy.Catalog;
using ShardProxy.Control.Loading;
using ShardProxy.Directory;

namespace ShardProxy.Control.Routing;

/// <summary>
/// Composes what was loaded and what the directory says into the state that the data path reads, and swaps it in. A
/// state that says the same as the current one is not published, so that cached plans stay valid.
/// </summary>
internal sealed class RoutingPublisher
{
    private readonly DatabaseDirectory _directory;
    private readonly Lock _lock = new();
    private volatile RoutingState _current;
    private LoadedCatalog? _loaded;
    private IReadOnlyCollection<TableProblem> _misplaced = [];
    private bool _leaseLost;

    public RoutingPublisher(DatabaseDirectory directory)
    {
        _directory = directory;
        _current = new RoutingState(CatalogSnapshot.Empty, directory.Snapshot, 1, directory.Shards)
        {
            Unavailable = $"the catalog of the home shard \"{directory.Shards[0].Name}\" has not been read yet",
        };
    }

    public RoutingState Current => _current;

    public LoadedCatalog? Loaded => _loaded;

    /// <summary>Only as long as nothing was loaded.</summary>
    public void SayUnavailable(string reason)
    {
        lock (_lock)
        {
            if (_loaded is null && _current.Unavailable != reason)
                _current = _current with { Unavailable = reason, Version = _current.Version + 1 };
        }
    }

    /// <param name="misplaced">Tables whose rows do not stand where the directory says.</param>
    public void Publish(LoadedCatalog loaded, IReadOnlyCollection<TableProblem> misplaced)
    {
        lock (_lock)
        {
            var same = _loaded is not null && loaded.SaysTheSameAs(_loaded) && misplaced.SequenceEqual(_misplaced);
            var directory = _directory.Snapshot;
            if (same && directory.Version == _current.Directory.Version)
                return;
            Swap(loaded, misplaced, same);
        }
    }

    /// <summary>The directory changed; the catalog is the one loaded last.</summary>
    public void PublishDirectory()
    {
        lock (_lock)
        {
            if (_loaded is not null && _directory.Snapshot.Version != _current.Directory.Version)
                Swap(_loaded, _misplaced, sameCatalog: true);
        }
    }

    /// <summary>While the lease is lost, another proxy may distribute a table that this one takes for the home shard's.</summary>
    public void SetLeaseLost(bool lost)
    {
        lock (_lock)
        {
            _leaseLost = lost;
            if (_loaded is not null && _current.Directory.IsLeaseLost != lost)
                Swap(_loaded, _misplaced, sameCatalog: true);
        }
    }

    private void Swap(LoadedCatalog loaded, IReadOnlyCollection<TableProblem> misplaced, bool sameCatalog)
    {
        var version = _current.Version + 1;
        var (content, shards) = _directory.Known;
        string[] names = [.. shards.Select(static shard => shard.Name)];
        sameCatalog &= loaded.Shards.Count >= names.Length;
        loaded = loaded.For(names, _loaded);
        var catalog = sameCatalog ? _current.Catalog : loaded.ToSnapshot(version);
        var problems = TableChecks.Run(loaded, content, names).Concat(misplaced).DistinctBy(static problem => problem.Table);
        _loaded = loaded;
        _misplaced = misplaced;
        _current = new RoutingState(catalog.WithProblems(problems), content.ToSnapshot(names, _directory.Cache, _leaseLost), version, shards);
    }
}
