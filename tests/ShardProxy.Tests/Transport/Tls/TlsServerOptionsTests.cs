using System.Security.Cryptography;
using ShardProxy.Configuration;
using ShardProxy.Transport.Tls;

namespace ShardProxy.Tests.Transport.Tls;

public sealed class TlsServerOptionsTests(TestCertificates certificates) : IClassFixture<TestCertificates>
{
    [Fact]
    public void Disabled_needs_no_file() =>
        TlsServerOptions.Load(new TlsConfig(TlsMode.Disable, null, null, null)).ShouldBeNull();

    [Fact]
    public void What_is_wrong_is_said_with_the_files_name()
    {
        var missing = Should.Throw<TlsConfigurationException>(() =>
            TlsServerOptions.Load(new TlsConfig(TlsMode.Require, "/nowhere/server.pem", certificates.ServerKeyPath, null)));
        missing.Message.ShouldStartWith("/nowhere/server.pem cannot be read");

        var empty = certificates.Write("empty.pem", "hello\n");
        Should.Throw<TlsConfigurationException>(() =>
            TlsServerOptions.Load(new TlsConfig(TlsMode.Require, empty, certificates.ServerKeyPath, null)))
            .Message.ShouldBe($"{empty} does not hold a certificate in PEM form");

        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var key = certificates.Write("other.key", other.ExportPkcs8PrivateKeyPem());
        Should.Throw<TlsConfigurationException>(() =>
            TlsServerOptions.Load(new TlsConfig(TlsMode.Require, certificates.ServerCertificatePath, key, null)))
            .Message.ShouldStartWith($"{key} is not the private key of {certificates.ServerCertificatePath}");
    }

    [Fact]
    public void A_failed_reload_changes_nothing()
    {
        var credentials = new TlsServerCredentials(certificates.Config(TlsMode.Prefer));
        var before = credentials.Current;
        Should.Throw<TlsConfigurationException>(() => credentials.Reload(new TlsConfig(TlsMode.Require, "/nowhere", "/nowhere", null)));
        credentials.Current.ShouldBe(before);
        credentials.Reload(certificates.Config(TlsMode.Require));
        credentials.Current.Mode.ShouldBe(TlsMode.Require);
        credentials.Current.Options.ShouldNotBeSameAs(before.Options);
    }

    [Fact]
    public void Verifying_a_server_needs_something_to_verify_against()
    {
        if (File.Exists(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".postgresql", "root.crt")))
            return;
        Should.Throw<TlsConfigurationException>(() => TlsClientOptions.Load(ServerTlsMode.VerifyFull, null));
        TlsClientOptions.Load(ServerTlsMode.VerifyFull, "system").ShouldNotBeNull();
    }
}
