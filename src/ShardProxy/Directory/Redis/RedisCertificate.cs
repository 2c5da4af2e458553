using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using ShardProxy.Transport.Tls;

namespace ShardProxy.Directory.Redis;

/// <summary>Judges the certificate that Redis shows: by the system's authorities, or by the ones of a file and no others.</summary>
/// <param name="authorityFile">PEM; null for the system's authorities.</param>
internal sealed class RedisCertificate(string? authorityFile)
{
    private volatile string? _problem;

    /// <summary>Why the last certificate was not trusted; null when it was, or none was seen.</summary>
    public string? Problem => _problem;

    /// <summary>The form that the client library asks for.</summary>
    public bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        (_problem = ProblemOf(certificate as X509Certificate2, chain, errors)) is null;

    private string? ProblemOf(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null)
            return "it shows no certificate";
        // The chain is judged here, so only the name is taken from what TLS itself found.
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            return $"its certificate ({certificate.Subject}) is for another host";
        if (authorityFile is null)
            return errors == SslPolicyErrors.None ? null : $"its certificate ({certificate.Subject}) is not trusted: {StatusOf(chain)}; name the file of its authority with directory.ca";
        try
        {
            using var own = new X509Chain { ChainPolicy = CertificatePolicy.Create(PemFiles.LoadCertificates(authorityFile)) };
            if (chain is not null)
                own.ChainPolicy.ExtraStore.AddRange(chain.ChainElements.Select(static element => element.Certificate).ToArray());
            return own.Build(certificate) ? null : $"its certificate ({certificate.Subject}) is not trusted by {authorityFile}: {StatusOf(own)}";
        }
        catch (TlsConfigurationException exception)
        {
            return exception.Message;
        }
    }

    private static string StatusOf(X509Chain? chain) =>
        chain?.ChainStatus is { Length: > 0 } status ? status[0].StatusInformation.Trim() : "its chain does not end in a known authority";
}
