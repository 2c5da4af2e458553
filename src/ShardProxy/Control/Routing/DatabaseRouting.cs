using Microsoft.Extensions.Logging;
using ShardProxy.Catalog;
using ShardProxy.Configuration;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Fleet;
using ShardProxy.Control.Joining;
using ShardProxy.Control.Loading;
using ShardProxy.Control.Lookups;
using ShardProxy.Control.Recovery;
using ShardProxy.Control.Sequences;
using ShardProxy.Control.Shards;
using ShardProxy.Control.Stamps;
using ShardProxy.Control.Uniqueness;
using ShardProxy.Directory;
using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Routing;

/// <summary>
/// Keeps the routing state of one configured database true: loads the catalogs, follows DDL in the directory, declares
/// tables, stamps shards. Reading <see cref="Current"/> costs a field; everything else runs on the thread pool and may
/// be called from an event loop.
/// </summary>
public sealed partial class DatabaseRouting : IAsyncDisposable
{
    /// <summary>How often the catalogs are looked at for what was changed behind the proxy's back.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <summary>The same while a shard has not been read, or a key is being moved.</summary>
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private readonly ShardList<ControlShard> _shards;
    private readonly DatabaseDirectory _directory;
    private readonly RoutingPublisher _publisher;
    private readonly CatalogRefresh _refresh;
    private readonly Coalesced _refreshes;
    private readonly TableDistributor _distributor;
    private readonly PlacementChanger _placements;
    private readonly KeyPlacer _keys;
    private readonly MoveDrain _drain;
    private readonly KeyMover _mover;
    private readonly ShardJoins _joins;
    private readonly FleetMember? _fleet;
    private readonly KeyRecovery? _recovery;
    private readonly SemaphoreSlim _declaring = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private Task _background = Task.CompletedTask;
    private string? _lastFailure;
    private DatabaseConfig _config;
    private IReadOnlyList<string> _toldTables = [];
    private bool _owesTables;
    private long _served = -1;
    private long _sequenceEpoch;

    private DatabaseRouting(DatabaseConfig database, LimitsConfig limits, DatabaseDirectory directory, ILogger logger, TimeProvider clock)
    {
        Database = database.Name;
        _directory = directory;
        _logger = logger;
        _clock = clock;
        _shards = new ShardList<ControlShard>((shard, _) => new ControlShard(shard, limits));
        _shards.Follow(directory.Shards);
        directory.Grew += () => _shards.Follow(directory.Shards);
        _publisher = new RoutingPublisher(directory);
        var stamps = new StampKeeper(_shards, database.Name, directory.Snapshot.Cluster, logger);
        _refresh = new CatalogRefresh(_shards, directory, _publisher, stamps, logger);
        _refreshes = new Coalesced(RefreshAsync);
        Uniques = new UniqueControl(_shards);
        _distributor = new TableDistributor(_shards, directory, Uniques);
        _placements = new PlacementChanger(_shards, directory);
        _keys = new KeyPlacer(_shards, directory, () => Current);
        Sequences = new SequenceDrawer(_shards);
        _drain = new MoveDrain(directory, () => Current, () => _fleet?.Wake());
        _joins = new ShardJoins(_shards, directory, limits, () => RefreshCatalogAsync(CancellationToken.None), PublishAsync, logger);
        _mover = new KeyMover(_shards, directory, () => Current, _keys, PublishAsync, WhenDrainedAsync);
        _config = database;
        if (directory.Store.IsShared)
        {
            var actions = new FleetActions(
                PublishHereAsync,
                ServedAsync,
                OnForeignSchemaChangeAsync,
                () => _ = Task.Run(() => ApplyTablesAsync(_config, _stop.Token)),
                _publisher.SetLeaseLost,
                () => _drain.Number,
                _recovery = new KeyRecovery(_shards, directory, () => Current));
            _fleet = new FleetMember(directory, actions, database.Directory.Lease, logger, clock);
            _keys.IsWhole = _fleet.IsWhole;
            _keys.WhenWhole = _fleet.WaitUntilWholeAsync;
        }
    }

