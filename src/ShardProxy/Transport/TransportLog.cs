using System.Net;
using Microsoft.Extensions.Logging;

namespace ShardProxy.Transport;

/// <summary>Event ids 1700–1799.</summary>
internal static partial class TransportLog
{
    [LoggerMessage(1700, LogLevel.Error, "Unhandled exception in code that ran on event loop {Loop}")]
    internal static partial void UnhandledInLoop(ILogger logger, int loop, Exception exception);

    [LoggerMessage(1701, LogLevel.Critical, "Event loop {Loop} ended")]
    internal static partial void LoopFailed(ILogger logger, int loop, Exception exception);

    [LoggerMessage(1702, LogLevel.Warning, "New clients of {EndPoint} have to wait: {Reason}")]
    internal static partial void AcceptBacksOff(ILogger logger, IPEndPoint endPoint, string reason);

    [LoggerMessage(1703, LogLevel.Information, "Sockets are served by {Engine} on {Loops} loops")]
    internal static partial void EngineTaken(ILogger logger, string engine, int loops);

    [LoggerMessage(1704, LogLevel.Information, "Not by {Engine}: {Reason}")]
    internal static partial void EngineSkipped(ILogger logger, string engine, string reason);
}
