using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Pooling;

/// <summary>
/// One session's place in a pool's queue: a session owns one and uses it again for every wait, so that waiting allocates
/// nothing. The pool answers once, under its lock, and sets the session's signal; the session takes the answer on its loop,
/// and with it the connection to its loop.
/// </summary>
public sealed class LeaseRequest
{
    private ServerConnection? _granted;
    private ServerError? _failure;

    public LeaseRequest(LoopSignal signal) => Signal = signal;

    public LoopSignal Signal { get; }

    /// <summary>How many connections of other shards the session holds while it asks; does not change while it waits.</summary>
    public int Held { get; set; }

    internal bool IsQueued { get; set; }

    internal LeaseRequest? Next { get; set; }

    internal LeaseRequest? Previous { get; set; }

    /// <summary>Environment.TickCount64 when it joined the queue.</summary>
    internal long Since { get; set; }

    /// <summary>Takes the answer out, if there is one: a connection that is now this session's, or why there will be none.</summary>
    public bool TryTake(out ServerConnection? server, out ServerError? failure)
    {
        failure = Volatile.Read(ref _failure);
        server = Volatile.Read(ref _granted);
        if (server is null && failure is null)
            return false;
        _granted = null;
        _failure = null;
        if (server is not null && !server.TryMoveTo(Signal.Loop))
        {
            failure = new ServerError(SqlStates.CannotConnect, $"a connection to {server.Pool.Title} could not be moved to another thread");
            server = null;
        }
        return true;
    }

    internal void Grant(ServerConnection server) => Volatile.Write(ref _granted, server);

    internal void Fail(ServerError failure) => Volatile.Write(ref _failure, failure);
}
