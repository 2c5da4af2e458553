using System.Text;

namespace ShardProxy.Configuration;

/// <summary>What may be a name.</summary>
internal static class Identifiers
{
    /// <summary>NAMEDATALEN - 1 of PostgreSQL (pg_config_manual.h).</summary>
    private const int MaximumBytes = 63;

    public static bool IsPostgresName(string text) =>
        text.Length > 0 && Encoding.UTF8.GetByteCount(text) <= MaximumBytes && !text.Contains('\0', StringComparison.Ordinal);

    /// <summary>Shard names stand in comments, settings, logs and the shards' stamps, so they are plain words.</summary>
    public static bool IsShardName(string text)
    {
        if (!IsPostgresName(text))
            return false;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.'))
                return false;
        }
        return true;
    }
}
