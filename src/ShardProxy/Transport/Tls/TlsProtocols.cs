using System.Net.Security;
using System.Security.Authentication;

namespace ShardProxy.Transport.Tls;

internal static class TlsProtocols
{
    /// <summary>PostgreSQL's default ssl_min_protocol_version is TLSv1.2.</summary>
    internal const SslProtocols Accepted = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>The name registered for PostgreSQL's protocol; a direct TLS connection must agree on it.</summary>
    internal static readonly SslApplicationProtocol PostgreSql = new("postgresql");
}
