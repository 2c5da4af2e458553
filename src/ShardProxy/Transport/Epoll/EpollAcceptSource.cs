using System.Net.Sockets;
using System.Runtime.InteropServices;
using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport.Epoll;

/// <summary>A non-blocking listening socket on an <see cref="EpollEventLoop"/>.</summary>
internal sealed class EpollAcceptSource : IAcceptSource, IEpollTarget
{
    private readonly EpollEventLoop _loop;
    private readonly LoopSignal _signal;
    private readonly Socket _socket;
    private readonly int _listener;
    private readonly ulong _registration;
    private int _error;

    internal EpollAcceptSource(EpollEventLoop loop, Socket listener, LoopSignal signal)
    {
        _loop = loop;
        _socket = listener;
        _listener = (int)listener.Handle;
        _signal = signal;
        _registration = loop.Attach(_listener, this);
    }

    public string FailureText => Marshal.GetPInvokeErrorMessage(_error);

    public bool TryAccept(out AcceptedSocket accepted, out AcceptFailure failure)
    {
        var fd = NativeSocket.Accept(_listener, out var name, out var error);
        accepted = new AcceptedSocket(fd, null, name);
        failure = AcceptFailure.None;
        if (fd >= 0)
            return true;
        _error = error;
        failure = AcceptFailures.Of(error);
        return false;
    }

    public void Dispose() => _loop.Detach(_listener, _registration);

    void IEpollTarget.OnEvents(uint mask) => _signal.Set();

    void IEpollTarget.OnLoopStopped()
    {
        Dispose();
        _socket.Dispose();
    }
}
