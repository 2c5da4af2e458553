using System.Net;
using Microsoft.Extensions.Logging;

namespace ShardProxy.Listening;

/// <summary>Of clients' ids (1200–1299) the part 1250–1299.</summary>
internal static partial class ListeningLog
{
    [LoggerMessage(1250, LogLevel.Information, "Client {Client} is refused ({SqlState}): {Reason}")]
    internal static partial void Refused(ILogger logger, string client, string sqlState, string reason);

    [LoggerMessage(1251, LogLevel.Debug, "Client {Client} is gone: {Reason}")]
    internal static partial void Lost(ILogger logger, string client, string reason);

    [LoggerMessage(1252, LogLevel.Error, "Serving client {Client} failed")]
    internal static partial void Failed(ILogger logger, string client, Exception exception);

    [LoggerMessage(1253, LogLevel.Warning, "Cannot listen on {EndPoint}: {Reason}")]
    internal static partial void CannotListen(ILogger logger, IPEndPoint endPoint, string reason);
}
