using Microsoft.Extensions.Logging;
using ShardProxy.Configuration;
using ShardProxy.Listening;

namespace ShardProxy.CommandLine;

/// <summary>Makes the server that a configuration describes, not started.</summary>
public delegate IProxyServer ProxyServerFactory(ProxyConfig config, ILoggerFactory loggers);
