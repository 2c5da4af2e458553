using System.Diagnostics.CodeAnalysis;

namespace ShardProxy.Catalog;

/// <summary>
/// What a shard's database says it is: which cluster, which of its databases, which shard. It stands on the server as a
/// setting of the database (ALTER DATABASE … SET shardproxy.stamp), so every session there can show it and no schema of
/// the user's carries it.
/// </summary>
/// <param name="Cluster">The directory's uuid.</param>
/// <param name="Database">The name under which the proxy offers the database.</param>
public sealed record Stamp(string Cluster, string Database, string Shard)
{
    public const string Setting = "shardproxy.stamp";

    /// <summary>NULL or empty where there is no stamp. Sent on each new server connection.</summary>
    public const string Query = "SELECT pg_catalog.current_setting('shardproxy.stamp', true)";

    /// <summary>cluster/database/shard. Neither a uuid nor a shard's name holds a slash; a database's name may.</summary>
    public string Format() => $"{Cluster}/{Database}/{Shard}";

    public static bool TryParse(string? text, [NotNullWhen(true)] out Stamp? stamp)
    {
        var first = text?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        var last = text?.LastIndexOf('/') ?? -1;
        stamp = first > 0 && last > first + 1 && last < text!.Length - 1
            ? new Stamp(text[..first], text[(first + 1)..last], text[(last + 1)..])
            : null;
        return stamp is not null;
    }

    /// <summary>Null when a server with the setting <paramref name="found"/> may be used as this shard: it says the same, or nothing yet. Else why not, for the client and the operator.</summary>
    /// <param name="server">Where the server is: "127.0.0.1:5441/shop".</param>
    public string? DescribeMismatch(string? found, string server)
    {
        if (string.IsNullOrEmpty(found) || found == Format())
            return null;
        var wanted = $"shard \"{Shard}\" of database \"{Database}\" in cluster {Cluster}";
        return TryParse(found, out var other)
            ? $"the server {server} is shard \"{other.Shard}\" of database \"{other.Database}\" in cluster {other.Cluster}, not {wanted}"
            : $"the server {server} carries the stamp \"{found}\", which means nothing here; expected was {wanted}";
    }
}
