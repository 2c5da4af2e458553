using System.Net;
using System.Net.Sockets;

namespace ShardProxy.Transport;

/// <summary>Opens connections to servers, without blocking the loop.</summary>
public static class SocketConnector
{
    /// <summary>
    /// Connects on <paramref name="loop"/>, whose thread calls this. A host that starts with '/' is a directory with the
    /// Unix-domain socket ".s.PGSQL.port". Of several addresses of a name each is tried in turn, with an equal share of
    /// the time that is left.
    /// </summary>
    /// <param name="timeout">For everything, looking up the name included; zero or less is no limit. Exact to about 100 ms.</param>
    /// <exception cref="ConnectFailedException">No address answered; describes the last failure.</exception>
    public static async ValueTask<Connection> ConnectAsync(EventLoop loop, string host, int port, TimeSpan timeout)
    {
        if (!loop.IsCurrent)
            throw new InvalidOperationException("Connecting is for the loop's own thread.");
        var socketLoop = loop as ThreadLoop ?? throw new PlatformNotSupportedException("This loop has no sockets.");
        var deadline = timeout > TimeSpan.Zero ? Environment.TickCount64 + (long)timeout.TotalMilliseconds : long.MaxValue;
        var endPoints = await ResolveAsync(host, port, deadline);
        ConnectFailedException? failure = null;
        for (var i = 0; i < endPoints.Length; i++)
        {
            var now = Environment.TickCount64;
            var share = deadline == long.MaxValue ? deadline : now + Math.Max(1, (deadline - now) / (endPoints.Length - i));
            var name = Describe(endPoints[i], host, port);
            try
            {
                return await socketLoop.ConnectAsync(endPoints[i], name, share);
            }
            catch (ConnectFailedException e)
            {
                failure = e;
            }
        }
        throw failure ?? new ConnectFailedException($"{host}:{port}", "the name has no address");
    }

    private static async ValueTask<EndPoint[]> ResolveAsync(string host, int port, long deadline)
    {
        if (host.StartsWith('/'))
            return [new UnixDomainSocketEndPoint(Path.Combine(host, $".s.PGSQL.{port}"))];
        if (IPAddress.TryParse(host, out var literal))
            return [new IPEndPoint(literal, port)];
        try
        {
            var lookUp = Dns.GetHostAddressesAsync(host);
            var addresses = deadline == long.MaxValue
                ? await lookUp
                : await lookUp.WaitAsync(TimeSpan.FromMilliseconds(Math.Max(1, deadline - Environment.TickCount64)));
            return Array.ConvertAll<IPAddress, EndPoint>(addresses, address => new IPEndPoint(address, port));
        }
        catch (SocketException e)
        {
            throw new ConnectFailedException($"{host}:{port}", $"the name was not found ({e.Message})", e);
        }
        catch (TimeoutException e)
        {
            throw new ConnectFailedException($"{host}:{port}", "looking up the name took too long", e);
        }
    }

    private static string Describe(EndPoint endPoint, string host, int port) => endPoint switch
    {
        IPEndPoint ip when ip.Address.ToString() != host => $"{host}:{port} ({ip})",
        IPEndPoint ip => ip.ToString(),
        _ => endPoint.ToString()!,
    };
}
