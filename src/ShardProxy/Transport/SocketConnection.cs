namespace ShardProxy.Transport;

/// <summary>
/// A stream socket on a <see cref="ThreadLoop"/>, whatever the engine. What it may receive in one turn of the loop is bounded, so that a
/// session that always finds more to do (a large result, a client that sends without end) lets the others have their turn:
/// a try beyond that finds nothing, and the loop wakes the waiter in its next turn.
/// </summary>
internal abstract class SocketConnection : Connection
{
    /// <summary>Bytes per turn: at the 10 GB/s that a core copies at, a fraction of a millisecond.</summary>
    internal const int MaxBytesPerTurn = 512 * 1024;

    /// <summary>Receives per turn: each may bring a buffer full of small statements.</summary>
    internal const int MaxReceivesPerTurn = 16;

    private int _turn;
    private int _bytes;
    private byte _receives;
    private bool _resting;

    /// <summary>What was held back comes in the loop's next turn. Loop's thread, with its lock.</summary>
    internal void Resume()
    {
        _resting = false;
        Ready |= Readiness.Readable;
        if ((Interest & Readiness.Readable) != 0)
            Signal?.Set();
    }

    /// <summary>Whether this turn's share is not used up. If it is, the readable bit is cleared until the next turn.</summary>
    private protected bool MayReceive(ThreadLoop loop)
    {
        if (_turn != loop.Turn)
        {
            _turn = loop.Turn;
            _bytes = 0;
            _receives = 0;
            return true;
        }
        if (_bytes < MaxBytesPerTurn && _receives < MaxReceivesPerTurn)
            return true;
        Ready &= ~Readiness.Readable;
        if (!_resting)
        {
            _resting = true;
            loop.Rest(this);
        }
        return false;
    }

    private protected void NoteReceived(int count)
    {
        _bytes += count;
        _receives++;
    }

    /// <summary>It goes to another loop, whose turns count anew.</summary>
    private protected void ForgetTurn()
    {
        _turn = 0;
        _resting = false;
    }
}
