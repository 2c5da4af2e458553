using System.Collections.Frozen;
using ShardProxy.Catalog;
using ShardProxy.Control.Shards;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Loading;

/// <summary>One load's result over all shards.</summary>
/// <param name="Shards">By shard index; index 0 is the home shard's own. Null while the shard was never read.</param>
/// <param name="Failures">By shard index: why this load did not read the shard, so that an older reading or none stands in <paramref name="Shards"/>.</param>
internal sealed record LoadedCatalog(HomeCatalog Home, IReadOnlyList<ShardObjects?> Shards, IReadOnlyList<SqlException?> Failures)
{
    /// <summary>Every shard was read by this load.</summary>
    public bool IsComplete => Failures.All(static failure => failure is null);

    /// <summary>Every shard has been read by some load.</summary>
    public bool KnowsEveryShard => Shards.All(static shard => shard is not null);

    /// <summary>Also for shards that joined after the load began: they were read by another or are not known yet.</summary>
    public LoadedCatalog For(IReadOnlyList<string> shards, LoadedCatalog? other) => shards.Count <= Shards.Count ? this : this with
    {
        Shards = [.. Shards, .. Enumerable.Range(Shards.Count, shards.Count - Shards.Count).Select(index => other?.Shards.ElementAtOrDefault(index))],
        Failures = [.. Failures, .. shards.Skip(Failures.Count).Select(static name => new SqlException(SqlStates.CannotConnectNow, $"shard \"{name}\" has just joined"))],
    };

    /// <summary>Whether a snapshot made of <paramref name="other"/> says the same.</summary>
    public bool SaysTheSameAs(LoadedCatalog other) =>
        Home.Fingerprint == other.Home.Fingerprint
        && Shards.Select(static shard => shard?.Fingerprint).SequenceEqual(other.Shards.Select(static shard => shard?.Fingerprint));

    public CatalogSnapshot ToSnapshot(long version)
    {
        var maps = Shards.Select(shard => shard is null || ReferenceEquals(shard, Home.Objects) ? ObjectIdMap.Identity : ObjectIdMaps.Build(Home.Objects, shard));
        var home = Home.Objects.Nature;
        return new CatalogSnapshot(version, home.ServerVersion, Home.Relations, Home.Functions, [.. maps])
        {
            DefaultOrdersByBytes = home.OrdersByBytes,
            ShardDifferences = [.. Shards.Select(shard => shard?.Nature.DifferencesFrom(home) ?? [])],
            Schemas = Home.Schemas.ToFrozenSet(StringComparer.Ordinal),
            KnownShards = [.. Shards.Select(static shard => shard is not null)],
        };
    }
}
