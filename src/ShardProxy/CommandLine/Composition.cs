using Microsoft.Extensions.Logging;
using ShardProxy.Configuration;
using ShardProxy.Control;
using ShardProxy.Listening;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.CommandLine;

/// <summary>The one place that knows which parts make a proxy.</summary>
internal static class Composition
{
    public static IProxyServer CreateServer(ProxyConfig config, ILoggerFactory loggers)
    {
        PgQueryLibrary.Load();
        return new ProxyServer(config, loggers, ProductVersion.Text);
    }
}
