using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ShardProxy.Transport.Tls;

/// <summary>Reads PEM files; what is wrong is said with the file's name.</summary>
internal static class PemFiles
{
    /// <summary>A certificate with its private key, and the intermediates that follow it in its file.</summary>
    internal static (X509Certificate2 Leaf, X509Certificate2Collection Intermediates) LoadIdentity(string certificatePath, string keyPath)
    {
        var chain = LoadCertificates(certificatePath);
        var key = Read(keyPath);
        try
        {
            var leaf = X509Certificate2.CreateFromPem(Read(certificatePath), key);
            chain.RemoveAt(0);
            return (leaf, chain);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new TlsConfigurationException($"{keyPath} is not the private key of {certificatePath}: {e.Message}", e);
        }
    }

    /// <summary>At least one certificate.</summary>
    internal static X509Certificate2Collection LoadCertificates(string path)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(Read(path));
        }
        catch (CryptographicException e)
        {
            throw new TlsConfigurationException($"{path} does not hold certificates: {e.Message}", e);
        }
        return certificates.Count > 0 ? certificates : throw new TlsConfigurationException($"{path} does not hold a certificate in PEM form");
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TlsConfigurationException($"{path} cannot be read: {e.Message}", e);
        }
    }
}
