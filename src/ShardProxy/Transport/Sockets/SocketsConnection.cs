using System.Buffers;
using System.Net.Sockets;

namespace ShardProxy.Transport.Sockets;

/// <summary>
/// One of .NET's sockets on a <see cref="SocketsEventLoop"/>. Bytes move by non-blocking calls. When there is nothing to receive, an
/// empty receive waits without a buffer; when there is no room to send, a part is handed over to be sent later.
/// </summary>
/// <remarks>
/// Completions come on the runtime's threads and are posted to the loop that the connection has then; one that it has left
/// meanwhile passes them on. Invariant: a cleared bit of <see cref="Connection.Ready"/> means that an operation is under way for it, or that the
/// loop resumes the connection in its next turn.
/// </remarks>
internal sealed class SocketsConnection : SocketConnection
{
    /// <summary>Bytes taken at most when the socket has no room.</summary>
    private const int MaxPending = 64 * 1024;

    /// <summary>How long a closed connection's last bytes may wait for the peer to read.</summary>
    private static readonly TimeSpan MaxLinger = TimeSpan.FromSeconds(2);

    private readonly Socket _socket;
    private volatile SocketsEventLoop _loop;
    private SocketAsyncEventArgs? _receive;
    private SocketAsyncEventArgs? _send;
    private byte[]? _pending;
    private bool _isWaiting;
    private bool _broken;
    private bool _ended;
    private bool _shutdownWhenSent;
    private bool _disposed;

    internal SocketsConnection(SocketsEventLoop loop, Socket socket, string remoteName)
    {
        _socket = socket;
        _loop = loop;
        RemoteName = remoteName;
        try
        {
            socket.Blocking = false;
            if (socket.ProtocolType == ProtocolType.Tcp)
            {
                socket.NoDelay = true;
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            }
            loop.Add(this);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        Ready = Readiness.Readable | Readiness.Writable;
    }

    public override EventLoop Loop => _loop;

    public override string RemoteName { get; }

    public override int TryReceive(Span<byte> buffer)
    {
        if ((Ready & Readiness.Readable) == 0 || buffer.IsEmpty || !MayReceive(_loop))
            return 0;
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_ended)
            return -1;
        var count = _socket.Receive(buffer, SocketFlags.None, out var error);
        switch (error)
        {
            case SocketError.Success when count > 0:
                NoteReceived(count);
                if (count < buffer.Length)
                    WaitForMore();
                return count;
            case SocketError.WouldBlock or SocketError.IOPending or SocketError.Interrupted:
                WaitForMore();
                return 0;
            case SocketError.Success:
                PeerClosed = true;
                _ended = true;
                return -1;
            default:
                Break();
                return -1;
        }
    }

