using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace ShardProxy.Transport.Sockets;

/// <summary>
/// A loop over .NET's own sockets, for systems without epoll and where nothing else is allowed. The runtime's threads see
/// what becomes ready and post it here, which costs a hand-over for each event; calls themselves are made on the loop.
/// </summary>
public sealed class SocketsEventLoop : ThreadLoop
{
    private readonly AutoResetEvent _wake = new(false);
    private readonly HashSet<SocketsConnection> _connections = [];
    private readonly HashSet<SocketsAcceptSource> _acceptors = [];

    public SocketsEventLoop(int index, ILogger logger)
        : base(index, logger)
    {
    }

    internal override async ValueTask<Connection> ConnectAsync(EndPoint endPoint, string name, long deadline)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, endPoint is UnixDomainSocketEndPoint ? ProtocolType.Unspecified : ProtocolType.Tcp);
        using var limit = new CancellationTokenSource();
        if (deadline != long.MaxValue)
            limit.CancelAfter(TimeSpan.FromMilliseconds(Math.Max(1, deadline - Environment.TickCount64)));
        try
        {
            await socket.ConnectAsync(endPoint, limit.Token);
            return new SocketsConnection(this, socket, name);
        }
        catch (Exception e)
        {
            socket.Dispose();
            throw e switch
            {
                OperationCanceledException => new ConnectFailedException(name, "no answer in time", e),
                // .NET has no word of its own for a path that is not there, and says something misleading.
                SocketException when endPoint is UnixDomainSocketEndPoint && !File.Exists(name) => new ConnectFailedException(name, "No such file or directory", e),
                SocketException failure => new ConnectFailedException(name, Marshal.GetPInvokeErrorMessage(failure.NativeErrorCode), e),
                _ => e,
            };
        }
    }

    internal override IAcceptSource Accept(Socket listener, LoopSignal signal)
    {
        var source = new SocketsAcceptSource(this, listener, signal);
        _acceptors.Add(source);
        return source;
    }

    internal override Connection Adopt(in AcceptedSocket accepted) => new SocketsConnection(this, accepted.Socket!, accepted.Name);

    /// <summary>Any thread.</summary>
    internal void Add(SocketsConnection connection)
    {
        lock (Noting)
        {
            if (IsClosed)
                throw new IOException("The event loop has ended.");
            _connections.Add(connection);
        }
    }

    /// <summary>Any thread.</summary>
    internal void Remove(SocketsConnection connection)
    {
        lock (Noting)
            _connections.Remove(connection);
    }

    internal void Remove(SocketsAcceptSource source) => _acceptors.Remove(source);

    private protected override void Wait(int milliseconds) => _wake.WaitOne(milliseconds);

    private protected override void Wake()
    {
        try
        {
            _wake.Set();
        }
        catch (ObjectDisposedException)
        {
            // The loop has ended.
        }
    }

    private protected override void CloseRemaining()
    {
        SocketsConnection[] connections;
        lock (Noting)
            connections = [.. _connections];
        foreach (var connection in connections)
            connection.OnLoopStopped();
        foreach (var acceptor in _acceptors.ToArray())
            acceptor.OnLoopStopped();
    }

    private protected override void CloseDescriptors() => _wake.Dispose();
}
