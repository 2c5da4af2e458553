using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;

namespace ShardProxy.Protocol.Authentication;

/// <summary>
/// What PostgreSQL stores in place of a password (pg_authid.rolpassword): a client can be checked against it, but it
/// does not let anyone log in.
/// </summary>
/// <param name="StoredKey">SHA-256 of the client key, 32 bytes.</param>
/// <param name="ServerKey">32 bytes; proves to a client that the server knows the verifier.</param>
public sealed record ScramVerifier(int Iterations, byte[] Salt, byte[] StoredKey, byte[] ServerKey)
{
    /// <summary>PostgreSQL's default (scram_iterations).</summary>
    public const int DefaultIterations = 4096;

    /// <summary>Bytes of a salt that PostgreSQL makes.</summary>
    public const int DefaultSaltLength = 16;

    private const string Prefix = "SCRAM-SHA-256$";

    public static ScramVerifier Create(string password) =>
        Create(password, RandomNumberGenerator.GetBytes(DefaultSaltLength), DefaultIterations);

    public static ScramVerifier Create(string password, byte[] salt, int iterations)
    {
        var keys = ScramKeys.Derive(password, salt, iterations);
        return new ScramVerifier(iterations, salt, SHA256.HashData(keys.ClientKey), keys.ServerKey);
    }

    /// <summary>Reads "SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey", the last three in base64.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ScramVerifier? verifier)
    {
        verifier = null;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
            return false;
        var halves = text[Prefix.Length..].Split('$');
        if (halves.Length != 2)
            return false;
        var exchange = halves[0].Split(':');
        var keys = halves[1].Split(':');
        if (exchange.Length != 2 || keys.Length != 2)
            return false;
        if (!int.TryParse(exchange[0], NumberStyles.None, CultureInfo.InvariantCulture, out var iterations) || iterations == 0)
            return false;
        if (!TryDecode(exchange[1], out var salt) || !TryDecode(keys[0], out var storedKey) || !TryDecode(keys[1], out var serverKey))
            return false;
        if (salt.Length == 0 || storedKey.Length != ScramCrypto.KeyLength || serverKey.Length != ScramCrypto.KeyLength)
            return false;
        verifier = new ScramVerifier(iterations, salt, storedKey, serverKey);
        return true;
    }

    /// <summary>The form that <see cref="TryParse"/> reads and that ALTER ROLE … PASSWORD takes.</summary>
    public string Format() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Prefix}{Iterations}:{Convert.ToBase64String(Salt)}${Convert.ToBase64String(StoredKey)}:{Convert.ToBase64String(ServerKey)}");

    /// <summary>Whether a password in the clear is the one behind this verifier.</summary>
    public bool Matches(string password)
    {
        var keys = ScramKeys.Derive(password, Salt, Iterations);
        return CryptographicOperations.FixedTimeEquals(keys.ServerKey, ServerKey);
    }

    /// <summary>For messages: never the keys.</summary>
    public override string ToString() => nameof(ScramVerifier);

    private static bool TryDecode(string base64, out byte[] bytes)
    {
        bytes = new byte[base64.Length];
        if (!Convert.TryFromBase64String(base64, bytes, out var length))
            return false;
        Array.Resize(ref bytes, length);
        return true;
    }
}
