using ShardProxy.Directory.Lookup;

namespace ShardProxy.Sessions;

/// <summary>
/// One session's part in the moves of keys. Who moves a key waits for the transactions that were at its shard when the move was
/// announced: those go on to reach it there, all others wait until it has moved. Only on the session's loop.
/// </summary>
public sealed class MoveFence
{
    private long _seen;
    private long _busy;
    private long _transaction;
    private long _unit;
    private bool _isInBlock;

    /// <summary>The session begins: whatever it does comes after the moves that are announced by now.</summary>
    public void Begin(Session session) => _seen = Math.Max(_seen, session.Database.Routing.Directory.MoveNumber);

    /// <summary>Whether something under way may be at the shard since before the move; asked once for each move.</summary>
    public bool Watch(Session session, int shard, long number)
    {
        _seen = Math.Max(_seen, number);
        if (!IsBusy(session, shard))
            return false;
        _busy = number;
        _transaction = session.Transaction.Number;
        _unit = session.UnitsDone;
        _isInBlock = session.Transaction.IsOpen;
        return true;
    }

    /// <summary>Whether what <see cref="Watch"/> saw is still under way.</summary>
    public bool IsWatched(Session session, int shard)
    {
        var same = _isInBlock
            ? session.Transaction.IsOpen && session.Transaction.Number == _transaction
            : session.UnitsDone == _unit;
        if (same && IsBusy(session, shard))
            return true;
        _busy = 0;
        return false;
    }

    /// <summary>The session's transaction was at the key's old shard before the move, which waits for it: the key is still there.</summary>
    public bool LetsThrough(Session session, KeyMove move, int shard) =>
        session.Transaction.IsOpen
        && session.Servers.HasJoined(shard)
        && (_seen < move.Number || (_busy >= move.Number && session.Transaction.Number == _transaction));

    private static bool IsBusy(Session session, int shard) =>
        session.Servers.Held(shard) is { } server
        && ((session.Transaction.IsOpen && session.Servers.HasJoined(shard)) || !server.Ledger.IsEmpty || server.NeedsSync || !server.Channel.Output.IsEmpty);
}
