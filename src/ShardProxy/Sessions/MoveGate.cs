using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions;

/// <summary>
/// Keeps one session's statements over several shards, and its transactions that keep one snapshot, apart from moves of keys:
/// each has all of its snapshots either before the rows of a key are moved or after that. Who moves a key shuts the gate of every
/// session just before, and waits for those that are inside; who comes to a shut gate waits until the key has moved. Only on the
/// session's loop.
/// </summary>
/// <remarks>It begins shut for all moves that are announced: a session that was never asked is not inside.</remarks>
public sealed class MoveGate(Session session)
{
    /// <summary>Longer than who moves a key waits for what is in its way.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    private long _shutUpTo = session.Database.Routing.Directory.MoveNumber;
    private bool _isInside;
    private bool _stays;
    private bool _isInBlock;
    private long _number;

    /// <summary>What is inside is over with its block, with its unit of work, or when it says so.</summary>
    public bool IsInside =>
        _isInside && (_isInBlock ? session.Transaction.IsOpen && session.Transaction.Number == _number : session.UnitsDone == _number);

    /// <summary>Rows of the moves up to a number are about to go over.</summary>
    public void Shut(long number) => _shutUpTo = Math.Max(_shutUpTo, number);

    /// <summary>Before the first shard is asked for anything; waits while a key moves.</summary>
    /// <param name="stays">Inside until its block or unit of work ends: it writes or locks rows, or its snapshots are kept.</param>
    /// <exception cref="SqlErrorException">The move takes too long.</exception>
    public async ValueTask EnterAsync(bool stays)
    {
        var began = Environment.TickCount64;
        while (!IsInside && IsShut())
        {
            session.ThrowIfOver();
            if (Environment.TickCount64 - began > Patience.TotalMilliseconds)
                throw new SqlErrorException(SqlStates.LockNotAvailable, "a key is being moved to another shard, and the statement needs both", "Try again.");
            await Task.Delay(Interval);
        }
        _stays = stays || (_stays && IsInside);
        _isInside = true;
        _isInBlock = session.Transaction.IsOpen;
        _number = _isInBlock ? session.Transaction.Number : session.UnitsDone;
    }

    /// <summary>The statement has all the snapshots that it will take, and needs nothing else to stand still.</summary>
    public void Leave() => _isInside &= _stays;

    private bool IsShut()
    {
        var moves = session.Database.Routing.Directory.Moves;
        for (var index = 0; index < moves.Count; index++)
        {
            if (moves[index].Number <= _shutUpTo)
                return true;
        }
        return false;
    }
}