    public string Database { get; }

    public DatabaseDirectory Directory => _directory;

    /// <summary>This proxy's id in the fleet; null where the store is not shared.</summary>
    public string? FleetId => _fleet?.Id;

    internal SequenceDrawer Sequences { get; }

    internal UniqueControl Uniques { get; }

    /// <summary>Grows with each change of the schema, or of a sequence, that this proxy makes or is told of.</summary>
    public long SequenceEpoch => Interlocked.Read(ref _sequenceEpoch);

    /// <summary>The state to plan and bind against; never null. See <see cref="RoutingState.Unavailable"/>.</summary>
    public RoutingState Current => _publisher.Current;

    /// <summary>
    /// Completes when every event loop has seen <see cref="Current"/>, so that none sends a statement by an older state.
    /// Set once by whoever owns the loops; without it a declaration relies on a short wait.
    /// </summary>
    public Func<Task>? Barrier { get; set; }

    /// <summary>The sessions that are in; set once by whoever owns them.</summary>
    public Func<IEnumerable<Sessions.Session>> Sessions
    {
        set
        {
            _drain.Sessions = value;
            _recovery?.Sessions = value;
        }
    }

    /// <summary>
    /// Opens the directory and reads the catalogs once. A shard that is down, the home shard too, does not fail the start:
    /// it is tried again in the background, and <see cref="RoutingState.Unavailable"/> says so meanwhile.
    /// </summary>
    /// <exception cref="DirectoryException">The configuration contradicts the directory.</exception>
    public static async Task<DatabaseRouting> StartAsync(
        DatabaseConfig database, LimitsConfig limits, IDirectoryStore store, ILogger logger, TimeProvider clock, CancellationToken cancel)
    {
        var directory = await DatabaseDirectory.OpenAsync(store, database, cancel);
        var routing = new DatabaseRouting(database, limits, directory, logger, clock);
        try
        {
            if (routing._fleet is { } fleet)
                await fleet.StartAsync();
            await routing.RefreshCatalogAsync(cancel);
            // Before the first client makes such a table on the home shard, or writes to it there.
            if (directory.WaitingTables.Count > 0)
                await routing.ApplyWaitingAsync(cancel);
        }
        catch (SqlException)
        {
            // Logged, and said by the state.
        }
        catch
        {
            await routing.DisposeAsync();
            throw;
        }
        routing._background = Task.Run(routing.RefreshForEverAsync, CancellationToken.None);
        return routing;
    }

    /// <summary>Reads the catalogs again. What was committed on the shards before the call is in <see cref="Current"/> after it.</summary>
    /// <exception cref="SqlException">The home shard cannot be read; the state is as before.</exception>
    public Task RefreshCatalogAsync(CancellationToken cancel) => _refreshes.RunAsync(cancel);

    /// <summary>
    /// Call after DDL has committed, before the client hears of it: reads the catalogs again, and lets the directory
    /// follow tables that were dropped or renamed.
    /// </summary>
    public async Task OnSchemaChangedAsync(CancellationToken cancel)
    {
        Interlocked.Increment(ref _sequenceEpoch);
        await RefreshCatalogAsync(cancel);
        if (_fleet is not null)
            await _fleet.TellOfSchemaAsync();
    }

    /// <summary>create_distributed_table and create_reference_table. After it returns every new statement is routed the new way.</summary>
    /// <param name="searchPath">The session's schemas in order, "$user" replaced.</param>
    /// <param name="user">The session's role on the shards.</param>
    /// <exception cref="SqlException">Refused or failed, with the client's SQLSTATE, message and hint.</exception>
    public Task DeclareAsync(DistributePlan plan, IReadOnlyList<string> searchPath, string user, CancellationToken cancel) =>
        Task.Run(() => RunDeclareAsync(plan, searchPath, user, cancel), cancel);

