using Microsoft.Extensions.Logging;
using ShardProxy.Configuration;
using ShardProxy.Control;
using ShardProxy.Listening;

namespace ShardProxy.CommandLine;

/// <summary>The one place that knows which parts make a proxy.</summary>
internal static class Composition
{
    public static IProxyServer CreateServer(ProxyConfig config, ILoggerFactory loggers) => new ProxyServer(config, loggers);
}
