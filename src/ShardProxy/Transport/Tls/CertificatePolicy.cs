using System.Security.Cryptography.X509Certificates;

namespace ShardProxy.Transport.Tls;

/// <summary>How chains are built: never a download, and no revocation list, as libpq and PostgreSQL do unless told otherwise.</summary>
internal static class CertificatePolicy
{
    /// <param name="roots">The only certificates trusted; null trusts the system's.</param>
    internal static X509ChainPolicy Create(X509Certificate2Collection? roots)
    {
        var policy = new X509ChainPolicy
        {
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        if (roots is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(roots);
        }
        return policy;
    }
}
