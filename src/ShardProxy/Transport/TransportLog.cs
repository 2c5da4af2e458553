using Microsoft.Extensions.Logging;

namespace ShardProxy.Transport;

/// <summary>Event ids 1000–1099.</summary>
internal static partial class TransportLog
{
    [LoggerMessage(1000, LogLevel.Error, "Unhandled exception in code that ran on event loop {Loop}")]
    internal static partial void UnhandledInLoop(ILogger logger, int loop, Exception exception);

    [LoggerMessage(1001, LogLevel.Critical, "Event loop {Loop} ended")]
    internal static partial void LoopFailed(ILogger logger, int loop, Exception exception);
}
