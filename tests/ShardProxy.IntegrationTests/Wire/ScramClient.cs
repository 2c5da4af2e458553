using System.Security.Cryptography;
using System.Text;

namespace ShardProxy.IntegrationTests.Wire;

/// <summary>The client's side of SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677).</summary>
internal sealed class ScramClient(string password)
{
    private readonly string _firstBare = "n=,r=" + Convert.ToBase64String(RandomNumberGenerator.GetBytes(18));
    private byte[] _serverSignature = [];

    public string First => "n,," + _firstBare;

    public string Final(string serverFirst)
    {
        var parts = serverFirst.Split(',').ToDictionary(static part => part[0], static part => part[2..]);
        if (!parts['r'].StartsWith(_firstBare[5..], StringComparison.Ordinal))
            throw new InvalidDataException("The server's nonce does not continue ours");
        var salted = Rfc2898DeriveBytes.Pbkdf2(
            Encoding.UTF8.GetBytes(password), Convert.FromBase64String(parts['s']), int.Parse(parts['i']), HashAlgorithmName.SHA256, 32);
        var clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
        var withoutProof = "c=biws,r=" + parts['r'];
        var message = Encoding.UTF8.GetBytes($"{_firstBare},{serverFirst},{withoutProof}");
        var signature = HMACSHA256.HashData(SHA256.HashData(clientKey), message);
        var proof = new byte[32];
        for (var index = 0; index < proof.Length; index++)
            proof[index] = (byte)(clientKey[index] ^ signature[index]);
        _serverSignature = HMACSHA256.HashData(HMACSHA256.HashData(salted, "Server Key"u8), message);
        return $"{withoutProof},p={Convert.ToBase64String(proof)}";
    }

    public void Verify(string serverFinal)
    {
        if (serverFinal != "v=" + Convert.ToBase64String(_serverSignature))
            throw new InvalidDataException("The server does not know the password: " + serverFinal);
    }
}
