using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport.Epoll;

/// <summary>
/// A non-blocking stream socket on an <see cref="EpollEventLoop"/>; owns the descriptor.
/// </summary>
/// <remarks>
/// Invariant: a cleared bit of <see cref="Connection.Ready"/> means that the kernel owes an event for it, because the last
/// call ran into the end of what the socket had (it answered EAGAIN or moved fewer bytes than asked; epoll(7), "Questions
/// and answers", 9), or that the loop resumes the connection in its next turn. After a hang-up no further event is owed, so
/// the bits then stay set and each try asks the kernel.
/// </remarks>
internal sealed unsafe class EpollConnection : NativeConnection, IEpollTarget
{
    private EpollEventLoop _loop;
    private ulong _registration;
    private bool _disposed;

    /// <param name="ready">What to assume before the first event; both bits for a connected socket, none for one that is connecting.</param>
    internal EpollConnection(EpollEventLoop loop, int fd, string remoteName, Readiness ready)
        : base(fd, remoteName)
    {
        _loop = loop;
        Ready = ready;
        _registration = loop.Attach(fd, this);
    }

    public override EventLoop Loop => _loop;

    public override int TryReceive(Span<byte> buffer)
    {
        if ((Ready & Readiness.Readable) == 0 || buffer.IsEmpty || !MayReceive(_loop))
            return 0;
        ObjectDisposedException.ThrowIf(_disposed, this);
        fixed (byte* pointer = buffer)
        {
            for (var attempt = 0; ; attempt++)
            {
                var count = LibC.Receive(Descriptor, pointer, (nuint)buffer.Length, Flags);
                if (count > 0)
                {
                    if (count < buffer.Length && !PeerClosed)
                        Ready &= ~Readiness.Readable;
                    NoteReceived((int)count);
                    return (int)count;
                }
                if (count == 0)
                {
                    PeerClosed = true;
                    return -1;
                }
                // After a hang-up there is the end to receive at least, so then this is no "try again".
                if (WouldBlock() && !PeerClosed)
                {
                    Ready &= ~Readiness.Readable;
                    return 0;
                }
                if (attempt == MaxAttempts)
                    return Break();
            }
        }
    }

    public override int TrySend(ReadOnlySpan<byte> data)
    {
        if ((Ready & Readiness.Writable) == 0 || data.IsEmpty)
            return 0;
        ObjectDisposedException.ThrowIf(_disposed, this);
        fixed (byte* pointer = data)
        {
            for (var attempt = 0; ; attempt++)
            {
                var count = LibC.Send(Descriptor, pointer, (nuint)data.Length, Flags);
                if (count >= 0)
                {
                    if (count < data.Length)
                        Ready &= ~Readiness.Writable;
                    return (int)count;
                }
                if (WouldBlock())
                {
                    Ready &= ~Readiness.Writable;
                    return 0;
                }
                if (attempt == MaxAttempts)
                    return Break();
            }
        }
    }

    public override void MoveTo(EventLoop loop)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Signal is not null)
            throw new InvalidOperationException("A connection that someone waits on cannot change its loop.");
        if (ReferenceEquals(loop, _loop))
            return;
        var target = (EpollEventLoop)loop;
        _loop.Detach(Descriptor, _registration);
        _registration = EpollEventLoop.NotAttached;
        _loop = target;
        ForgetTurn();
        Interest = Readiness.None;
        // Whatever was noted on the old loop may be out of date; a try finds out.
        Ready = Readiness.Readable | Readiness.Writable;
        _registration = target.Attach(Descriptor, this);
    }

    public override void ShutdownSend()
    {
        if (!_disposed)
            _ = LibC.Shutdown(Descriptor, SocketConstants.ShutdownWrite);
    }

    void IEpollTarget.OnEvents(uint mask)
    {
        var ready = Ready;
        if ((mask & (EpollEvents.PeerHangUp | EpollEvents.HangUp | EpollEvents.Error)) != 0)
        {
            PeerClosed = true;
            ready |= Readiness.Readable;
            // A half-closed peer may still take bytes, as room comes; an error or a full hang-up answers at once.
            if ((mask & (EpollEvents.HangUp | EpollEvents.Error)) != 0)
                ready |= Readiness.Writable;
        }
        if ((mask & EpollEvents.In) != 0)
            ready |= Readiness.Readable;
        if ((mask & EpollEvents.Out) != 0)
            ready |= Readiness.Writable;
        Ready = ready;
        if ((ready & Interest) != 0)
            Signal?.Set();
    }

    void IEpollTarget.OnLoopStopped() => Dispose();

    protected override void Dispose(bool disposing)
    {
        if (_disposed)
            return;
        _disposed = true;
        _loop.Detach(Descriptor, _registration);
        NativeSocket.Close(Descriptor);
        Signal = null;
        PeerClosed = true;
        Ready = Readiness.Readable | Readiness.Writable;
    }

    private int Break()
    {
        PeerClosed = true;
        Ready = Readiness.Readable | Readiness.Writable;
        return -1;
    }
}