    /// <summary>add_shard_range, add_shard_list and split_shard_range. After it returns every new statement is routed the new way.</summary>
    /// <exception cref="SqlException">Refused or failed, with the client's SQLSTATE, message and hint.</exception>
    public Task ChangePlacementAsync(PlacementPlan plan, IReadOnlyList<string> searchPath, string user, CancellationToken cancel) =>
        Task.Run(() => RunChangePlacementAsync(plan, searchPath, user, cancel), cancel);

    /// <summary>move_shard_key. After it returns every new statement finds the key's rows on the shard.</summary>
    /// <exception cref="SqlException">Refused or failed; the key is where it was, unless the message says otherwise.</exception>
    internal Task MoveKeyAsync(MoveKeyPlan plan, IReadOnlyList<string> searchPath, string user, CommitControl commits, CancellationToken cancel) =>
        Task.Run(() => RunMoveKeyAsync(plan, searchPath, user, commits, cancel), cancel);

    /// <summary>add_shard. After it returns every proxy uses the shard.</summary>
    /// <exception cref="SqlException">Refused or failed; the shard has not joined.</exception>
    public Task AddShardAsync(AddShardPlan plan, string user, CancellationToken cancel) =>
        Task.Run(() => InTurnAsync(() => _joins.AddAsync(plan, user, cancel), cancel), cancel);

    /// <summary>Shards that the configuration file names and that are not in use yet join.</summary>
    /// <returns>What could not be done, in words; also logged. Empty when all is well.</returns>
    public async Task<IReadOnlyList<string>> ApplyShardsAsync(DatabaseConfig changed, CancellationToken cancel)
    {
        _directory.LearnShards(changed);
        IReadOnlyList<string> failures = [];
        await Task.Run(() => InTurnAsync(async () => failures = await _joins.JoinWaitingAsync(cancel), cancel), cancel);
        return failures;
    }

    /// <summary>Asks where keys of lookup tables are, that this proxy does not know.</summary>
    /// <param name="mayPlace">A new key that becomes a row's is given a place.</param>
    /// <returns>False when one is being moved, and so is nowhere until it has arrived.</returns>
    /// <exception cref="SqlException">A new key's place cannot be stored, or a shard that may have the key cannot be asked.</exception>
    public Task<bool> PlaceKeysAsync(KeyPlaces places, bool mayPlace, CancellationToken cancel) =>
        Task.Run(() => _keys.ResolveAsync(places, mayPlace, cancel), cancel);

    /// <summary>Declares what a reloaded configuration file adds; tables that it no longer names stay declared.</summary>
    /// <returns>What could not be done, in words; also logged. Empty when all is well.</returns>
    public async Task<IReadOnlyList<string>> ApplyTablesAsync(DatabaseConfig changed, CancellationToken cancel)
    {
        _config = changed;
        var failures = await Task.Run(() => RunApplyTablesAsync(changed, cancel), cancel);
        foreach (var failure in failures)
            NotDeclared(Database, failure);
        _toldTables = failures;
        return failures;
    }

