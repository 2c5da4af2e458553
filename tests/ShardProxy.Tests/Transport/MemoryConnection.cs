using ShardProxy.Transport;

namespace ShardProxy.Tests.Transport;

/// <summary>
/// One end of an in-memory byte stream that keeps the contract of <see cref="Connection"/>: bounded room in each
/// direction, partial sends, readiness bits, half-close. Both ends live on one loop.
/// </summary>
public sealed class MemoryConnection : Connection
{
    private readonly Queue<byte> _incoming = new();
    private readonly int _capacity;
    private EventLoop _loop;
    private MemoryConnection _peer = null!;
    private bool _disposed;
    private bool _incomingEnded;

    private MemoryConnection(EventLoop loop, string remoteName, int capacity)
    {
        _loop = loop;
        _capacity = capacity;
        RemoteName = remoteName;
        Ready = Readiness.Writable;
    }

    /// <param name="capacity">Bytes that one direction holds before a send would block.</param>
    public static (MemoryConnection First, MemoryConnection Second) CreatePair(EventLoop loop, int capacity = 64 * 1024)
    {
        var first = new MemoryConnection(loop, "memory:second", capacity);
        var second = new MemoryConnection(loop, "memory:first", capacity);
        first._peer = second;
        second._peer = first;
        return (first, second);
    }

    /// <summary>Most bytes that one call moves, to break messages up; no limit by default.</summary>
    public int MaxPerCall { get; set; } = int.MaxValue;

    /// <summary>Calls of TryReceive and TrySend that a socket would have turned into a system call.</summary>
    public int Calls { get; private set; }

    /// <summary>Bytes sent by the peer and not received yet.</summary>
    public int Pending => _incoming.Count;

    public bool IsDisposed => _disposed;

    public override EventLoop Loop => _loop;

    public override string RemoteName { get; }

    public override int TryReceive(Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if ((Ready & Readiness.Readable) == 0 || buffer.IsEmpty)
            return 0;
        Calls++;
        var count = Math.Min(Math.Min(buffer.Length, MaxPerCall), _incoming.Count);
        for (var i = 0; i < count; i++)
            buffer[i] = _incoming.Dequeue();
        if (count > 0)
            _peer.Note(Readiness.Writable);
        if (_incoming.Count == 0 && !_incomingEnded)
            Ready &= ~Readiness.Readable;
        return count == 0 && _incomingEnded ? -1 : count;
    }

    public override int TrySend(ReadOnlySpan<byte> data)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if ((Ready & Readiness.Writable) == 0 || data.IsEmpty)
            return 0;
        Calls++;
        if (_peer._disposed)
            return -1;
        var room = _capacity - _peer._incoming.Count;
        var count = Math.Min(Math.Min(data.Length, MaxPerCall), room);
        foreach (var b in data[..count])
            _peer._incoming.Enqueue(b);
        if (count == room)
            Ready &= ~Readiness.Writable;
        if (count > 0)
            _peer.Note(Readiness.Readable);
        return count;
    }

    public override void MoveTo(EventLoop loop)
    {
        if (Signal is not null)
            throw new InvalidOperationException("A connection that someone waits on cannot change its loop.");
        _loop = loop;
    }

    public override void ShutdownSend() => _peer.End();

    /// <summary>Everything that was sent to this end and not received yet, taken out.</summary>
    public byte[] TakePending()
    {
        var bytes = _incoming.ToArray();
        _incoming.Clear();
        Ready &= ~Readiness.Readable;
        _peer.Note(Readiness.Writable);
        return bytes;
    }

    protected override void Dispose(bool disposing)
    {
        if (_disposed)
            return;
        _disposed = true;
        Signal = null;
        _peer.End();
        _peer.Note(Readiness.Readable | Readiness.Writable);
    }

    private void End()
    {
        _incomingEnded = true;
        PeerClosed = true;
        Note(Readiness.Readable);
    }

    private void Note(Readiness bits)
    {
        Ready |= bits;
        if ((bits & Interest) != 0)
            Signal?.Set();
    }
}
