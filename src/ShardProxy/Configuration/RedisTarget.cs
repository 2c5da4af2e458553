using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ShardProxy.Configuration;

/// <summary>
/// redis://[:password@]host[:port][,host[:port]…][/database], and rediss:// for TLS. Several addresses are the nodes of a
/// Redis Cluster, or a primary and its replicas.
/// </summary>
public sealed record RedisTarget(IReadOnlyList<(string Host, int Port)> Addresses, bool IsEncrypted, string? Password, int Database)
{
    private const int DefaultPort = 6379;

    /// <summary>PEM file with the authorities that may have signed its certificate; null for the system's.</summary>
    public string? AuthorityFile { get; init; }

    public static bool TryParse(string text, [NotNullWhen(true)] out RedisTarget? target, out string error)
    {
        target = null;
        error = "must start with redis:// or rediss://";
        var encrypted = text.StartsWith("rediss://", StringComparison.OrdinalIgnoreCase);
        if (!encrypted && !text.StartsWith("redis://", StringComparison.OrdinalIgnoreCase))
            return false;
        var rest = text[(text.IndexOf("://", StringComparison.Ordinal) + 3)..];
        string? password = null;
        var at = rest.LastIndexOf('@');
        if (at >= 0)
        {
            var login = rest[..at];
            rest = rest[(at + 1)..];
            var colon = login.IndexOf(':', StringComparison.Ordinal);
            error = "must have its password as redis://:password@host; users of Redis' access lists are not supported";
            if (colon < 0 || (colon > 0 && login[..colon] != "default"))
                return false;
            password = Uri.UnescapeDataString(login[(colon + 1)..]);
        }
        var database = 0;
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0)
        {
            error = "must end in a database's number, such as /0";
            if (rest.Length > slash + 1 && !int.TryParse(rest[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out database))
                return false;
            rest = rest[..slash];
        }
        var addresses = new List<(string, int)>();
        foreach (var part in rest.Split(','))
        {
            var colon = part.LastIndexOf(':');
            var host = (colon < 0 ? part : part[..colon]).Trim('[', ']');
            var port = DefaultPort;
            error = $"has the address \"{part}\", which is not host:port";
            if (host.Length == 0 || (colon >= 0 && (!int.TryParse(part[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535)))
                return false;
            addresses.Add((host, port));
        }
        target = new RedisTarget(addresses, encrypted, password, database);
        return true;
    }

    public bool Equals(RedisTarget? other) =>
        other is not null && Addresses.SequenceEqual(other.Addresses) && (IsEncrypted, Password, Database, AuthorityFile) == (other.IsEncrypted, other.Password, other.Database, other.AuthorityFile);

    public override int GetHashCode() => HashCode.Combine(Addresses.Count, IsEncrypted, Password, Database);

    /// <summary>For messages: never carries the password.</summary>
    public override string ToString() =>
        $"{(IsEncrypted ? "rediss" : "redis")}://{string.Join(',', Addresses.Select(static address => $"{address.Host}:{address.Port}"))}/{Database}";
}
