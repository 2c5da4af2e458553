using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using ShardProxy.Configuration;

namespace ShardProxy.Transport.Tls;

/// <summary>
/// What a server's certificate must be, by libpq's rules: verify-full wants a trusted chain and the host's name, verify-ca
/// a trusted chain; require and prefer take any certificate, unless a root certificate is given, which makes them
/// verify-ca. Never changed after loading.
/// </summary>
public sealed class TlsClientOptions
{
    /// <summary>libpq's word for the system's own roots in place of a file.</summary>
    private const string SystemRoots = "system";

    private readonly X509Certificate2Collection? _roots;
    private readonly bool _verifyChain;
    private readonly bool _verifyName;

    private TlsClientOptions(X509Certificate2Collection? roots, bool verifyChain, bool verifyName)
    {
        _roots = roots;
        _verifyChain = verifyChain;
        _verifyName = verifyName;
    }

    /// <param name="rootCertificate">A PEM file, "system", or null for libpq's default file, ~/.postgresql/root.crt, where the mode verifies.</param>
    /// <exception cref="TlsConfigurationException">A file cannot be used, or the mode verifies and there is nothing to verify against.</exception>
    public static TlsClientOptions Load(ServerTlsMode mode, string? rootCertificate)
    {
        var mustVerify = mode is ServerTlsMode.VerifyCa or ServerTlsMode.VerifyFull;
        var path = rootCertificate ?? (mustVerify ? DefaultRootPath() : null);
        if (path == SystemRoots)
        {
            // With the system's many roots only the name tells a server from any other on the internet.
            return new TlsClientOptions(null, verifyChain: true, verifyName: true);
        }
        if (path is null)
        {
            return mustVerify
                ? throw new TlsConfigurationException("sslmode verify-ca and verify-full need sslrootcert, a file or \"system\"")
                : new TlsClientOptions(null, verifyChain: false, verifyName: false);
        }
        return new TlsClientOptions(PemFiles.LoadCertificates(path), verifyChain: true, verifyName: mode == ServerTlsMode.VerifyFull);
    }

    /// <param name="rejected">Told why a certificate is not taken.</param>
    internal SslClientAuthenticationOptions ForHost(string host, Action<string> rejected) => new()
    {
        // Sent as SNI unless it is an address.
        TargetHost = host,
        EnabledSslProtocols = TlsProtocols.Accepted,
        ApplicationProtocols = [TlsProtocols.PostgreSql],
        AllowRenegotiation = false,
        AllowTlsResume = false,
        CertificateChainPolicy = CertificatePolicy.Create(_roots),
        RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
        {
            var reason = WhyNot(certificate as X509Certificate2, chain, errors, host);
            if (reason is not null)
                rejected(reason);
            return reason is null;
        },
    };

    private static string? DefaultRootPath()
    {
        var path = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".postgresql", "root.crt");
        return File.Exists(path) ? path : null;
    }

    /// <summary>Null when the certificate is good enough.</summary>
    private string? WhyNot(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors, string host)
    {
        if (certificate is null)
            return "the server has shown no certificate";
        if (_verifyChain && (errors & SslPolicyErrors.RemoteCertificateChainErrors) != 0)
            return $"certificate verify failed: {chain?.ChainStatus.FirstOrDefault().StatusInformation ?? "no chain"}";
        if (_verifyName && !certificate.MatchesHostname(CanonicalName(host)))
            return $"server certificate for \"{certificate.GetNameInfo(X509NameType.DnsName, false)}\" does not match host name \"{host}\"";
        return null;
    }

    private static string CanonicalName(string host) =>
        IPAddress.TryParse(host, out var address) ? address.ToString() : host.TrimEnd('.');
}
