using System.Globalization;
using Microsoft.Extensions.Logging;
using ShardProxy.Control.Recovery;
using ShardProxy.Control.Shards;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.Control.Deadlocks;

/// <summary>
/// Finds deadlocks that no single shard can see. While nothing waits long in a transaction over several shards it only
/// looks at the sessions, now and then; else it asks all shards who waits for whom, and a circle that is found twice ends
/// with 40P01 for its youngest transaction, which its own proxy cancels.
/// </summary>
internal sealed partial class DeadlockWatch(
    Database database, IReadOnlyList<RecoveryShard> shards, DatabaseCommits commits, Func<IEnumerable<Session>> sessions, TimeProvider clock, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>A shard that does not answer leaves the graph to the next look.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly WaitingSessions _waiting = new(database, sessions, clock);
    private readonly string _proxy = Guid.NewGuid().ToString("N");
    private readonly CancellationTokenSource _stop = new();
    private Task _background = Task.CompletedTask;
    private string? _suspect;
    private bool _hasTable;

    /// <summary>With one shard, as long as there is no other, nothing is ever found and nothing asked.</summary>
    public void Start() => _background = Task.Run(RunAsync);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _background.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(Interval, clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                await LookAsync();
            }
            catch (SqlException exception)
            {
                Unanswered(exception.Message);
            }
            catch (Exception exception) when (!_stop.IsCancellationRequested)
            {
                Broke(exception);
            }
            catch (OperationCanceledException)
            {
                // Stopping.
            }
        }
    }

    private async Task LookAsync()
    {
        if (shards.Count == 1)
            return;
        var waiting = _waiting.Find();
        if (waiting.Count == 0 || commits.SupportOf(Database.HomeShard)?.Schema is not { } schema)
        {
            _suspect = null;
            return;
        }
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(Patience);
        var home = shards[Database.HomeShard];
        if (!_hasTable)
            _hasTable = await home.RunAsync((connection, token) => WaitTable.CreateAsync(connection, schema, token), limit.Token);
        var told = waiting.SelectMany(each => each.Processes.Select(process => (KeyOf(each.Session, each.Transaction), AgeOf(each.Transaction), process))).ToList();
        var transactions = await home.RunAsync((connection, token) => WaitTable.ExchangeAsync(connection, schema, _proxy, told, token), limit.Token);
        var waits = await Task.WhenAll(shards.Select(shard => shard.RunAsync((connection, token) => WaitTable.WaitsAsync(connection, shard.Name, token), limit.Token)));
        var circle = new WaitGraph(transactions, waits.SelectMany(static each => each)).FindCircle();
        // The shards were not asked in one moment: only what stands the next time too was there at all.
        var suspect = circle is null ? null : string.Join(' ', circle);
        if (circle is not null && suspect == _suspect)
        {
            foreach (var (session, transaction, _) in waiting)
            {
                if (KeyOf(session, transaction) == circle[0])
                    Cancel(session, transaction, circle.Count);
            }
        }
        _suspect = suspect;
    }

    private void Cancel(Session session, long transaction, int count)
    {
        Found(database.Config.Name, count, session.Id);
        var error = new ServerError(SqlStates.DeadlockDetected, "deadlock detected")
        {
            Detail = string.Create(CultureInfo.InvariantCulture, $"{count} transactions over several shards wait for each other; this one is the youngest."),
            Hint = "Try the transaction again. See the proxy's log for details.",
        };
        session.Post(each =>
        {
            if (each.Transaction.StartedAt == transaction)
                each.CancelBecause(error);
        });
    }

    private string KeyOf(Session session, long transaction) => string.Create(CultureInfo.InvariantCulture, $"{_proxy}/{session.Id}/{transaction}");

    private static TimeSpan AgeOf(long transaction) => TimeSpan.FromMilliseconds(Environment.TickCount64 - transaction);

    [LoggerMessage(EventId = 7401, Level = LogLevel.Information, Message = "database {Database}: a deadlock of {Count} transactions over several shards; session {Session} is cancelled")]
    private partial void Found(string database, int count, int session);

    [LoggerMessage(EventId = 7402, Level = LogLevel.Debug, Message = "deadlocks over shards cannot be looked for: {Reason}")]
    private partial void Unanswered(string reason);

    [LoggerMessage(EventId = 7403, Level = LogLevel.Error, Message = "looking for deadlocks over shards broke")]
    private partial void Broke(Exception exception);
}
