using System.Security.Cryptography;
using System.Text;

namespace ShardProxy.Sessions.Committing;

/// <summary>
/// What only the session that commits knows. The prepared parts, which every user of a server can see, carry its hash;
/// only who knows the secret can have a commit recorded for it, so no client can decide another's transaction.
/// </summary>
public static class CommitSecret
{
    /// <summary>Hexadecimal digits of <see cref="IdOf"/>: 128 bits.</summary>
    public const int IdLength = 32;

    /// <summary>128 random bits as hexadecimal digits.</summary>
    public static string Create() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>As the servers' function computes it: the first half of the SHA-256 of the secret's text.</summary>
    public static string IdOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(secret)))[..IdLength];
}
