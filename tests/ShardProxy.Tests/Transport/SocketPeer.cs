using System.Net;
using System.Net.Sockets;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Transport;

/// <summary>A connection of ours and, at its other end, a socket of .NET's own as an independent peer.</summary>
internal sealed class SocketPeer(Connection connection, Socket socket) : IDisposable
{
    public Connection Connection { get; } = connection;

    public Socket Socket { get; } = socket;

    /// <param name="bufferSize">Kernel buffers of the peer's side in bytes; small ones make partial sends. 0 leaves the default.</param>
    public static async Task<SocketPeer> ConnectAsync(EventLoop loop, int bufferSize = 0)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (bufferSize > 0)
            listener.ReceiveBufferSize = bufferSize;
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(16);
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        var accepting = listener.AcceptAsync();
        var connection = await loop.RunAsync(() =>
            SocketConnector.ConnectAsync(loop, "127.0.0.1", port, TimeSpan.FromSeconds(10)).AsTask());
        var socket = await accepting;
        socket.NoDelay = true;
        return new SocketPeer(connection, socket);
    }

    public void Dispose() => Socket.Dispose();
}
