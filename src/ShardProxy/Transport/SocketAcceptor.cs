using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using ShardProxy.Transport.Epoll;

namespace ShardProxy.Transport;

/// <summary>
/// Listens on one address. The group's first loop accepts, and each new connection goes to the next loop in turn, where
/// <c>accepted</c> is called with it.
/// </summary>
public sealed class SocketAcceptor : IEpollTarget
{
    /// <summary>The kernel cuts it to net.core.somaxconn.</summary>
    private const int Backlog = 4096;

    /// <summary>Connections accepted before other work of the loop has its turn.</summary>
    private const int MaxPerTurn = 64;

    /// <summary>Milliseconds without accepting when the process is out of descriptors; sessions that end free some.</summary>
    private const int BackOff = 500;

    private readonly EventLoopGroup _loops;
    private readonly EpollEventLoop _loop;
    private readonly Action<Connection> _accepted;
    private readonly ILogger _logger;
    private readonly LoopSignal _signal;
    private readonly Socket _socket;
    private readonly int _fd;
    private ulong _registration = EpollEventLoop.NotAttached;
    private bool _stopped;
    private bool _starved;

    /// <exception cref="SocketException">The address cannot be listened on.</exception>
    public SocketAcceptor(EventLoopGroup loops, IPEndPoint endPoint, Action<Connection> accepted, ILogger logger)
    {
        _loops = loops;
        _loop = (EpollEventLoop)loops[0];
        _accepted = accepted;
        _logger = logger;
        _signal = new LoopSignal(_loop);
        _socket = Listen(endPoint);
        _fd = (int)_socket.Handle;
        EndPoint = (IPEndPoint)_socket.LocalEndPoint!;
    }

    /// <summary>Where it listens: a port of 0 has become a real one.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Begins to accept; until then clients wait in the kernel's queue.</summary>
    public Task StartAsync() => _loop.RunAsync(() =>
    {
        _registration = _loop.Attach(_fd, this);
        _ = AcceptAsync();
        return Task.CompletedTask;
    });

    /// <summary>Closes the listening socket; what was accepted lives on.</summary>
    public Task StopAsync() => _loop.RunAsync(() =>
    {
        Close();
        return Task.CompletedTask;
    });

    void IEpollTarget.OnEvents(uint mask) => _signal.Set();

    void IEpollTarget.OnLoopStopped() => Close();

    private static Socket Listen(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            // The option by its own number: .NET's ReuseAddress would also set SO_REUSEPORT and share the port with others.
            socket.SetRawSocketOption(SocketConstants.LevelSocket, SocketConstants.ReuseAddress, BitConverter.GetBytes(1));
            socket.Blocking = false;
            socket.Bind(endPoint);
            socket.Listen(Backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private void Close()
    {
        if (_stopped)
            return;
        _stopped = true;
        _loop.Detach(_fd, _registration);
        _socket.Dispose();
        _signal.Deadline = 0;
        _signal.Set();
    }

    private async Task AcceptAsync()
    {
        while (!_stopped)
        {
            switch (AcceptSome())
            {
                case AcceptFailure.BackOff:
                    _signal.Deadline = Environment.TickCount64 + BackOff;
                    while (!_stopped && !_signal.DeadlinePassed)
                        await _signal.WaitAsync();
                    _signal.Deadline = 0;
                    break;
                case AcceptFailure.TryNext:
                    _signal.Set();
                    await _signal.WaitAsync();
                    break;
                default:
                    await _signal.WaitAsync();
                    break;
            }
        }
    }

    private AcceptFailure AcceptSome()
    {
        for (var i = 0; i < MaxPerTurn; i++)
        {
            var fd = NativeSocket.Accept(_fd, out var name, out var error);
            if (fd >= 0)
            {
                _starved = false;
                HandOver(fd, name);
                continue;
            }
            var failure = AcceptFailures.Of(error);
            if (failure == AcceptFailure.BackOff && !_starved)
            {
                _starved = true;
                TransportLog.AcceptBacksOff(_logger, EndPoint, Marshal.GetPInvokeErrorMessage(error));
            }
            if (failure != AcceptFailure.TryNext)
                return failure;
        }
        return AcceptFailure.TryNext;
    }

    private void HandOver(int fd, string name)
    {
        var loop = (EpollEventLoop)_loops.Next();
        loop.Post(
            static state =>
            {
                var (acceptor, loop, fd, name) = ((SocketAcceptor, EpollEventLoop, int, string))state!;
                acceptor.Begin(loop, fd, name);
            },
            (this, loop, fd, name));
    }

    private void Begin(EpollEventLoop loop, int fd, string name)
    {
        NativeSocket.Tune(fd, AddressFamily.InterNetwork);
        var connection = NativeSocket.Adopt(loop, fd, name, Readiness.Readable | Readiness.Writable);
        try
        {
            _accepted(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
