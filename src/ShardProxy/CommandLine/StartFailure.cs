using System.Net.Sockets;
using ShardProxy.Configuration;

namespace ShardProxy.CommandLine;

/// <summary>Why the proxy could not start, in a sentence for the person at the terminal.</summary>
internal static class StartFailure
{
    /// <summary>Null for what is not foreseen: that keeps its stack trace.</summary>
    public static string? Describe(Exception exception, ProxyConfig config) => exception switch
    {
        SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } =>
            $"{config.Listen.Address} is in use by another program. Stop it, or listen elsewhere (listen.address).",
        SocketException { SocketErrorCode: SocketError.AccessDenied } =>
            $"This user may not listen on {config.Listen.Address}. Ports below 1024 need a privilege; choose another (listen.address).",
        SocketException { SocketErrorCode: SocketError.AddressNotAvailable } =>
            $"{config.Listen.Address} is not an address of this machine (listen.address).",
        DllNotFoundException library when library.Message.Contains("pg_query", StringComparison.Ordinal) =>
            "The library libpg_query is missing. On Debian: apt-get install libpg-query1504.0",
        _ => null,
    };
}
