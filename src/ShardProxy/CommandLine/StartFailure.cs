using System.Net.Sockets;
using ShardProxy.Directory;
using ShardProxy.Transport.Tls;

namespace ShardProxy.CommandLine;

/// <summary>Why the proxy could not start, in a sentence for the person at the terminal.</summary>
internal static class StartFailure
{
    /// <summary>Null for what is not foreseen: that keeps its stack trace.</summary>
    /// <param name="remedy">"listen elsewhere (listen.address)".</param>
    public static string? Describe(Exception exception, string address, string remedy) => exception switch
    {
        SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } =>
            $"{address} is in use by another program. Stop it, or {remedy}.",
        SocketException { SocketErrorCode: SocketError.AccessDenied } =>
            $"This user may not listen on {address}: ports below 1024 need a privilege. Get it, or {remedy}.",
        SocketException { SocketErrorCode: SocketError.AddressNotAvailable } =>
            $"{address} is not an address of this machine: {remedy}.",
        DirectoryException or TlsConfigurationException => Sentence(exception.Message),
        DllNotFoundException library when library.Message.Contains("pg_query", StringComparison.Ordinal) =>
            "The library libpg_query is missing. On Debian: apt-get install libpg-query1504.0",
        _ => null,
    };

    private static string Sentence(string message) => $"{char.ToUpperInvariant(message[0])}{message[1..].TrimEnd('.')}.";
}