    public override int TrySend(ReadOnlySpan<byte> data)
    {
        if ((Ready & Readiness.Writable) == 0 || data.IsEmpty)
            return 0;
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_broken)
            return -1;
        var count = _socket.Send(data, SocketFlags.None, out var error);
        if (error is SocketError.WouldBlock or SocketError.IOPending or SocketError.Interrupted or SocketError.NoBufferSpaceAvailable)
            count = 0;
        else if (error != SocketError.Success)
            return Break();
        return count == data.Length ? count : count + SendLater(data[count..]);
    }

    public override void MoveTo(EventLoop loop)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Signal is not null)
            throw new InvalidOperationException("A connection that someone waits on cannot change its loop.");
        if (ReferenceEquals(loop, _loop))
            return;
        var target = (SocketsEventLoop)loop;
        target.Add(this);
        var from = _loop;
        lock (from.Noting)
        {
            from.Remove(this);
            ForgetTurn();
            Interest = Readiness.None;
            Ready |= Readiness.Readable;
            _loop = target;
        }
    }

    public override void ShutdownSend()
    {
        if (_disposed)
            return;
        if (_pending is not null)
            _shutdownWhenSent = true;
        else
            Shutdown();
    }

    internal void OnLoopStopped()
    {
        Dispose();
        _socket.Dispose();
    }

    protected override void Dispose(bool disposing)
    {
        if (_disposed)
            return;
        _disposed = true;
        _loop.Remove(this);
        Signal = null;
        PeerClosed = true;
        Ready = Readiness.Readable | Readiness.Writable;
        if (_pending is null)
            _socket.Dispose();
        else
            _ = LingerAsync();
    }

    // The socket is empty, as far as one can know: an empty receive ends when that changes, or the stream.
    private void WaitForMore()
    {
        Ready &= ~Readiness.Readable;
        if (_isWaiting)
            return;
        _receive ??= Operation(static connection => connection.OnReadable());
        _isWaiting = true;
        try
        {
            if (!_socket.ReceiveAsync(_receive))
                _loop.Post(static state => ((SocketsConnection)state!).OnReadable(), this);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            _isWaiting = false;
            Break();
        }
    }

    private int SendLater(ReadOnlySpan<byte> data)
    {
        var count = Math.Min(data.Length, MaxPending);
        _pending = ArrayPool<byte>.Shared.Rent(count);
        data[..count].CopyTo(_pending);
        _send ??= Operation(static connection => connection.OnSent());
        _send.SetBuffer(_pending, 0, count);
        Ready &= ~Readiness.Writable;
        try
        {
            if (!_socket.SendAsync(_send))
                _loop.Post(static state => ((SocketsConnection)state!).OnSent(), this);
            return count;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            ReturnPending();
            return Break();
        }
    }

    private SocketAsyncEventArgs Operation(Action<SocketsConnection> completed)
    {
        var operation = new SocketAsyncEventArgs(true);
        Action<object?> onLoop = state => completed((SocketsConnection)state!);
        operation.Completed += (_, _) => _loop.Post(onLoop, this);
        return operation;
    }

    private void OnReadable()
    {
        var loop = _loop;
        lock (loop.Noting)
        {
            if (ReferenceEquals(loop, _loop) && loop.IsCurrent)
            {
                _isWaiting = false;
                Ready |= Readiness.Readable;
                PeerClosed |= _disposed || IsAtEnd();
                Wake();
                return;
            }
        }
        _loop.Post(static state => ((SocketsConnection)state!).OnReadable(), this);
    }

    private void OnSent()
    {
        var loop = _loop;
        lock (loop.Noting)
        {
            if (ReferenceEquals(loop, _loop) && loop.IsCurrent)
            {
                ReturnPending();
                if (_send!.SocketError != SocketError.Success)
                    Break();
                Ready |= Readiness.Writable;
                if (_shutdownWhenSent)
                    Shutdown();
                _shutdownWhenSent = false;
                if (_disposed)
                    _socket.Dispose();
                Wake();
                return;
            }
        }
        _loop.Post(static state => ((SocketsConnection)state!).OnSent(), this);
    }

    private async Task LingerAsync()
    {
        await Task.Delay(MaxLinger);
        _socket.Dispose();
    }

    // By a look at the stream itself: the user may have received meanwhile what the wait was for, so an empty socket says nothing.
    private bool IsAtEnd()
    {
        Span<byte> one = stackalloc byte[1];
        try
        {
            var count = _socket.Receive(one, SocketFlags.Peek, out var error);
            return count == 0 && error is not (SocketError.WouldBlock or SocketError.IOPending or SocketError.Interrupted);
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }

    private void Shutdown()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer has gone already.
        }
    }

    private void Wake()
    {
        if ((Ready & Interest) != 0)
            Signal?.Set();
    }

    private int Break()
    {
        PeerClosed = true;
        _ended = true;
        _broken = true;
        Ready = Readiness.Readable | Readiness.Writable;
        return -1;
    }

    private void ReturnPending()
    {
        if (_pending is null)
            return;
        ArrayPool<byte>.Shared.Return(_pending);
        _pending = null;
    }
}
