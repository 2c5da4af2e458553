using System.Formats.Asn1;
using System.Security.Cryptography;

namespace ShardProxy.Protocol.Authentication;

/// <summary>
/// Channel binding data of type tls-server-end-point (RFC 5929, section 4.1): the server certificate's hash by the hash
/// function of its own signature, with SHA-256 in place of MD5 and SHA-1.
/// </summary>
public static class TlsServerEndPoint
{
    private const string RsaPss = "1.2.840.113549.1.1.10";

    /// <param name="certificate">DER.</param>
    /// <returns>Null when the signature has no hash function that can be told (Ed25519): then there is no channel binding.</returns>
    public static byte[]? Compute(ReadOnlyMemory<byte> certificate)
    {
        try
        {
            var fields = new AsnReader(certificate, AsnEncodingRules.DER).ReadSequence();
            fields.ReadEncodedValue();
            var algorithm = fields.ReadSequence();
            var signature = algorithm.ReadObjectIdentifier();
            var hash = signature == RsaPss ? ReadPssHash(algorithm) : HashOf(signature);
            return hash is { } name ? CryptographicOperations.HashData(name, certificate.Span) : null;
        }
        catch (AsnContentException)
        {
            return null;
        }
    }

    // RSASSA-PSS-params: the hash stands in the element tagged 0 and is SHA-1 when that is absent (RFC 4055).
    private static HashAlgorithmName? ReadPssHash(AsnReader algorithm)
    {
        var parameters = algorithm.ReadSequence();
        var tag = new Asn1Tag(TagClass.ContextSpecific, 0);
        if (!parameters.HasData || !parameters.PeekTag().HasSameClassAndValue(tag))
            return HashAlgorithmName.SHA256;
        return HashOf(parameters.ReadSequence(tag).ReadSequence().ReadObjectIdentifier());
    }

    private static HashAlgorithmName? HashOf(string oid) => oid switch
    {
        // RSA with MD5, SHA-1, SHA-256; DSA and ECDSA with SHA-1, SHA-256; SHA-1 and SHA-256 themselves.
        "1.2.840.113549.1.1.4" or "1.2.840.113549.1.1.5" or "1.2.840.113549.1.1.11" or "1.2.840.10040.4.3" or "2.16.840.1.101.3.4.3.2"
            or "1.2.840.10045.4.1" or "1.2.840.10045.4.3.2" or "1.3.14.3.2.26" or "2.16.840.1.101.3.4.2.1" => HashAlgorithmName.SHA256,
        "1.2.840.113549.1.1.12" or "1.2.840.10045.4.3.3" or "2.16.840.1.101.3.4.2.2" => HashAlgorithmName.SHA384,
        "1.2.840.113549.1.1.13" or "1.2.840.10045.4.3.4" or "2.16.840.1.101.3.4.2.3" => HashAlgorithmName.SHA512,
        _ => null,
    };
}
