using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ShardProxy.Transport.Tls;

/// <summary>
/// The tls-server-end-point channel binding (RFC 5929, 4.1): a hash of the server's certificate by the hash function of
/// the certificate's own signature, or SHA-256 where that is MD5 or SHA-1.
/// </summary>
internal static class ChannelBinding
{
    private const string RsaPss = "1.2.840.113549.1.1.10";

    /// <summary>Null when the signature has no hash function of its own (Ed25519): RFC 5929 then defines no binding.</summary>
    internal static byte[]? ServerEndPoint(X509Certificate2 certificate) => HashName(certificate) switch
    {
        "SHA256" => SHA256.HashData(certificate.RawDataMemory.Span),
        "SHA384" => SHA384.HashData(certificate.RawDataMemory.Span),
        "SHA512" => SHA512.HashData(certificate.RawDataMemory.Span),
        _ => null,
    };

    private static string? HashName(X509Certificate2 certificate)
    {
        var oid = certificate.SignatureAlgorithm.Value;
        return oid == RsaPss ? PssHashName(certificate) : SignatureHashName(oid);
    }

    private static string? SignatureHashName(string? oid) => oid switch
    {
        "1.2.840.113549.1.1.4" or "1.2.840.113549.1.1.5" => "SHA256", // RSA with MD5, SHA-1
        "1.2.840.113549.1.1.11" => "SHA256", // RSA
        "1.2.840.113549.1.1.12" => "SHA384",
        "1.2.840.113549.1.1.13" => "SHA512",
        "1.2.840.10045.4.1" => "SHA256", // ECDSA with SHA-1
        "1.2.840.10045.4.3.2" => "SHA256", // ECDSA
        "1.2.840.10045.4.3.3" => "SHA384",
        "1.2.840.10045.4.3.4" => "SHA512",
        "1.2.840.10040.4.3" or "2.16.840.1.101.3.4.3.2" => "SHA256", // DSA
        _ => null,
    };

    /// <summary>Certificate ::= { tbs, AlgorithmIdentifier { oid, RSASSA-PSS-params { [0] hash … } }, signature }, RFC 4055, 3.1.</summary>
    private static string? PssHashName(X509Certificate2 certificate)
    {
        try
        {
            var sequence = new AsnReader(certificate.RawDataMemory, AsnEncodingRules.DER).ReadSequence();
            sequence.ReadEncodedValue();
            var algorithm = sequence.ReadSequence();
            algorithm.ReadObjectIdentifier();
            var parameters = algorithm.ReadSequence();
            var tag = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
            if (!parameters.HasData || !parameters.PeekTag().HasSameClassAndValue(tag))
                return "SHA256"; // The default is SHA-1.
            return parameters.ReadSequence(tag).ReadSequence().ReadObjectIdentifier() switch
            {
                "1.3.14.3.2.26" or "2.16.840.1.101.3.4.2.1" => "SHA256",
                "2.16.840.1.101.3.4.2.2" => "SHA384",
                "2.16.840.1.101.3.4.2.3" => "SHA512",
                _ => null,
            };
        }
        catch (AsnContentException)
        {
            return null;
        }
    }
}
