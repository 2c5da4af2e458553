using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ShardProxy.Configuration;

namespace ShardProxy.Tests.Transport.Tls;

/// <summary>A certificate authority made for one test run, and PEM files of what it signed.</summary>
public sealed class TestCertificates : IDisposable
{
    private readonly string _directory = System.IO.Directory.CreateTempSubdirectory("sp-tls").FullName;
    private readonly X509Certificate2 _authority;
    private readonly X509Certificate2 _stranger;

    public TestCertificates()
    {
        _authority = CreateAuthority("Test CA");
        _stranger = CreateAuthority("Another CA");
        CaPath = Write("ca.pem", _authority.ExportCertificatePem());
        StrangerCaPath = Write("stranger.pem", _stranger.ExportCertificatePem());
        Server = Sign(_authority, "server", HashAlgorithmName.SHA256, forServer: true);
        Client = Sign(_authority, "app", HashAlgorithmName.SHA256, forServer: false);
        StrangerClient = Sign(_stranger, "app", HashAlgorithmName.SHA256, forServer: false);
        ServerCertificatePath = Write("server.pem", Server.ExportCertificatePem());
        ServerKeyPath = Write("server.key", Server.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
    }

    public string CaPath { get; }

    public string StrangerCaPath { get; }

    public string ServerCertificatePath { get; }

    public string ServerKeyPath { get; }

    /// <summary>Names: localhost, db.example, 127.0.0.1.</summary>
    public X509Certificate2 Server { get; }

    public X509Certificate2 Client { get; }

    public X509Certificate2 StrangerClient { get; }

    public TlsConfig Config(TlsMode mode, bool withCa = false) => new(mode, ServerCertificatePath, ServerKeyPath, withCa ? CaPath : null);

    public string Write(string name, string text)
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllText(path, text);
        return path;
    }

    public X509Certificate2 SignServer(HashAlgorithmName hash) => Sign(_authority, "server", hash, forServer: true);

    public void Dispose()
    {
        System.IO.Directory.Delete(_directory, recursive: true);
        foreach (var certificate in new[] { _authority, _stranger, Server, Client, StrangerClient })
            certificate.Dispose();
    }

    private static X509Certificate2 CreateAuthority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
    }

    private static X509Certificate2 Sign(X509Certificate2 authority, string name, HashAlgorithmName hash, bool forServer)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, hash);
        var usage = new OidCollection { new Oid(forServer ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2") };
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usage, false));
        if (forServer)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("localhost");
            names.AddDnsName("db.example");
            names.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
        }
        var serial = RandomNumberGenerator.GetBytes(8);
        using var signed = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(10), serial);
        return signed.CopyWithPrivateKey(key);
    }
}
