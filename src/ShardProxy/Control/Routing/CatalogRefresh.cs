using Microsoft.Extensions.Logging;
using ShardProxy.Catalog;
using ShardProxy.Control.Loading;
using ShardProxy.Control.Lookups;
using ShardProxy.Control.Shards;
using ShardProxy.Control.Stamps;
using ShardProxy.Directory;

namespace ShardProxy.Control.Routing;

/// <summary>
/// One refresh: load the catalogs, let the directory follow them, look at tables that are new under a declared name,
/// stamp shards, publish. Never two at once.
/// </summary>
internal sealed partial class CatalogRefresh
{
    /// <summary>A change of the directory calls for another load (the shapes of newly named tables); that one finds nothing more.</summary>
    private const int MaxRounds = 4;

    private readonly IReadOnlyList<ControlShard> _shards;
    private readonly DatabaseDirectory _directory;
    private readonly RoutingPublisher _publisher;
    private readonly StampKeeper _stamps;
    private readonly CatalogLoader _loader;
    private readonly Newcomers _newcomers;
    private readonly ILogger _logger;
    private readonly Dictionary<int, string?> _shardFailures = [];
    private readonly Dictionary<int, string> _differences = [];

    public CatalogRefresh(
        IReadOnlyList<ControlShard> shards, DatabaseDirectory directory, RoutingPublisher publisher, StampKeeper stamps, ILogger logger)
    {
        _shards = shards;
        _directory = directory;
        _publisher = publisher;
        _stamps = stamps;
        _loader = new CatalogLoader(shards, stamps.StampOf);
        _newcomers = new Newcomers(shards, new KeyAdoption(directory));
        _logger = logger;
    }

    /// <exception cref="SqlException">The home shard cannot be read; nothing was published.</exception>
    public async Task RunAsync(CancellationToken cancel)
    {
        for (var round = 0; round < MaxRounds; round++)
        {
            var content = _directory.Content;
            var loaded = await _loader.LoadAsync([.. content.Tables.Select(static table => table.Name)], _publisher.Loaded, cancel);
            ReportShards(loaded);
            ReportDifferences(loaded);
            var findings = DirectoryFollower.Run(loaded, content, _directory.FileTables);
            var (identified, misplaced) = await _newcomers.ExamineAsync(findings.Newcomers, _directory.Snapshot, loaded, cancel);
            var changed = await TryChangeAsync(content, [.. findings.Changes, .. identified], cancel);
            _publisher.Publish(loaded, misplaced);
            if (!changed)
            {
                await StampAsync(loaded, content, cancel);
                return;
            }
        }
    }

    /// <summary>Whether the directory is another now, by us or by somebody else, so that another round is due.</summary>
    private async Task<bool> TryChangeAsync(DirectoryContent seen, IReadOnlyList<DirectoryChange> changes, CancellationToken cancel)
    {
        if (changes.Count > 0)
        {
            try
            {
                await _directory.ChangeAsync(current => current.Version == seen.Version ? changes : [], "schema change", cancel);
            }
            catch (DirectoryException exception)
            {
                // Published as it was: TableChecks refuses what the directory does not say rightly.
                CannotFollow(_directory.Database, exception.Message);
                return false;
            }
        }
        return _directory.Content.Version != seen.Version;
    }

    private async Task StampAsync(LoadedCatalog loaded, DirectoryContent content, CancellationToken cancel)
    {
        // A database with one shard and no declared table is only pooled, and leaves no mark.
        if (_shards.Count > 1 || content.Tables.Count > 0)
            await _stamps.WriteAsync([.. loaded.Shards.Select(static shard => shard is { Stamp: null })], cancel);
    }

    private void ReportShards(LoadedCatalog loaded)
    {
        for (var index = 0; index < loaded.Failures.Count; index++)
        {
            var failure = loaded.Failures[index]?.Message;
            if (failure == _shardFailures.GetValueOrDefault(index))
                continue;
            if (failure is not null)
                ShardNotRead(_directory.Database, _shards[index].Name, failure);
            else
                ShardReadAgain(_directory.Database, _shards[index].Name);
            _shardFailures[index] = failure;
        }
    }

    private void ReportDifferences(LoadedCatalog loaded)
    {
        var home = loaded.Home.Objects.Nature;
        for (var index = 1; index < loaded.Shards.Count; index++)
        {
            if (loaded.Shards[index]?.Nature is not { } nature)
                continue;
            var values = string.Join("; ", nature.DifferencesFrom(home));
            var version = nature.IsOtherMajor(home) ? $"{nature.ServerVersion} against {home.ServerVersion}" : "";
            var differences = values + version;
            if (differences == _differences.GetValueOrDefault(index, ""))
                continue;
            if (values.Length > 0)
                ShardDiffers(_directory.Database, _shards[index].Name, values);
            if (version.Length > 0)
                OtherMajor(_directory.Database, _shards[index].Name, version);
            if (differences.Length == 0)
                ShardIsAlike(_directory.Database, _shards[index].Name);
            _differences[index] = differences;
        }
    }

    [LoggerMessage(EventId = 7114, Level = LogLevel.Warning, Message = "database {Database}: shard {Shard} would read, compare or show values in another way than the home shard, so statements over several shards are run over rows brought together there, and are slow: {Differences}")]
    private partial void ShardDiffers(string database, string shard, string differences);

    [LoggerMessage(EventId = 7115, Level = LogLevel.Warning, Message = "database {Database}: the server of shard {Shard} is of another major version than the home shard's: {Versions}")]
    private partial void OtherMajor(string database, string shard, string versions);

    [LoggerMessage(EventId = 7116, Level = LogLevel.Information, Message = "database {Database}: shard {Shard} is like the home shard now")]
    private partial void ShardIsAlike(string database, string shard);

    [LoggerMessage(EventId = 7111, Level = LogLevel.Warning, Message = "database {Database}: the catalog of shard {Shard} cannot be read: {Reason}")]
    private partial void ShardNotRead(string database, string shard, string reason);

    [LoggerMessage(EventId = 7112, Level = LogLevel.Information, Message = "database {Database}: the catalog of shard {Shard} can be read again")]
    private partial void ShardReadAgain(string database, string shard);

    [LoggerMessage(EventId = 7113, Level = LogLevel.Error, Message = "database {Database}: the directory cannot follow a schema change: {Reason}")]
    private partial void CannotFollow(string database, string reason);
}
