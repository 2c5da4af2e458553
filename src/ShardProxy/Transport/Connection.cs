namespace ShardProxy.Transport;

/// <summary>
/// A byte stream bound to one <see cref="EventLoop"/>: plain TCP, a Unix-domain socket, or TLS over either.
/// Nothing here blocks and nothing here waits: the user tries, and when it cannot go on it sets
/// <see cref="Interest"/> and waits on its <see cref="LoopSignal"/>, which several connections may share. All members
/// are called on the loop's thread only, except <see cref="MoveTo"/>.
/// </summary>
public abstract class Connection : IDisposable
{
    /// <summary>The loop that serves this connection; changes only by <see cref="MoveTo"/>.</summary>
    public abstract EventLoop Loop { get; }

    /// <summary>Who is woken when something in <see cref="Interest"/> becomes ready.</summary>
    public LoopSignal? Signal { get; set; }

    /// <summary>What wakes the signal. Stays set until it is changed; set before waiting.</summary>
    public Readiness Interest { get; set; }

    /// <summary>What is ready now as far as the loop knows. A cleared bit means a try would block.</summary>
    public Readiness Ready { get; protected set; }

    /// <summary>The peer has shut down or the connection failed, although bytes may still be there to receive.</summary>
    public bool PeerClosed { get; protected set; }

    /// <summary>"127.0.0.1:5441" or a socket's path; for messages and logs.</summary>
    public abstract string RemoteName { get; }

    /// <summary>Receives at most <paramref name="buffer"/>.Length bytes: their count; 0 when it would block; -1 at the end of the stream or when the peer reset it.</summary>
    public abstract int TryReceive(Span<byte> buffer);

    /// <summary>Sends what the socket takes now: the count, 0 when it would block, -1 when the connection is broken.</summary>
    public abstract int TrySend(ReadOnlySpan<byte> data);

    /// <summary>Binds an idle connection (no signal, nothing pending) to another loop. Any thread; the caller owns the connection alone.</summary>
    public abstract void MoveTo(EventLoop loop);

    /// <summary>Half-close of the sending side, where the transport has one.</summary>
    public virtual void ShutdownSend()
    {
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}
