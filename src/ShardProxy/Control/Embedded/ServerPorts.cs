using System.Net;
using System.Net.Sockets;

namespace ShardProxy.Control.Embedded;

/// <summary>
/// Ports of 127.0.0.1 that nobody listens on. They are below the kernel's range for outgoing connections, so that no
/// client takes one between its choice and its use.
/// </summary>
internal static class ServerPorts
{
    private const int First = 15_432;
    private const int Last = 25_431;

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

    /// <param name="wish">Taken if it is free; 0 for none.</param>
    /// <param name="taken">Not given again.</param>
    public static int Choose(int wish, IReadOnlyCollection<int> taken)
    {
        if (wish != 0 && !taken.Contains(wish) && IsFree(wish))
            return wish;
        for (var port = First; port <= Last; port++)
        {
            if (!taken.Contains(port) && IsFree(port))
                return port;
        }
        throw new EmbeddedException($"No port from {First} to {Last} of 127.0.0.1 is free for a server.");
    }
}
