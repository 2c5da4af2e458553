using StackExchange.Redis;

namespace ShardProxy.Directory.Redis;

/// <summary>Names of keys. The prefix stands in braces: it is the hash tag that puts all keys into one slot of a Redis Cluster.</summary>
internal sealed class RedisKeys(string prefix)
{
    private readonly string _root = $"{{{prefix}}}:";

    public string Cluster => _root + "cluster";

    public RedisChannel EveryChannel => new(Escape(_root) + "changes:*", RedisChannel.PatternMode.Pattern);

    public string Database(string name) => $"{_root}database:{name}";

    public string History(string name) => $"{_root}history:{name}";

    public string Proxies(string name) => $"{_root}proxies:{name}";

    public string Epoch(string name) => $"{_root}epoch:{name}";

    public string Places(string name, string group) => $"{_root}places:{name}:{group}";

    public string Counts(string name, string group) => $"{_root}counts:{name}:{group}";

    public string LookupGroups(string name) => $"{_root}lookups:{name}";

    public string Channel(string name) => $"{_root}changes:{name}";

    public string? DatabaseOf(string channel) =>
        channel.StartsWith(_root + "changes:", StringComparison.Ordinal) ? channel[(_root.Length + "changes:".Length)..] : null;

    /// <summary>For Redis' glob patterns.</summary>
    private static string Escape(string text) =>
        string.Concat(text.Select(static c => c is '*' or '?' or '[' or ']' or '\\' ? $"\\{c}" : c.ToString()));
}
