using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace ShardProxy.Protocol.Authentication;

/// <summary>
/// PostgreSQL's old password scheme: "md5" and the hex MD5 of password and user name is stored; on the wire that hash is
/// hashed once more with a salt of 4 bytes. Who knows the stored hash can log in, so it is as secret as the password.
/// </summary>
public static class Md5Password
{
    private const string Prefix = "md5";

    /// <summary>The prefix and 32 hexadecimal digits.</summary>
    private const int StoredLength = 35;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    public static bool IsStoredHash(string text) =>
        text.Length == StoredLength && text.StartsWith(Prefix, StringComparison.Ordinal)
        && !text.AsSpan(Prefix.Length).ContainsAnyExcept(HexDigits);

    /// <summary>What PostgreSQL stores for this user and password.</summary>
    public static string Hash(string password, string userName) => Prefix + HexMd5(Encoding.UTF8.GetBytes(password + userName));

    /// <summary>What a client answers to a request with this salt.</summary>
    /// <param name="storedHash">As <see cref="Hash"/> gives it.</param>
    public static string Answer(string storedHash, ReadOnlySpan<byte> salt) =>
        Prefix + HexMd5([.. Encoding.ASCII.GetBytes(storedHash[Prefix.Length..]), .. salt]);

    public static bool Matches(ReadOnlySpan<byte> answer, string storedHash, ReadOnlySpan<byte> salt) =>
        CryptographicOperations.FixedTimeEquals(answer, Encoding.ASCII.GetBytes(Answer(storedHash, salt)));

    private static string HexMd5(ReadOnlySpan<byte> data) => Convert.ToHexStringLower(MD5.HashData(data));
}
