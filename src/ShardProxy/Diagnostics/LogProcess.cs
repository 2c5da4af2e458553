using System.Net;
using Microsoft.Extensions.Logging;

namespace ShardProxy.Diagnostics;

/// <summary>
/// The process's life: ids 1000–1099. The other areas' ranges: configuration 1100, clients 1200, shards 1300,
/// statements 1400, transport 1700, control 7100–7299. An id is never given to another message.
/// </summary>
internal static partial class LogProcess
{
    [LoggerMessage(1000, LogLevel.Information, "ShardProxy {Version} listens on {EndPoint}.")]
    public static partial void Listening(ILogger logger, string version, EndPoint endPoint);

    [LoggerMessage(1001, LogLevel.Information, "Draining: no new clients; open transactions have {Seconds} s to end (0: no limit). A second signal stops at once.")]
    public static partial void Draining(ILogger logger, double seconds);

    [LoggerMessage(1002, LogLevel.Warning, "Not everything ended in time; what is still open is cut off.")]
    public static partial void DrainCutShort(ILogger logger);

    [LoggerMessage(1003, LogLevel.Information, "Stopped.")]
    public static partial void Stopped(ILogger logger);
}
