using System.Net;
using System.Net.Sockets;

namespace ShardProxy.Transport.Sockets;

/// <summary>A listening socket on a <see cref="SocketsEventLoop"/>: one accept is under way at a time.</summary>
internal sealed class SocketsAcceptSource : IAcceptSource
{
    private readonly SocketsEventLoop _loop;
    private readonly Socket _listener;
    private readonly SocketAsyncEventArgs _accept = new(true);
    private bool _isUnderWay;
    private bool _isDone;
    private bool _isDisposed;

    internal SocketsAcceptSource(SocketsEventLoop loop, Socket listener, LoopSignal signal)
    {
        _loop = loop;
        _listener = listener;
        Action<object?> completed = _ =>
        {
            _isUnderWay = false;
            _isDone = true;
            if (_isDisposed)
                _accept.AcceptSocket?.Dispose();
            else
                signal.Set();
        };
        _accept.Completed += (_, _) => loop.Post(completed, null);
    }

    public string FailureText => new SocketException((int)_accept.SocketError).Message;

    public bool TryAccept(out AcceptedSocket accepted, out AcceptFailure failure)
    {
        accepted = default;
        failure = AcceptFailure.None;
        if (_isDisposed || _isUnderWay || (!_isDone && Begin()))
            return false;
        _isDone = false;
        var socket = _accept.AcceptSocket;
        if (_accept.SocketError == SocketError.Success && socket is not null)
        {
            accepted = new AcceptedSocket(-1, socket, NameOf(socket));
            return true;
        }
        failure = _accept.SocketError is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable ? AcceptFailure.BackOff : AcceptFailure.TryNext;
        return false;
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _loop.Remove(this);
        if (_isDone)
            _accept.AcceptSocket?.Dispose();
    }

    internal void OnLoopStopped()
    {
        Dispose();
        _listener.Dispose();
    }

    /// <summary>True: an answer will come. False: it is here.</summary>
    private bool Begin()
    {
        _accept.AcceptSocket = null;
        return _isUnderWay = _listener.AcceptAsync(_accept);
    }

    private static string NameOf(Socket socket)
    {
        try
        {
            if (socket.RemoteEndPoint is not IPEndPoint endPoint)
                return "?";
            return endPoint.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(endPoint.Address.MapToIPv4(), endPoint.Port).ToString() : endPoint.ToString();
        }
        catch (SocketException)
        {
            return "?";
        }
    }
}
