using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ShardProxy.Protocol.Authentication;

namespace ShardProxy.Protocol.Tests.Authentication;

public sealed class TlsServerEndPointTests
{
    [Theory]
    [InlineData("SHA256", "SHA256")]
    [InlineData("SHA384", "SHA384")]
    [InlineData("SHA512", "SHA512")]
    public void The_certificate_is_hashed_as_its_signature_was(string signed, string expected)
    {
        using var rsa = RSA.Create(2048);
        foreach (var padding in new[] { RSASignaturePadding.Pkcs1, RSASignaturePadding.Pss })
        {
            using var certificate = new CertificateRequest("CN=test", rsa, new HashAlgorithmName(signed), padding)
                .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
            TlsServerEndPoint.Compute(certificate.RawData)
                .ShouldBe(CryptographicOperations.HashData(new HashAlgorithmName(expected), certificate.RawData));
        }
    }

    [Fact]
    public void Garbage_has_no_channel_binding() => TlsServerEndPoint.Compute(new byte[] { 0x30, 0x80, 1 }).ShouldBeNull();
}
