namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>What a test wants of its proxy; becomes shardproxy.yaml.</summary>
/// <param name="Tables">Table name to its YAML mapping, e.g. <c>{ key: id }</c>.</param>
/// <param name="Limits">Entries of the <c>limits</c> section.</param>
/// <param name="Sections">Further top-level sections as YAML text (<c>authentication</c>, <c>log</c>).</param>
/// <param name="Users">The <c>users</c> list as YAML text; the application's user by default.</param>
/// <param name="Redis">URL of the directory's store; null for the embedded one, which all proxies of a cluster share one after the other.</param>
/// <param name="Environment">Environment variables of the proxy's process.</param>
/// <param name="Engine">The transport engine; null is <see cref="TestEngine"/>'s.</param>
/// <param name="CrossShardWrites">As in the configuration; null leaves it out.</param>
/// <param name="Loops">As in the configuration.</param>
/// <param name="Gather">The database's <c>gather</c> section as a YAML mapping.</param>
/// <param name="ShardPorts">Where the proxy finds each shard, when that is not the shard's own port.</param>
/// <param name="RedisAuthority">PEM file of who signed the certificate of Redis.</param>
/// <param name="Placement">Where sessions live; null is <see cref="TestEngine"/>'s.</param>
public sealed record ProxyOptions(
    IReadOnlyDictionary<string, string>? Tables = null,
    string PoolMode = "transaction",
    int PoolSize = 20,
    int Buckets = 1024,
    IReadOnlyDictionary<string, string>? Limits = null,
    string Sections = "",
    string? Users = null,
    string Tls = "{ mode: disable }",
    IReadOnlyDictionary<string, string>? Environment = null,
    string? Engine = null,
    string? Placement = null,
    int Loops = 0,
    string? Redis = null,
    string Lease = "60s",
    string? CrossShardWrites = null,
    string? Gather = null,
    IReadOnlyList<int>? ShardPorts = null,
    string? RedisAuthority = null)
{
    /// <summary>The file for a proxy that listens on <paramref name="port"/> in front of <paramref name="shards"/>.</summary>
    public string ToYaml(int port, IReadOnlyList<PostgresServer> shards, string directoryPath, string copyPath = "")
    {
        var lines = new List<string>
        {
            $"listen: {{ address: 127.0.0.1:{port}, tls: {Tls} }}",
            $"transport: {{ engine: {Engine ?? TestEngine.Name}, placement: {Placement ?? TestEngine.Placement}, loops: {Loops} }}",
            Users ?? $"users:\n  - {{ name: {PostgresServer.AppUser}, password: {Quoted(PostgresServer.Password)} }}",
        };
        if (Limits is { Count: > 0 })
            lines.Add("limits:\n" + string.Join('\n', Limits.Select(static pair => $"  {pair.Key}: {pair.Value}")));
        if (Sections.Length > 0)
            lines.Add(Sections);
        lines.Add("databases:");
        lines.Add($"  {PostgresServer.Database}:");
        lines.Add($"    buckets: {Buckets}");
        lines.Add($"    pool: {{ mode: {PoolMode}, size: {PoolSize} }}");
        if (Gather is not null)
            lines.Add($"    gather: {Gather}");
        lines.Add(Redis is null
            ? $"    directory: {{ store: embedded, path: {Quoted(directoryPath)} }}"
            : $"    directory: {{ store: redis, url: {Quoted(Redis)}, lease: {Lease}, path: {Quoted(copyPath)}{(RedisAuthority is null ? "" : $", ca: {Quoted(RedisAuthority)}")} }}");
        if (CrossShardWrites is not null)
            lines.Add($"    cross_shard_writes: {CrossShardWrites}");
        lines.Add("    shards:");
        lines.AddRange(shards.Select((shard, index) => $"      - {{ name: s{index}, primary: {Quoted(Target(ShardPorts?[index] ?? shard.Port))} }}"));
        if (Tables is { Count: > 0 })
        {
            lines.Add("    tables:");
            lines.AddRange(Tables.Select(static pair => $"      {pair.Key}: {pair.Value}"));
        }
        return string.Join('\n', lines) + "\n";
    }

    /// <summary>A connection string as the application's user.</summary>
    public static string Target(int port, string database = PostgresServer.Database) =>
        $"host={PostgresServer.Host} port={port} dbname={database} user={PostgresServer.AppUser} " +
        $"password='{PostgresServer.Password.Replace(@"\", @"\\").Replace("'", @"\'")}'";

    /// <summary>For YAML.</summary>
    public static string Quoted(string text) => "\"" + text.Replace(@"\", @"\\").Replace("\"", "\\\"") + "\"";
}
