using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.Control.Recovery;

/// <summary>
/// Finishes what sessions have left, of this proxy or of one that is no more: looks for prepared parts on every shard,
/// asks their deciding shard, and commits or rolls back. Every proxy runs one, at its start, every few seconds, and at
/// once when a session asks. It knows nothing but what the shards say, so any of them can do it for any other.
/// </summary>
internal sealed partial class Recoverer(
    IReadOnlyList<RecoveryShard> shards, DatabaseCommits commits, DeciderVisit visit, Func<string> cluster, TimeSpan commitTimeout, TimeProvider clock, ILogger logger)
    : IDisposable
{
    /// <summary>What another proxy has prepared so recently is probably being committed by it. Not a matter of correctness: who is wrong only rolls it back.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>How long a pass waits for its visits to deciding shards; those that take longer go on beside the next passes.</summary>
    private static readonly TimeSpan VisitPatience = TimeSpan.FromSeconds(3);

    /// <summary>Beyond the time that a session of this proxy gives its COMMIT: it holds the locks of all parts meanwhile.</summary>
    private static readonly TimeSpan InFlightExtra = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Busy = TimeSpan.FromMilliseconds(200);

    private readonly List<ShardListing> _listings = [];
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _awaited = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _abandoned = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string?> _told = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Task> _visits = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _nudge = new(0, 1);

    /// <summary>As the last pass found it.</summary>
    public IReadOnlyList<Unfinished> Unfinished { get; private set; } = [];

    /// <summary>A session of this proxy has let go of it: nobody is at work on it.</summary>
    public void Abandon(string id)
    {
        _abandoned[id] = true;
        Nudge();
    }

    /// <summary>Completes when every shard has said that no part of the transaction stands prepared any more.</summary>
    public async Task WhenFinishedAsync(string id, CancellationToken cancel)
    {
        var finished = _awaited.GetOrAdd(id, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        Nudge();
        try
        {
            await finished.Task.WaitAsync(cancel);
        }
        finally
        {
            _awaited.TryRemove(id, out _);
        }
    }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await PassAsync(stop);
                await _nudge.WaitAsync(_awaited.IsEmpty && Unfinished.Count == 0 ? Idle : Busy, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // Whatever it was, recovery must not end before the proxy does.
                Broke(exception);
                await Task.Delay(Idle, clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>When <see cref="RunAsync"/> has ended.</summary>
    public void Dispose() => _nudge.Dispose();

    private void Nudge()
    {
        try
        {
            if (_nudge.CurrentCount == 0)
                _nudge.Release();
        }
        catch (Exception exception) when (exception is SemaphoreFullException or ObjectDisposedException)
        {
            // Somebody else has, in the same moment; or the proxy ends.
        }
    }

    private async Task PassAsync(CancellationToken cancel)
    {
        var awaited = _awaited.ToArray();
        var abandoned = _abandoned.Keys.ToArray();
        while (_listings.Count < shards.Count)
            _listings.Add(new ShardListing(shards[_listings.Count], clock));
        var lists = await Task.WhenAll(_listings.Select(listing => listing.ReadAsync(cluster(), cancel)));
        var found = Recovery.Unfinished.Group(_listings.Zip(lists).SelectMany(static pair => pair.Second?.Select(part => (pair.First.Shard, part)) ?? []));
        var due = found.FindAll(each => IsDue(each, awaited));
        await VisitAsync(due, cancel);
        Tell(due);
        Unfinished = found.FindAll(static each => !each.IsFinished);
        if (!Array.TrueForAll(lists, static list => list is not null))
            return;
        foreach (var (id, finished) in awaited)
        {
            if (!Unfinished.Any(each => each.Transaction.Id == id))
                finished.TrySetResult();
        }
        foreach (var id in abandoned)
        {
            if (!Unfinished.Any(each => each.Transaction.Id == id))
                _abandoned.TryRemove(id, out _);
        }
    }

    // A decider that is silent keeps nobody from visiting the others.
    private async Task VisitAsync(List<Unfinished> due, CancellationToken cancel)
    {
        foreach (var group in due.GroupBy(static each => each.Transaction.Decider, StringComparer.Ordinal))
        {
            if (_visits.GetValueOrDefault(group.Key) is not { IsCompleted: false })
                _visits[group.Key] = visit.FinishAsync(group.Key, [.. group], cancel);
        }
        try
        {
            await Task.WhenAll(_visits.Values).WaitAsync(VisitPatience, cancel);
        }
        catch (TimeoutException)
        {
            foreach (var transaction in due)
                transaction.State ??= "a shard has not answered yet";
        }
        finally
        {
            foreach (var (decider, task) in _visits.ToArray())
            {
                if (task.IsCompleted)
                    _visits.Remove(decider);
            }
        }
    }

    private bool IsDue(Unfinished transaction, KeyValuePair<string, TaskCompletionSource>[] awaited)
    {
        var id = transaction.Transaction.Id;
        return Array.Exists(awaited, each => each.Key == id)
            || (commits.IsInFlight(id) ? commitTimeout > TimeSpan.Zero && transaction.Age >= commitTimeout + InFlightExtra : transaction.Age >= Grace || _abandoned.ContainsKey(id));
    }

    // Once for each thing that it waits for.
    private void Tell(List<Unfinished> due)
    {
        foreach (var transaction in due)
        {
            var id = transaction.Transaction.Id;
            if (transaction.IsFinished)
            {
                _told.Remove(id);
                Finished(id, transaction.State ?? "", transaction.ShardNames, transaction.Transaction.Decider);
            }
            else if (!_told.TryGetValue(id, out var told) || told != transaction.State)
            {
                _told[id] = transaction.State;
                Waits(id, transaction.ShardNames, transaction.Transaction.Decider, transaction.State ?? "");
            }
        }
        if (_told.Count > 10_000)
            _told.Clear();
    }

    [LoggerMessage(EventId = 7311, Level = LogLevel.Information, Message = "recovery: transaction {Id} was {Outcome} on {Shards}, as shard {Decider} has decided")]
    private partial void Finished(string id, string outcome, string shards, string decider);

    [LoggerMessage(EventId = 7312, Level = LogLevel.Warning, Message = "recovery: transaction {Id} is prepared on {Shards} and decided by shard {Decider}: {State}")]
    private partial void Waits(string id, string shards, string decider, string state);

    [LoggerMessage(EventId = 7313, Level = LogLevel.Error, Message = "recovery: a pass broke")]
    private partial void Broke(Exception exception);
}
