using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport;

/// <summary>
/// Listens on one address. The group's first loop accepts, and the group says to which loop each new connection goes, where
/// <c>accepted</c> is called with it.
/// </summary>
public sealed class SocketAcceptor
{
    /// <summary>The kernel cuts it to net.core.somaxconn.</summary>
    private const int Backlog = 4096;

    /// <summary>Connections accepted before other work of the loop has its turn.</summary>
    private const int MaxPerTurn = 64;

    /// <summary>Milliseconds without accepting when the process is out of descriptors; sessions that end free some.</summary>
    private const int BackOff = 500;

    private readonly EventLoopGroup _loops;
    private readonly ThreadLoop _loop;
    private readonly Action<Connection> _accepted;
    private readonly ILogger _logger;
    private readonly LoopSignal _signal;
    private readonly Socket _socket;
    private IAcceptSource? _source;
    private bool _stopped;
    private bool _starved;

    /// <exception cref="SocketException">The address cannot be listened on.</exception>
    public SocketAcceptor(EventLoopGroup loops, IPEndPoint endPoint, Action<Connection> accepted, ILogger logger)
    {
        _loops = loops;
        _loop = loops.Loop(0);
        _accepted = accepted;
        _logger = logger;
        _signal = new LoopSignal(_loop);
        _socket = Listen(endPoint);
        EndPoint = (IPEndPoint)_socket.LocalEndPoint!;
    }

    /// <summary>Where it listens: a port of 0 has become a real one.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Begins to accept; until then clients wait in the kernel's queue.</summary>
    public Task StartAsync() => _loop.RunAsync(() =>
    {
        _source = _loop.Accept(_socket, _signal);
        _ = AcceptAsync(_source);
        return Task.CompletedTask;
    });

    /// <summary>Closes the listening socket; what was accepted lives on.</summary>
    public Task StopAsync() => _loop.RunAsync(() =>
    {
        Close();
        return Task.CompletedTask;
    });

    private static Socket Listen(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            // The option by its own number: .NET's ReuseAddress would also set SO_REUSEPORT and share the port with others.
            if (OperatingSystem.IsLinux())
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
        _source?.Dispose();
        _socket.Dispose();
        _signal.Deadline = 0;
        _signal.Set();
    }

    private async Task AcceptAsync(IAcceptSource source)
    {
        while (!_stopped)
        {
            switch (AcceptSome(source))
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

    private AcceptFailure AcceptSome(IAcceptSource source)
    {
        for (var i = 0; i < MaxPerTurn; i++)
        {
            if (source.TryAccept(out var accepted, out var failure))
            {
                _starved = false;
                HandOver(accepted);
                continue;
            }
            if (failure == AcceptFailure.BackOff && !_starved)
            {
                _starved = true;
                TransportLog.AcceptBacksOff(_logger, EndPoint, source.FailureText);
            }
            if (failure != AcceptFailure.TryNext)
                return failure;
        }
        return AcceptFailure.TryNext;
    }

    private void HandOver(AcceptedSocket socket)
    {
        var loop = _loops.LoopForClient();
        loop.Post(
            static state =>
            {
                var (acceptor, loop, socket) = ((SocketAcceptor, ThreadLoop, AcceptedSocket))state!;
                acceptor.Begin(loop, socket);
            },
            (this, loop, socket));
    }

    private void Begin(ThreadLoop loop, AcceptedSocket socket)
    {
        var connection = loop.Adopt(socket);
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
