using System.Net;
using System.Net.Sockets;

namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>
/// TCP ports of 127.0.0.1 that nothing listens on. They are taken below the kernel's range for outgoing connections, so
/// that no client of a running test can take a port between its choice and its use; each process starts elsewhere.
/// </summary>
public static class FreePort
{
    private const int First = 12_000;
    private const int Count = 18_000;

    private static int _next = Environment.ProcessId * 61;

    public static int Next()
    {
        while (true)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref _next) % Count);
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Taken by somebody else: the next one.
            }
        }
    }
}
