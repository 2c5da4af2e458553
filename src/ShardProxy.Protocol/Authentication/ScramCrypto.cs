using System.Security.Cryptography;

namespace ShardProxy.Protocol.Authentication;

/// <summary>The functions that RFC 5802 builds SCRAM from, with SHA-256.</summary>
internal static class ScramCrypto
{
    /// <summary>Bytes of every key, proof and signature.</summary>
    public const int KeyLength = SHA256.HashSizeInBytes;

    /// <summary>Random bytes behind a nonce, as PostgreSQL takes.</summary>
    private const int NonceLength = 18;

    public static byte[] SaltPassword(ReadOnlySpan<byte> prepared, byte[] salt, int iterations) =>
        Rfc2898DeriveBytes.Pbkdf2(prepared, salt, iterations, HashAlgorithmName.SHA256, KeyLength);

    public static byte[] Hmac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data) => HMACSHA256.HashData(key, data);

    public static byte[] Xor(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        var result = new byte[left.Length];
        for (var i = 0; i < result.Length; i++)
            result[i] = (byte)(left[i] ^ right[i]);
        return result;
    }

    /// <summary>Base64, so printable and without a comma.</summary>
    public static string CreateNonce() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(NonceLength));
}
