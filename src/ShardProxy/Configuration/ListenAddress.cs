using System.Globalization;

namespace ShardProxy.Configuration;

/// <summary>"host:port" read: host may be *, a name, an IPv4 address or an IPv6 address in brackets.</summary>
public sealed record ListenAddress(string Host, int Port)
{
    /// <summary>Null when the text is not of the form. Port 0 lets the system choose.</summary>
    public static ListenAddress? TryParse(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon <= 0
            || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port > ushort.MaxValue)
            return null;
        var host = text[..colon];
        if (host is ['[', .., ']'])
        {
            host = host[1..^1];
            return Uri.CheckHostName(host) == UriHostNameType.IPv6 ? new ListenAddress(host, port) : null;
        }
        var valid = host == "*" || Uri.CheckHostName(host) is UriHostNameType.Dns or UriHostNameType.IPv4;
        return valid ? new ListenAddress(host, port) : null;
    }

    public override string ToString() =>
        Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
