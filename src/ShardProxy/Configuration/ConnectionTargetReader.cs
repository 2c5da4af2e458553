using System.Globalization;

namespace ShardProxy.Configuration;

/// <summary>
/// Reads where a shard is, as libpq would: keyword/value strings and postgres:// URLs. Its errors name options and
/// never repeat the text, in which a password may stand.
/// </summary>
public static class ConnectionTargetReader
{
    private const int DefaultPort = 5432;

    private static readonly string[] Options = ["host", "hostaddr", "port", "dbname", "user", "password", "sslmode", "sslrootcert"];

    private static readonly Dictionary<string, ServerTlsMode> SslModes = new(StringComparer.Ordinal)
    {
        ["disable"] = ServerTlsMode.Disable,
        ["prefer"] = ServerTlsMode.Prefer,
        ["require"] = ServerTlsMode.Require,
        ["verify-ca"] = ServerTlsMode.VerifyCa,
        ["verify-full"] = ServerTlsMode.VerifyFull,
    };

    /// <summary>The target, or null with at least one error added.</summary>
    /// <param name="defaultDatabase">Used when the text names none.</param>
    /// <param name="like">Whose user, password, sslmode and sslrootcert count when the text says nothing of them.</param>
    public static ConnectionTarget? Read(string text, string defaultDatabase, ICollection<string> errors, ConnectionTarget? like = null)
    {
        var before = errors.Count;
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        var problem = ConnectionUrl.IsUrl(text) ? ConnectionUrl.Read(text, options) : KeywordValueText.Read(text, options);
        if (problem is not null)
        {
            errors.Add(problem);
            return null;
        }
        foreach (var name in options.Keys)
        {
            if (!Options.Contains(name))
                errors.Add($"the connection option {name} is not known here{Suggestion.For(name, Options)}");
        }
        var host = options.GetValueOrDefault("hostaddr") is { Length: > 0 } address ? address : options.GetValueOrDefault("host", "");
        if (host.Length == 0)
            errors.Add("host is missing");
        else if (host.Contains(',', StringComparison.Ordinal))
            errors.Add("host must be one server, not a list");
        var user = options.GetValueOrDefault("user", like?.User ?? "");
        if (user.Length == 0)
            errors.Add("user is missing");
        var port = ReadPort(options.GetValueOrDefault("port", ""), errors);
        var rootCertificate = options.GetValueOrDefault("sslrootcert") ?? like?.SslRootCertificate;
        var mode = like is not null && !options.ContainsKey("sslmode") ? like.SslMode : ReadSslMode(options.GetValueOrDefault("sslmode", ""), rootCertificate, errors);
        if (errors.Count > before)
            return null;
        var database = options.GetValueOrDefault("dbname") is { Length: > 0 } named ? named : defaultDatabase;
        var password = options.GetValueOrDefault("password") is { Length: > 0 } secret ? secret : like?.Password;
        // "system" is libpq's word for the operating system's own certificates, which null stands for.
        return new ConnectionTarget(host, port, database, user, password, mode, rootCertificate is "system" or "" ? null : rootCertificate);
    }

    /// <summary>Null when there is no such mode.</summary>
    public static ServerTlsMode? ModeOf(string word) => SslModes.TryGetValue(word, out var mode) ? mode : null;

    public static string WordOf(ServerTlsMode mode) => SslModes.First(pair => pair.Value == mode).Key;

    private static int ReadPort(string text, ICollection<string> errors)
    {
        if (text.Length == 0)
            return DefaultPort;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= ushort.MaxValue)
            return port;
        errors.Add("port must be a whole number from 1 to 65535");
        return DefaultPort;
    }

    private static ServerTlsMode ReadSslMode(string text, string? rootCertificate, ICollection<string> errors)
    {
        // As in libpq, sslrootcert=system asks for full verification, and a root certificate turns require into verify-ca.
        if (text.Length == 0)
            return rootCertificate == "system" ? ServerTlsMode.VerifyFull : ServerTlsMode.Prefer;
        if (!SslModes.TryGetValue(text, out var mode))
        {
            errors.Add($"sslmode must be {Words.OneOf([.. SslModes.Keys])}");
            return ServerTlsMode.Prefer;
        }
        if (rootCertificate == "system" && mode != ServerTlsMode.VerifyFull)
            errors.Add("sslrootcert=system needs sslmode=verify-full");
        return mode == ServerTlsMode.Require && rootCertificate is { Length: > 0 } ? ServerTlsMode.VerifyCa : mode;
    }
}
