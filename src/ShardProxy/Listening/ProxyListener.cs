using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using ShardProxy.Configuration;
using ShardProxy.Transport;

namespace ShardProxy.Listening;

/// <summary>
/// Accepts clients on the configured address, which may be several: a name with an address of each family, or * for all
/// of this machine. New connections are spread over the loops.
/// </summary>
public sealed class ProxyListener : IAsyncDisposable
{
    private readonly List<SocketAcceptor> _acceptors;

    private ProxyListener(List<SocketAcceptor> acceptors) => _acceptors = acceptors;

    /// <summary>Where it listens, the first address of several. A port of 0 has become a real one, the same for all.</summary>
    public IPEndPoint EndPoint => _acceptors[0].EndPoint;

    /// <summary>Listens, without accepting yet. Of a name's addresses one must work; the others may fail with a warning.</summary>
    /// <exception cref="SocketException">None of the addresses can be listened on.</exception>
    public static async Task<ProxyListener> BindAsync(EventLoopGroup loops, ListenAddress address, Action<Connection> accepted, ILogger logger)
    {
        var acceptors = new List<SocketAcceptor>();
        SocketException? failure = null;
        foreach (var ip in await ResolveAsync(address.Host))
        {
            // When any IPv6 address was taken it takes IPv4 as well.
            if (address.Host == "*" && acceptors.Count > 0)
                break;
            var endPoint = new IPEndPoint(ip, acceptors.Count > 0 ? acceptors[0].EndPoint.Port : address.Port);
            try
            {
                acceptors.Add(new SocketAcceptor(loops, endPoint, accepted, logger));
            }
            catch (SocketException e)
            {
                failure ??= e;
                if (address.Host != "*")
                    ListeningLog.CannotListen(logger, endPoint, e.Message);
            }
        }
        return acceptors.Count > 0
            ? new ProxyListener(acceptors)
            : throw failure ?? new SocketException((int)SocketError.HostNotFound);
    }

    public Task StartAsync() => Task.WhenAll(_acceptors.ConvertAll(static acceptor => acceptor.StartAsync()));

    /// <summary>Closes the listening sockets; clients that are in stay. The loops must still run.</summary>
    public Task StopAcceptingAsync() => Task.WhenAll(_acceptors.ConvertAll(static acceptor => acceptor.StopAsync()));

    public async ValueTask DisposeAsync() => await StopAcceptingAsync();

    private static async Task<IReadOnlyList<IPAddress>> ResolveAsync(string host)
    {
        if (host == "*")
            return [IPAddress.IPv6Any, IPAddress.Any];
        if (IPAddress.TryParse(host, out var literal))
            return [literal];
        var addresses = await Dns.GetHostAddressesAsync(host);
        // IPv4 first: it is what a port of 0 and a printed address are most useful with.
        return [.. addresses.Distinct().OrderBy(static address => address.AddressFamily == AddressFamily.InterNetworkV6)];
    }
}
