namespace ShardProxy.Configuration;

/// <summary>What a changed file means for a running proxy.</summary>
/// <param name="Effective">The configuration to go on with: the new one, with the old values where only a restart can change them.</param>
/// <param name="Applied">What changes now, in words.</param>
/// <param name="NeedsRestart">What stays as it was until a restart, in words.</param>
public sealed record ReloadOutcome(ProxyConfig Effective, IReadOnlyList<string> Applied, IReadOnlyList<string> NeedsRestart);

/// <summary>
/// Compares the file as it was with the file as it is. Users, TLS, most limits, pool sizes, tables, further shards, gathers,
/// the log's level and the slow-query bound change while running; the address, buckets and caches do not.
/// </summary>
public static class ConfigurationReload
{
    public static ReloadOutcome Compare(ProxyConfig running, ProxyConfig changed)
    {
        var comparison = new Comparison();
        var effective = changed with
        {
            Listen = new ListenConfig(
                comparison.Keep("listen.address", running.Listen.Address, changed.Listen.Address),
                comparison.Take("listen.tls", running.Listen.Tls, changed.Listen.Tls)),
            Databases = CompareDatabases(comparison, running.Databases, changed.Databases),
            Limits = CompareLimits(comparison, running.Limits, changed.Limits),
            Log = CompareLog(comparison, running.Log, changed.Log),
            Authentication = comparison.Keep("authentication", running.Authentication, changed.Authentication),
            Transport = comparison.Keep("transport", running.Transport, changed.Transport),
        };
        if (!running.Users.SequenceEqual(changed.Users))
            comparison.Applied.Add("users");
        return new ReloadOutcome(effective, comparison.Applied, comparison.NeedsRestart);
    }

    private static List<DatabaseConfig> CompareDatabases(Comparison comparison, IReadOnlyList<DatabaseConfig> running, IReadOnlyList<DatabaseConfig> changed)
    {
        var effective = new List<DatabaseConfig>();
        foreach (var old in running)
        {
            var path = $"databases.{old.Name}";
            var now = changed.FirstOrDefault(database => database.Name == old.Name);
            if (now is null)
                comparison.NeedsRestart.Add($"{path} (removed)");
            effective.Add(now is null ? old : CompareDatabase(comparison, path, old, now));
        }
        foreach (var added in changed.Where(database => running.All(old => old.Name != database.Name)))
            comparison.NeedsRestart.Add($"databases.{added.Name} (added)");
        return effective;
    }

    private static DatabaseConfig CompareDatabase(Comparison comparison, string path, DatabaseConfig old, DatabaseConfig now)
    {
        var shards = CompareShards(comparison, path, old.Shards, now.Shards);
        // Tables that are new in the file are declared as create_distributed_table would; what cannot be is logged then.
        if (!SameTables(old.Tables, now.Tables))
            comparison.Applied.Add($"{path}.tables");
        return now with
        {
            Buckets = comparison.Keep($"{path}.buckets", old.Buckets, now.Buckets),
            Pool = new PoolConfig(
                comparison.Keep($"{path}.pool.mode", old.Pool.Mode, now.Pool.Mode),
                comparison.Take($"{path}.pool.size", old.Pool.Size, now.Pool.Size)),
            Shards = shards,
            Directory = comparison.Keep($"{path}.directory", old.Directory, now.Directory),
            Gather = comparison.Take($"{path}.gather", old.Gather, now.Gather),
            CrossShardWrites = comparison.Take($"{path}.cross_shard_writes", old.CrossShardWrites, now.CrossShardWrites),
        };
    }

    /// <summary>Shards may come; those that are there stay as and where they are, the home shard first.</summary>
    private static IReadOnlyList<ShardConfig> CompareShards(Comparison comparison, string path, IReadOnlyList<ShardConfig> old, IReadOnlyList<ShardConfig> now)
    {
        var added = now.Where(shard => old.All(known => known.Name != shard.Name)).ToArray();
        if (!old.SequenceEqual(now.Except(added)))
            comparison.NeedsRestart.Add($"{path}.shards");
        else if (added.Length > 0)
            comparison.Applied.Add($"{path}.shards");
        else
            return old;
        return [.. old, .. added];
    }

    private static bool SameTables(IReadOnlyDictionary<string, TableConfig> old, IReadOnlyDictionary<string, TableConfig> now) =>
        old.Count == now.Count && old.All(pair => now.TryGetValue(pair.Key, out var other) && other == pair.Value);

    private static LimitsConfig CompareLimits(Comparison comparison, LimitsConfig old, LimitsConfig now)
    {
        var effective = now with
        {
            MaxMessageBytes = comparison.Keep("limits.max_message_bytes", old.MaxMessageBytes, now.MaxMessageBytes),
            ConnectTimeout = comparison.Keep("limits.connect_timeout", old.ConnectTimeout, now.ConnectTimeout),
            StatementCacheBytes = comparison.Keep("limits.statement_cache", old.StatementCacheBytes, now.StatementCacheBytes),
            PreparedStatementCacheBytes = comparison.Keep(
                "limits.prepared_statement_cache", old.PreparedStatementCacheBytes, now.PreparedStatementCacheBytes),
        };
        return comparison.Take("limits", old, effective);
    }

    private static LogConfig CompareLog(Comparison comparison, LogConfig old, LogConfig now) => new(
        comparison.Keep("log.format", old.Format, now.Format),
        comparison.Take("log.level", old.Level, now.Level),
        comparison.Take("log.slow_query", old.SlowQuery, now.SlowQuery));

    private sealed class Comparison
    {
        public List<string> Applied { get; } = [];

        public List<string> NeedsRestart { get; } = [];

        public T Keep<T>(string path, T old, T now)
        {
            if (!EqualityComparer<T>.Default.Equals(old, now))
                NeedsRestart.Add(path);
            return old;
        }

        public T Take<T>(string path, T old, T now)
        {
            if (!EqualityComparer<T>.Default.Equals(old, now))
                Applied.Add(path);
            return now;
        }
    }
}
