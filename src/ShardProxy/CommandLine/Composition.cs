using Microsoft.Extensions.Logging;
using ShardProxy.Configuration;
using ShardProxy.Listening;

namespace ShardProxy.CommandLine;

/// <summary>The one place that knows which parts make a proxy.</summary>
internal static class Composition
{
    public static IProxyServer CreateServer(ProxyConfig config, ILoggerFactory loggers) =>
        throw new NotSupportedException("The session engine is not part of this build.");
}
