using System.Net;
using ShardProxy.Configuration;

namespace ShardProxy.Listening;

/// <summary>
/// The running proxy as the process sees it. Start → (Apply)* → Drain → Dispose, one after the other; disposing at any
/// point closes whatever is still open.
/// </summary>
public interface IProxyServer : IAsyncDisposable
{
    /// <summary>Where clients connect; known once started (port 0 in the file has become a real one).</summary>
    EndPoint EndPoint { get; }

    /// <summary>Asks the process to read the configuration file again; set before the start, null where there is no file.</summary>
    Action? RequestReload { get; set; }

    /// <summary>Returns when clients can connect and every shard that could be reached was checked.</summary>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>Takes over what can change while running; what cannot is the same as before in <paramref name="config"/>.</summary>
    Task ApplyAsync(ProxyConfig config);

    /// <summary>Takes no new clients and lets those inside a transaction finish it. Returns when none is left; a cancelled token ends the wait.</summary>
    Task DrainAsync(CancellationToken cancellationToken);
}