    public ValueTask<IReadOnlyList<DirectoryHistoryEntry>> HistoryAsync(int limit, CancellationToken cancel) => _directory.HistoryAsync(limit, cancel);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _background.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_fleet is not null)
            await _fleet.DisposeAsync();
        foreach (var shard in _shards)
            await shard.DisposeAsync();
        _stop.Dispose();
        _declaring.Dispose();
    }

    private async Task RunDeclareAsync(DistributePlan plan, IReadOnlyList<string> searchPath, string user, CancellationToken cancel) =>
        await InTurnAsync(
            async () =>
            {
                // The new routing is published with the catalog that is loaded, so that must know the table.
                await RefreshCatalogAsync(cancel);
                var table = await _distributor.RunAsync(plan, searchPath, user, PublishAsync, cancel);
                Declared(Database, table.ToString(), user);
                await RefreshCatalogAsync(CancellationToken.None);
            },
            cancel);

    /// <summary>Changes of the directory are made one at a time.</summary>
    private async Task InTurnAsync(Func<Task> change, CancellationToken cancel)
    {
        await _declaring.WaitAsync(cancel);
        try
        {
            await change();
        }
        catch (DirectoryException exception)
        {
            throw new SqlException(new ServerError(SqlStates.IoError, $"the directory cannot be changed: {exception.Message}"), exception);
        }
        finally
        {
            _declaring.Release();
        }
    }

    private async Task RunChangePlacementAsync(PlacementPlan plan, IReadOnlyList<string> searchPath, string user, CancellationToken cancel) =>
        await InTurnAsync(
            async () =>
            {
                await _placements.RunAsync(plan, searchPath, user, cancel);
                await PublishAsync();
            },
            cancel);

    private async Task RunMoveKeyAsync(MoveKeyPlan plan, IReadOnlyList<string> searchPath, string user, CommitControl commits, CancellationToken cancel) =>
        await InTurnAsync(() => _mover.RunAsync(plan, searchPath, user, _fleet?.Id ?? "", commits, cancel), cancel);

    private async Task<bool> WhenDrainedAsync(long number, TimeSpan patience) =>
        await _drain.WaitAsync(number, patience) && (_fleet is null || await _fleet.WaitForDrainedAsync(number, patience));

    /// <summary>A proxy that was moving a key is gone: its key is where its rows are.</summary>
    private async Task EndLostMovesAsync()
    {
        var moves = Directory.Content.Moves;
        if (moves.Count == 0)
            return;
        try
        {
            var live = _fleet is null ? [] : await _fleet.LiveAsync();
            foreach (var move in moves)
            {
                if (!_mover.IsMoving(move) && !live.Where(id => id != _fleet!.Id).Contains(move.Owner, StringComparer.Ordinal))
                    await _mover.EndLostAsync(move, _stop.Token);
            }
        }
        catch (Exception exception) when (exception is SqlException or DirectoryException)
        {
            MoveNotEnded(Database, exception.Message);
        }
    }

    private async Task<IReadOnlyList<string>> RunApplyTablesAsync(DatabaseConfig changed, CancellationToken cancel)
    {
        try
        {
            // Whether a table exists must be known as it is now, on every shard.
            await RefreshCatalogAsync(cancel);
            if (_publisher.Loaded is not { IsComplete: true } loaded)
                return [$"database \"{Database}\": tables are declared when every shard can be reached"];
            var reload = new TableReload(
                _directory,
                table => loaded.Shards.Any(shard => shard!.Relations.ContainsKey(table)),
                plan => RunDeclareAsync(plan, [], _shards[0].Config.Primary.User, cancel));
            var failures = await reload.RunAsync(changed, cancel);
            await RefreshCatalogAsync(cancel);
            return failures;
        }
        catch (SqlException exception)
        {
            return [exception.Message];
        }
    }

    /// <summary>Completes when every proxy of the fleet routes by the newest directory.</summary>
    private async Task PublishAsync()
    {
        await PublishHereAsync();
        if (_fleet is not null)
            await _fleet.WaitForAllAsync(_directory.Content.Version);
    }

    private async Task PublishHereAsync()
    {
        _publisher.PublishDirectory();
        await ServedAsync();
        _drain.Start();
    }

    private async Task<long> ServedAsync()
    {
        var version = Current.Directory.Version;
        if (version != Interlocked.Read(ref _served))
        {
            if (Barrier is { } barrier)
                await barrier();
            Interlocked.Exchange(ref _served, version);
        }
        return version;
    }

    private async Task<bool> OnForeignSchemaChangeAsync()
    {
        Interlocked.Increment(ref _sequenceEpoch);
        try
        {
            await RefreshCatalogAsync(_stop.Token);
            return true;
        }
        catch (Exception exception) when (exception is SqlException or OperationCanceledException or ObjectDisposedException)
        {
            // Logged where it was caught first.
            return false;
        }
    }

    private async Task RefreshAsync()
    {
        try
        {
            await _refresh.RunAsync(_stop.Token);
            if (_lastFailure is not null)
                Recovered(Database);
            _lastFailure = null;
        }
        catch (SqlException exception)
        {
            _publisher.SayUnavailable(exception.Message);
            if (_lastFailure != exception.Message)
                RefreshFailed(Database, exception.Message);
            _lastFailure = exception.Message;
            throw;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // A catalog that we cannot make sense of must not end the proxy, which may serve other databases.
            RefreshBroke(Database, exception);
            _lastFailure = $"the catalog cannot be read: {exception.Message}";
            _publisher.SayUnavailable(_lastFailure);
            throw new SqlException(new ServerError(SqlStates.InternalError, _lastFailure), exception);
        }
    }

    private bool IsSettled =>
        _lastFailure is null && Directory.Content.Moves.Count == 0 && _publisher.Loaded?.KnowsEveryShard == true && !HasTablesWhoseShardHasJoined;

    private bool HasTablesWhoseShardHasJoined => _directory.WaitingTables.Any(table => _directory.WaitingShards.All(shard => shard.Name != table.Shard));

    /// <summary>Shards of the file that have not joined, and then the tables that wait for them. What cannot be done is told once and tried again.</summary>
    private async Task ApplyWaitingAsync(CancellationToken cancel)
    {
        if (_directory.WaitingShards.Count > 0)
            await ApplyShardsAsync(_config, cancel);
        _owesTables |= HasTablesWhoseShardHasJoined;
        if (!_owesTables)
            return;
        var failures = await Task.Run(() => RunApplyTablesAsync(_config, cancel), cancel);
        _owesTables = failures.Count > 0;
        foreach (var failure in failures.Except(_toldTables))
            NotDeclared(Database, failure);
        _toldTables = failures;
    }

    private async Task RefreshForEverAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                // At the start too: a file may name shards that are new to the directory.
                await ApplyWaitingAsync(_stop.Token);
                var began = _clock.GetTimestamp();
                do
                    await Task.Delay(RetryInterval, _clock, _stop.Token);
                while (IsSettled && _clock.GetElapsedTime(began) < Interval);
                await RefreshCatalogAsync(_stop.Token);
                await EndLostMovesAsync();
            }
            catch (OperationCanceledException)
            {
                // Stopping, or a load that was: the condition of the loop tells.
            }
            catch (SqlException)
            {
                // Logged where it was caught first.
            }
        }
    }

    [LoggerMessage(EventId = 7101, Level = LogLevel.Information, Message = "database {Database}: table {Table} was declared by {User}")]
    private partial void Declared(string database, string table, string user);

    [LoggerMessage(EventId = 7105, Level = LogLevel.Error, Message = "database {Database}: the reloaded configuration is not in force for its tables: {Reason}")]
    private partial void NotDeclared(string database, string reason);

    [LoggerMessage(EventId = 7102, Level = LogLevel.Warning, Message = "database {Database}: the catalog cannot be read: {Reason}")]
    private partial void RefreshFailed(string database, string reason);

    [LoggerMessage(EventId = 7103, Level = LogLevel.Information, Message = "database {Database}: the catalog can be read again")]
    private partial void Recovered(string database);

    [LoggerMessage(EventId = 7106, Level = LogLevel.Warning, Message = "database {Database}: the move of a key, left behind by a proxy that is gone, cannot be ended yet: {Reason}")]
    private partial void MoveNotEnded(string database, string reason);

    [LoggerMessage(EventId = 7104, Level = LogLevel.Error, Message = "database {Database}: reading the catalog broke")]
    private partial void RefreshBroke(string database, Exception exception);
}
