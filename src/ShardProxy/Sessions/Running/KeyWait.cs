using ShardProxy.Directory.Placements;
using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>Asks the directory for places of keys, and waits for those that are being moved.</summary>
internal static class KeyWait
{
    /// <summary>Longer than who moves a key waits for what is in its way.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    /// <exception cref="SqlErrorException">A place cannot be found out, or a key does not arrive.</exception>
    public static async ValueTask PlaceAsync(Session session, KeyPlaces places, bool mayPlace)
    {
        session.IsAskingForPlaces = true;
        try
        {
            await AskAsync(session, places, mayPlace);
        }
        finally
        {
            session.IsAskingForPlaces = false;
        }
    }

    private static async ValueTask AskAsync(Session session, KeyPlaces places, bool mayPlace)
    {
        var began = Environment.TickCount64;
        while (true)
        {
            // A transaction that a move waits for must not wait for the move.
            LetThrough(session, places);
            if (await session.Database.Control.PlaceKeysAsync(places, mayPlace))
                return;
            session.ThrowIfOver();
            if (Environment.TickCount64 - began > Patience.TotalMilliseconds)
                throw new SqlErrorException(SqlStates.LockNotAvailable, "a key of the statement is being moved to another shard", "Try again.");
            await Task.Delay(Interval);
        }
    }

    private static void LetThrough(Session session, KeyPlaces places)
    {
        var directory = session.Database.Routing.Directory;
        if (directory.Moves.Count == 0)
            return;
        foreach (var key in places.Wanted)
        {
            var rule = key.Placement.Rule;
            if (key.Bucket == KeyPlacement.Unknown && directory.MoveOf(rule.Id, key.Image) is { } move && move.From < rule.Slots.Count
                && session.MoveFence.LetsThrough(session, move, directory.ShardOfBucket(rule.Slots[move.From])))
            {
                key.Bucket = rule.Slots[move.From];
            }
        }
    }
}
