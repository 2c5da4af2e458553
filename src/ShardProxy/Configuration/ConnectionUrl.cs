using System.Text;

namespace ShardProxy.Configuration;

/// <summary>
/// libpq's URL form: <c>postgresql://user:password@host:port/dbname?option=value</c>, every part of it optional and
/// percent-encoded. <see cref="Uri"/> is not used: it refuses hosts such as %2Frun%2Fpostgresql.
/// </summary>
internal static class ConnectionUrl
{
    private static readonly string[] Schemes = ["postgres://", "postgresql://"];

    public static bool IsUrl(string text) => Schemes.Any(scheme => text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase));

    /// <summary>Null, or what is wrong, without the text itself.</summary>
    public static string? Read(string text, Dictionary<string, string> options)
    {
        var rest = text[(text.IndexOf("://", StringComparison.Ordinal) + 3)..];
        var query = Split(ref rest, '?');
        var database = Split(ref rest, '/');
        // A password may hold an unescaped @; the last one separates, and no host holds one.
        var at = rest.LastIndexOf('@');
        string? problem = null;
        if (at >= 0)
        {
            var user = rest[..at];
            var password = Split(ref user, ':');
            problem = Set(options, "user", user) ?? Set(options, "password", password);
            rest = rest[(at + 1)..];
        }
        return problem ?? ReadHost(rest, options) ?? Set(options, "dbname", database) ?? ReadQuery(query, options);
    }

    private static string? ReadHost(string text, Dictionary<string, string> options)
    {
        if (!text.StartsWith('['))
        {
            var port = Split(ref text, ':');
            return Set(options, "host", text) ?? Set(options, "port", port);
        }
        var end = text.IndexOf(']', StringComparison.Ordinal);
        if (end < 0)
            return "the address in the connection URL has no closing ]";
        var after = text[(end + 1)..];
        if (after.Length > 0 && after[0] != ':')
            return "the connection URL has something other than a port after the ]";
        return Set(options, "host", text[1..end]) ?? Set(options, "port", after.Length > 1 ? after[1..] : null);
    }

    private static string? ReadQuery(string? query, Dictionary<string, string> options)
    {
        foreach (var pair in (query ?? "").Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var name = pair;
            var value = Split(ref name, '=');
            if (value is null)
                return "an option in the connection URL has no value";
            if (Decode(name) is not { } decoded)
                return "the connection URL has a % that two hexadecimal digits do not follow";
            if (Set(options, decoded, value) is { } problem)
                return problem;
        }
        return null;
    }

    /// <summary>Cuts the text before the separator; returns what stands after it, null without one.</summary>
    private static string? Split(ref string text, char separator)
    {
        var index = text.IndexOf(separator, StringComparison.Ordinal);
        if (index < 0)
            return null;
        var after = text[(index + 1)..];
        text = text[..index];
        return after;
    }

    private static string? Set(Dictionary<string, string> options, string name, string? value)
    {
        if (string.IsNullOrEmpty(value))
            return null;
        if (Decode(value) is not { } decoded)
            return $"{name} in the connection URL has a % that two hexadecimal digits do not follow";
        options[name] = decoded;
        return null;
    }

    private static string? Decode(string text)
    {
        if (!text.Contains('%', StringComparison.Ordinal))
            return text;
        var bytes = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '%')
            {
                var length = char.IsHighSurrogate(text[i]) && i + 1 < text.Length ? 2 : 1;
                bytes.AddRange(Encoding.UTF8.GetBytes(text.Substring(i, length)));
                i += length - 1;
                continue;
            }
            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                return null;
            bytes.Add(Convert.ToByte(text.Substring(i + 1, 2), 16));
            i += 2;
        }
        return Encoding.UTF8.GetString([.. bytes]);
    }
}
