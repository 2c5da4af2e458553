namespace ShardProxy.Transport.Tls;

/// <summary>The peers could not agree on TLS: certificate, protocol version, application protocol, or bytes that are no TLS.</summary>
public sealed class TlsHandshakeException(Connection connection, string reason, Exception? inner = null)
    : IOException($"TLS with {connection.RemoteName} failed: {reason}", inner)
{
    public Connection Connection { get; } = connection;
}

/// <summary>A certificate, key or CA file cannot be used; the message names the file.</summary>
public sealed class TlsConfigurationException(string message, Exception? inner = null) : Exception(message, inner);
