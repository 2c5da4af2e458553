using System.Security.Cryptography;
using System.Text;

namespace ShardProxy.Protocol.Authentication;

/// <summary>
/// Verifiers for users who do not exist, so that an exchange with them looks like one with a wrong password. A name has
/// the same salt every time, or asking twice would tell.
/// </summary>
/// <param name="secret">Random and private; the same as long as the answers should stay the same.</param>
public sealed class ScramMockVerifiers(byte[] secret)
{
    public static ScramMockVerifiers CreateRandom() => new(RandomNumberGenerator.GetBytes(32));

    /// <summary>No password matches it: finding one would invert SHA-256 at zero.</summary>
    public ScramVerifier For(string userName)
    {
        var salt = ScramCrypto.Hmac(secret, Encoding.UTF8.GetBytes(userName))[..ScramVerifier.DefaultSaltLength];
        return new ScramVerifier(ScramVerifier.DefaultIterations, salt, new byte[ScramCrypto.KeyLength], new byte[ScramCrypto.KeyLength]);
    }
}
