using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Sessions;

namespace ShardProxy.Control.Lookups;

/// <summary>
/// Waits until the transactions that were at the shard of a key when its move was announced are over. What comes after is routed
/// by the announcement, so once they are, no statement of this proxy is at the key's rows by the key, or on its way to them. Then
/// the gates of statements over several shards are shut, and those that are inside waited for.
/// </summary>
internal sealed class MoveDrain(DatabaseDirectory directory, Func<RoutingState> routing, Action drained)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    private readonly Lock _lock = new();
    private long _started;
    private long _number;

    public Func<IEnumerable<Session>> Sessions { get; set; } = static () => [];

    /// <summary>Of the last move that is waited for no more.</summary>
    public long Number => Interlocked.Read(ref _number);

    /// <summary>Called when every loop routes by the directory as it is.</summary>
    public void Start()
    {
        var number = routing().Directory.MoveNumber;
        lock (_lock)
        {
            if (number <= _started)
                return;
            _started = number;
        }
        _ = Task.Run(() => RunAsync(number));
    }

    /// <returns>False when transactions were still in the way when the time was up.</returns>
    public async Task<bool> WaitAsync(long number, TimeSpan patience)
    {
        var began = Environment.TickCount64;
        while (Number < number)
        {
            if (Environment.TickCount64 - began > patience.TotalMilliseconds)
                return false;
            await Task.Delay(Interval);
        }
        return true;
    }

    private async Task RunAsync(long number)
    {
        foreach (var shard in Shards())
        {
            var watched = await Ask(Sessions(), session => session.MoveFence.Watch(session, shard, number));
            while (watched.Count > 0 && directory.Content.Moves.Any(move => move.Number <= number))
            {
                await Task.Delay(Interval);
                watched = await Ask(watched, session => session.MoveFence.IsWatched(session, shard));
            }
        }
        // From here on what spans shards waits for the move; what is inside already has its snapshots first.
        var inside = await Ask(Sessions(), session => Shut(session, number));
        while (inside.Count > 0 && directory.Content.Moves.Any(move => move.Number <= number))
        {
            await Task.Delay(Interval);
            inside = await Ask(inside, static session => session.MoveGate.IsInside);
        }
        lock (_lock)
            _number = Math.Max(_number, number);
        drained();
    }

    // Whoever has no gate yet gets one that is shut.
    private static bool Shut(Session session, long number)
    {
        session.MoveGateIfAny?.Shut(number);
        return session.MoveGateIfAny is { IsInside: true };
    }

    /// <summary>Where keys that are moved come from.</summary>
    private HashSet<int> Shards()
    {
        var snapshot = directory.Snapshot;
        var shards = new HashSet<int>();
        foreach (var move in snapshot.Moves)
        {
            if (snapshot.Groups.Values.Select(static group => group.Rule).OfType<LookupRule>().FirstOrDefault(rule => rule.Id == move.Group) is { } rule)
                shards.Add(snapshot.ShardOfBucket(rule.Slots[move.From]));
        }
        return shards;
    }

    private static async Task<List<Session>> Ask(IEnumerable<Session> sessions, Func<Session, bool> question) =>
        [.. (await SessionQuestions.AskAsync<bool>(sessions, session => question(session) ? true : null)).Keys];
}
