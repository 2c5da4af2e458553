using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using ShardProxy.Configuration;

namespace ShardProxy.Transport.Tls;

/// <summary>
/// The proxy's certificate and what it asks of clients', read from PEM files; never changed after loading. Handshakes under
/// way keep the options they began with when new ones are loaded.
/// </summary>
public sealed class TlsServerOptions
{
    private TlsServerOptions(SslServerAuthenticationOptions authentication, byte[]? endPointHash)
    {
        Authentication = authentication;
        EndPointHash = endPointHash;
    }

    internal SslServerAuthenticationOptions Authentication { get; }

    /// <summary>The tls-server-end-point channel binding; null when the certificate's signature defines none.</summary>
    public byte[]? EndPointHash { get; }

    /// <summary>Null when TLS is disabled. The certificate's file may hold intermediates after the certificate itself.</summary>
    /// <exception cref="TlsConfigurationException">A file cannot be used.</exception>
    public static TlsServerOptions? Load(TlsConfig config)
    {
        if (config.Mode == TlsMode.Disable)
            return null;
        if (config.Certificate is null || config.Key is null)
            throw new TlsConfigurationException("TLS needs both a certificate and a key");
        if (config.Mode == TlsMode.VerifyClient && config.Ca is null)
            throw new TlsConfigurationException("verify-client needs a CA file");
        var (leaf, intermediates) = PemFiles.LoadIdentity(config.Certificate, config.Key);
        var roots = config.Ca is null ? null : PemFiles.LoadCertificates(config.Ca);
        var authentication = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(leaf, intermediates, offline: true),
            EnabledSslProtocols = TlsProtocols.Accepted,
            ApplicationProtocols = [TlsProtocols.PostgreSql],
            AllowRenegotiation = false,
            // As PostgreSQL: no session tickets, so every handshake checks the client's certificate anew.
            AllowTlsResume = false,
            ClientCertificateRequired = roots is not null,
            CertificateChainPolicy = CertificatePolicy.Create(roots),
            // A client without a certificate passes here and is told so in the protocol's own words later, as PostgreSQL does.
            RemoteCertificateValidationCallback = static (_, certificate, _, errors) =>
                certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None,
        };
        return new TlsServerOptions(authentication, ChannelBinding.ServerEndPoint(leaf));
    }
}
