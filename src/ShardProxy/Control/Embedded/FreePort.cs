using System.Net;
using System.Net.Sockets;

namespace ShardProxy.Control.Embedded;

/// <summary>Ports of 127.0.0.1 that nobody listens on.</summary>
internal static class FreePort
{
    public static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // As servers bind: a port whose last connections are still fading counts as free.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>The wished one if it is free, else one that the system chooses. Another process may still take it before the caller does.</summary>
    public static int Choose(int wish, IReadOnlyCollection<int> taken)
    {
        if (wish != 0 && !taken.Contains(wish) && IsFree(wish))
            return wish;
        while (true)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            var port = ((IPEndPoint)socket.LocalEndPoint!).Port;
            if (!taken.Contains(port))
                return port;
        }
    }
}
