using System.Globalization;

namespace ShardProxy.Configuration;

/// <summary>The forms in which PostgreSQL stores a password instead of the password (pg_authid.rolpassword).</summary>
internal static class PasswordVerifier
{
    private const string ScramPrefix = "SCRAM-SHA-256$";
    private const int KeyLength = 32;

    /// <summary>Whether the text means to be a SCRAM verifier.</summary>
    public static bool LooksLikeScram(string text) => text.StartsWith(ScramPrefix, StringComparison.Ordinal);

    /// <summary>SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey, the last three in base64.</summary>
    public static bool IsScram(string text)
    {
        if (!LooksLikeScram(text))
            return false;
        var parts = text[ScramPrefix.Length..].Split('$');
        if (parts.Length != 2)
            return false;
        var exchange = parts[0].Split(':');
        var keys = parts[1].Split(':');
        return exchange.Length == 2 && keys.Length == 2
            && int.TryParse(exchange[0], NumberStyles.None, CultureInfo.InvariantCulture, out var iterations) && iterations > 0
            && DecodedLength(exchange[1]) > 0
            && DecodedLength(keys[0]) == KeyLength && DecodedLength(keys[1]) == KeyLength;
    }

    private static int DecodedLength(string base64)
    {
        var buffer = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, buffer, out var length) ? length : -1;
    }
}
