using System.Numerics;

namespace ShardProxy.Configuration;

/// <summary>Reads one entry of <c>databases</c>.</summary>
internal static class DatabaseSection
{
    private const int DefaultBuckets = 1024;
    private const int MaximumBuckets = 65_536;
    private const int DefaultPoolSize = 20;

    // Less would ask the store all the time; more would not fit the arrays that index it.
    private const long SmallestLookupCache = 64 << 10;
    private const long LargestLookupCache = 1L << 38;

    public static DatabaseConfig Read(Scalar name, Section section)
    {
        using var _ = section;
        if (!Identifiers.IsPostgresName(name.Text))
            section.Scope.Report(name.At, "A database's name must be from 1 to 63 bytes long.");
        if (name.Text == ReservedNames.AdminDatabase)
            section.Scope.Report(name.At, $"A database cannot be called {name.Text}: that is the admin database.");
        var shards = ShardsSection.Read(section, name.Text);
        return new DatabaseConfig(
            name.Text,
            ReadBuckets(section, shards.Count),
            ReadPool(section.Open("pool")),
            shards,
            TablesSection.Read(section.OpenMap("tables")),
            ReadDirectory(section.Open("directory"), name.Text))
        {
            Gather = GatherSection.Read(section.Open("gather"), shards, name.Text),
            CrossShardWrites = section.Choice(
                "cross_shard_writes",
                CrossShardWrites.Atomic,
                ("atomic", CrossShardWrites.Atomic),
                ("best_effort", CrossShardWrites.BestEffort),
                ("refuse", CrossShardWrites.Refuse)),
        };
    }

    private static int ReadBuckets(Section section, int shards)
    {
        if (section.Find("buckets") is not { } value)
            return DefaultBuckets;
        if (!int.TryParse(value.Text, out var buckets) || buckets is < 2 or > MaximumBuckets || !BitOperations.IsPow2(buckets))
            section.Scope.Report(value.At, $"{value.Path} must be a power of two from 2 to {MaximumBuckets}, not {value.Text}.");
        else if (buckets < shards)
            section.Scope.Report(value.At, $"{value.Path} is {buckets}, fewer than the {shards} shards: some would own nothing.");
        return buckets;
    }

    private static PoolConfig ReadPool(Section section)
    {
        using var _ = section;
        var mode = section.Choice("mode", PoolMode.Transaction, ("transaction", PoolMode.Transaction), ("session", PoolMode.Session));
        return new PoolConfig(mode, section.Number("size", DefaultPoolSize, 1, 10_000));
    }

    private static DirectoryConfig ReadDirectory(Section section, string database)
    {
        using var _ = section;
        var store = section.Choice("store", "embedded", ("embedded", "embedded"), ("redis", "redis"));
        var cache = section.Size("lookup_cache", DirectoryConfig.DefaultLookupCache, SmallestLookupCache, LargestLookupCache);
        if (store == "embedded")
        {
            foreach (var key in (string[])["url", "prefix", "lease", "ca"])
            {
                if (section.Find(key) is { } needless)
                    section.Scope.Report(needless.At, $"{needless.Path} goes with store: redis.");
            }
            return new DirectoryConfig(store, section.FilePath("path") ?? section.Scope.BesideFile(".directory.db")) { LookupCacheBytes = cache };
        }
        RedisTarget? target = null;
        if (section.Require("url") is { } url && !RedisTarget.TryParse(url.Text, out target, out var error))
            section.Scope.Report(url.At, $"{url.Path} {error}.");
        if (section.ExistingFile("ca") is { } authorities && target is not null)
        {
            if (!target.IsEncrypted)
                section.Scope.Report(section.At, $"{section.PathOf("ca")} goes with a url that starts with rediss://.");
            target = target with { AuthorityFile = authorities };
        }
        var prefix = section.Text("prefix") ?? "shardproxy";
        if (prefix.Length == 0 || prefix.Any(static c => c is '{' or '}'))
            section.Scope.Report(section.At, $"{section.PathOf("prefix")} must be a name without braces.");
        return new DirectoryConfig(store, section.FilePath("path") ?? section.Scope.BesideFile($".{database}.directory.json"))
        {
            Redis = target,
            Prefix = prefix,
            Lease = ReadLease(section),
            LookupCacheBytes = cache,
        };
    }

    /// <summary>A lease is renewed twice a second, and Redis may need some seconds to fail over.</summary>
    private static TimeSpan ReadLease(Section section)
    {
        var lease = section.Duration("lease", TimeSpan.FromSeconds(60));
        if (lease < TimeSpan.FromSeconds(5))
            section.Scope.Report(section.At, $"{section.PathOf("lease")} must be at least 5s.");
        return lease;
    }
}
