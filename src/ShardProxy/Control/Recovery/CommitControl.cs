using Microsoft.Extensions.Logging;
using ShardProxy.Catalog;
using ShardProxy.Configuration;
using ShardProxy.Control.Routing;
using ShardProxy.Control.Shards;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.Control.Recovery;

/// <summary>The control side of transactions over several shards of one database: readies the shards for them and finishes what sessions cannot.</summary>
internal sealed partial class CommitControl : IAsyncDisposable
{
    private readonly DatabaseRouting _routing;
    private readonly RecoveryShard[] _shards;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private Task _background = Task.CompletedTask;

    public CommitControl(DatabaseConfig database, LimitsConfig limits, DatabaseRouting routing, TimeProvider clock, ILogger logger)
    {
        _routing = routing;
        _clock = clock;
        _logger = logger;
        _shards = [.. database.Shards.Select((shard, index) =>
            new RecoveryShard(index, shard, limits, () => new Stamp(Cluster, database.Name, shard.Name)))];
    }

    public DatabaseCommits Commits { get; } = new();

    private string Cluster => _routing.Directory.Snapshot.Cluster;

    /// <summary>Readies the shards, in the background. A database with one shard needs nothing and is left as it is.</summary>
    public void Start()
    {
        if (_shards.Length > 1)
            _background = Task.Run(() => Task.WhenAll(_shards.Select(shard => PrepareAsync(shard.Index, _stop.Token))), CancellationToken.None);
    }

    /// <summary>Asks the shard what it has, and makes what it lacks; a shard that cannot be reached stays unknown.</summary>
    public async Task PrepareAsync(int shard, CancellationToken cancel)
    {
        try
        {
            var support = await _shards[shard].RunAsync(CommitPreparation.RunAsync, cancel);
            Commits.Learn(shard, support);
            if (support.Problem is { } problem)
                CannotDecide(_shards[shard].Name, problem);
            else if (!support.CanPrepare)
                CannotPrepare(_shards[shard].Name);
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
                return await DecideOnceAsync(shard, id, limit.Token);
            }
            catch (Exception) when (limit.IsCancellationRequested)
            {
                return CommitDecision.Unknown;
            }
            catch (SqlException)
            {
                if (!await PauseAsync(limit.Token))
                    return CommitDecision.Unknown;
            }
        }
    }

    /// <summary>See <see cref="Sessions.IDatabaseControl.FinishAsync"/>.</summary>
    public async Task<bool> FinishAsync(GlobalTransactionId transaction, TimeSpan patience)
    {
        using var limit = Limit(patience);
        while (true)
        {
            try
            {
                foreach (var shard in _shards)
                    await FinishOnAsync(shard, transaction, limit.Token);
                return true;
            }
            catch (Exception) when (limit.IsCancellationRequested)
            {
                return false;
            }
            catch (SqlException)
            {
                if (!await PauseAsync(limit.Token))
                    return false;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _background.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var shard in _shards)
            await shard.DisposeAsync();
        _stop.Dispose();
    }

    private async Task<CommitDecision> DecideOnceAsync(int shard, string id, CancellationToken cancel)
    {
        if (Commits.SupportOf(shard)?.Schema is null)
            await PrepareAsync(shard, cancel);
        return Commits.SupportOf(shard) is { Schema: { } schema }
            ? await _shards[shard].RunAsync((connection, token) => DecisionTable.DecideAsync(connection, schema, id, token), cancel)
            : throw new SqlException("55000", $"shard \"{_shards[shard].Name}\" has no table for decisions");
    }

    private async Task<int> FinishOnAsync(RecoveryShard shard, GlobalTransactionId transaction, CancellationToken cancel) =>
        await shard.RunAsync(
            async (connection, token) =>
            {
                var parts = await PreparedPart.FindAsync(connection, Cluster, token);
                parts.RemoveAll(part => part.Transaction != transaction);
                if (parts.Count == 0)
                    return 0;
                var decider = Array.Find(_shards, other => other.Name == transaction.Decider)
                    ?? throw new SqlException("55000", $"there is no shard \"{transaction.Decider}\"");
                var decision = await DecideOnceAsync(decider.Index, transaction.Id, token);
                foreach (var part in parts)
                    await part.FinishAsync(connection, decision == CommitDecision.Committed, token);
                return parts.Count;
            },
            cancel);

    private CancellationTokenSource Limit(TimeSpan patience)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(patience);
        return limit;
    }

    private async Task<bool> PauseAsync(CancellationToken cancel)
    {
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), _clock, cancel);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    [LoggerMessage(EventId = 7301, Level = LogLevel.Warning, Message = "shard {Shard} allows no prepared transactions, so transactions can write on it and another one only if that is the other's only lack: set max_prepared_transactions there")]
    private partial void CannotPrepare(string shard);

    [LoggerMessage(EventId = 7302, Level = LogLevel.Warning, Message = "shard {Shard} cannot decide transactions over several shards: {Reason}")]
    private partial void CannotDecide(string shard, string reason);

    [LoggerMessage(EventId = 7303, Level = LogLevel.Warning, Message = "shard {Shard} could not be asked about transactions over several shards: {Reason}")]
    private partial void NotAsked(string shard, string reason);
}
