using Microsoft.Extensions.Logging;
using ShardProxy.Catalog;
using ShardProxy.Configuration;
using ShardProxy.Control.Routing;
using ShardProxy.Control.Shards;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.Control.Recovery;

/// <summary>The control side of transactions over several shards of one database: readies the shards for them and finishes what sessions cannot.</summary>
internal sealed partial class CommitControl : IAsyncDisposable
{
    /// <summary>How often old decisions are removed, and shards that cannot take part are asked again.</summary>
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(100);

    private readonly DatabaseRouting _routing;
    private readonly ShardList<RecoveryShard> _shards;
    private readonly Recoverer _recoverer;
    private readonly DecisionSweep _sweep;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _starting = new();
    private Task? _background;

    public CommitControl(DatabaseConfig database, LimitsConfig limits, DatabaseRouting routing, TimeProvider clock, ILogger logger)
    {
        _routing = routing;
        _clock = clock;
        _logger = logger;
        _shards = new ShardList<RecoveryShard>(
            (shard, index) => new RecoveryShard(index, shard, limits, () => new Stamp(Cluster, database.Name, shard.Name)));
        _shards.Follow(routing.Directory.Shards);
        _recoverer = new Recoverer(_shards, Commits, new DeciderVisit(_shards, SchemaAsync), () => Cluster, limits.CommitTimeout, clock, logger);
        _sweep = new DecisionSweep(_shards, SchemaAsync, () => Cluster);
        Commits.Abandoned = _recoverer.Abandon;
        routing.Directory.Grew += OnGrew;
    }

    public DatabaseCommits Commits { get; } = new();

    /// <summary>By index.</summary>
    public IReadOnlyList<RecoveryShard> Shards => _shards;

    /// <summary>Prepared transactions of this database as recovery has found them last.</summary>
    public IReadOnlyList<Unfinished> Unfinished => _recoverer.Unfinished;

    private string Cluster => _routing.Directory.Snapshot.Cluster;

    /// <summary>In the background. A database with one shard needs nothing and is left as it is.</summary>
    public void Start()
    {
        lock (_starting)
        {
            if (_shards.Count > 1)
                _background ??= Task.WhenAll(Task.Run(() => _recoverer.RunAsync(_stop.Token)), Task.Run(TendAsync));
        }
    }

    /// <summary>A shard has joined: what stands prepared there is looked for, and it is readied for such transactions.</summary>
    private void OnGrew()
    {
        _shards.Follow(_routing.Directory.Shards);
        Start();
        foreach (var shard in _shards)
        {
            if (Commits.SupportOf(shard.Index) is null)
                _ = Task.Run(() => PrepareAsync(shard.Index, _stop.Token));
        }
    }

    /// <summary>Asks the shard what it has, and makes what it lacks; a shard that cannot be reached stays as it was known.</summary>
    public async Task PrepareAsync(int shard, CancellationToken cancel)
    {
        try
        {
            var support = await _shards[shard].RunAsync(CommitPreparation.RunAsync, cancel);
            if (Commits.SupportOf(shard) != support)
            {
                if (support.Problem is { } problem)
                    CannotDecide(_shards[shard].Name, problem);
                if (!support.CanPrepare)
                    CannotPrepare(_shards[shard].Name);
            }
            Commits.Learn(shard, support);
        }
        catch (SqlException exception)
        {
            NotAsked(_shards[shard].Name, exception.Message);
        }
    }

    /// <summary>See <see cref="Sessions.IDatabaseControl.DecideAsync"/>.</summary>
    public async Task<CommitDecision> DecideAsync(int shard, string id, TimeSpan patience)
    {
        using var limit = Limit(patience);
        while (true)
        {
            try
            {
                if (await SchemaAsync(_shards[shard], limit.Token) is not { } schema)
                    throw new SqlException(SqlStates.ObjectNotInPrerequisiteState, $"shard \"{_shards[shard].Name}\" has no table for decisions");
                // A cancelled command waits for its server, which may be what does not answer.
                return await _shards[shard].RunAsync((connection, token) => DecisionTable.DecideAsync(connection, schema, id, token), limit.Token).WaitAsync(limit.Token);
            }
            catch (Exception) when (limit.IsCancellationRequested)
            {
                return CommitDecision.Unknown;
            }
            catch (SqlException)
            {
                await Task.Delay(RetryInterval, _clock, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>See <see cref="Sessions.IDatabaseControl.FinishAsync"/>.</summary>
    public async Task<bool> FinishAsync(GlobalTransactionId transaction, TimeSpan patience)
    {
        using var limit = Limit(patience);
        try
        {
            await _recoverer.WhenFinishedAsync(transaction.Id, limit.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _routing.Directory.Grew -= OnGrew;
        await _stop.CancelAsync();
        await (_background ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var shard in _shards)
            await shard.DisposeAsync();
        _recoverer.Dispose();
        _stop.Dispose();
    }

    private async Task<string?> SchemaAsync(RecoveryShard shard, CancellationToken cancel)
    {
        if (Commits.SupportOf(shard.Index)?.Schema is { } known)
            return known;
        await PrepareAsync(shard.Index, cancel);
        return Commits.SupportOf(shard.Index)?.Schema;
    }

    private async Task TendAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await Task.WhenAll(_shards
                    .Where(shard => Commits.SupportOf(shard.Index) is not { CanPrepare: true, Schema: not null })
                    .Select(shard => PrepareAsync(shard.Index, _stop.Token)));
                await _sweep.RunAsync(_stop.Token);
            }
            catch (SqlException)
            {
                // Recovery says which shard does not answer.
            }
            catch (Exception exception) when (!_stop.IsCancellationRequested)
            {
                SweepBroke(exception);
            }
            await Task.Delay(SweepInterval, _clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private CancellationTokenSource Limit(TimeSpan patience)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(patience);
        return limit;
    }

    [LoggerMessage(EventId = 7301, Level = LogLevel.Warning, Message = "shard {Shard} allows no prepared transactions, so no transaction can write there and on another such shard: set max_prepared_transactions")]
    private partial void CannotPrepare(string shard);

    [LoggerMessage(EventId = 7302, Level = LogLevel.Warning, Message = "shard {Shard} cannot decide transactions over several shards: {Reason}")]
    private partial void CannotDecide(string shard, string reason);

    [LoggerMessage(EventId = 7303, Level = LogLevel.Warning, Message = "shard {Shard} could not be asked about transactions over several shards: {Reason}")]
    private partial void NotAsked(string shard, string reason);

    [LoggerMessage(EventId = 7304, Level = LogLevel.Error, Message = "removing old decisions broke")]
    private partial void SweepBroke(Exception exception);
}
