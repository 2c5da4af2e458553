using System.Collections.Frozen;
using ShardProxy.Directory.Lookup;
using ShardProxy.Directory.Placements;

namespace ShardProxy.Directory;

/// <summary>A table's name in full; compared byte by byte, as PostgreSQL compares folded identifiers.</summary>
public readonly record struct QualifiedName(string Schema, string Name)
{
    public override string ToString() => $"{Schema}.{Name}";
}

public enum TableKind
{
    /// <summary>Rows are spread over the shards by a key column: by its hash, or as the group's rule says.</summary>
    Sharded,

    /// <summary>Every shard holds all rows.</summary>
    Reference,
}

/// <summary>How a declared table is distributed. Tables that nobody declared live on the home shard.</summary>
/// <param name="KeyColumn">Null for reference tables.</param>
/// <param name="Group">Name of the colocation group (the first table's full name); tables of a group share buckets. Null for reference tables.</param>
public sealed record TableDistribution(QualifiedName Table, TableKind Kind, string? KeyColumn, string? Group)
{
    /// <summary>The column that says a row's zone, in a group that is placed by zones; null elsewhere. A row's place then depends on both columns.</summary>
    public string? ZoneColumn { get; init; }

    /// <summary>The group when it is not placed by hash; filled in by who looks at the table in a directory, never by a store.</summary>
    public KeyGroup? Placement { get; init; }

    /// <summary>The columns that together decide where a row is: the zone first. None for reference tables.</summary>
    public IEnumerable<string> KeyColumns => KeyColumn is null ? [] : ZoneColumn is null ? [KeyColumn] : [ZoneColumn, KeyColumn];

    /// <summary>Of <see cref="KeyColumns"/>, those whose values rows on two shards never have in common: the key alone where it has one place in all zones.</summary>
    public IEnumerable<string> PartingColumns => KeyColumn is not null && Placement?.Rule is LookupRule ? [KeyColumn] : KeyColumns;

    /// <summary>For messages: "id", "region and id".</summary>
    public string KeyText => string.Join(" and ", KeyColumns);

    /// <summary>Whether rows with another value in the column may be on another shard.</summary>
    public bool IsKeyColumn(string name) => name == KeyColumn || (ZoneColumn is not null && name == ZoneColumn);
}

/// <summary>
/// Which table is distributed how, and which shard owns which bucket: immutable, swapped whole, numbered by
/// <see cref="Version"/>. Shards are indexes into the database's list of shards; index 0 is the home shard.
/// </summary>
public sealed class DirectorySnapshot
{
    private readonly FrozenDictionary<QualifiedName, TableDistribution> _tables;
    private readonly ushort[] _shardOfBucket;
    private readonly ulong _hashBuckets;

    /// <param name="shardOfBucket">First the buckets of hashed keys, then those of ranges and lists.</param>
    /// <param name="hashBuckets">How many of them hashed keys have; negative for all.</param>
    /// <param name="groups">Those that are not placed by hash.</param>
    public DirectorySnapshot(
        long version, string cluster, IEnumerable<TableDistribution> tables, ushort[] shardOfBucket, int hashBuckets = -1, IReadOnlyList<KeyGroup>? groups = null)
    {
        Version = version;
        Cluster = cluster;
        Groups = (groups ?? []).ToFrozenDictionary(static group => group.Name, StringComparer.Ordinal);
        _tables = tables
            .Select(table => table.Group is { } name && Groups.TryGetValue(name, out var group) ? table with { Placement = group } : table)
            .ToFrozenDictionary(static table => table.Table);
        HasLookups = Groups.Values.Any(static group => group.Rule is LookupRule);
        _shardOfBucket = shardOfBucket;
        _hashBuckets = (ulong)(hashBuckets < 0 ? shardOfBucket.Length : hashBuckets);
    }

    public long Version { get; }

    /// <summary>Others may have distributed tables since: this proxy could not renew its lease in the directory.</summary>
    public bool IsLeaseLost { get; init; }

    /// <summary>Keys whose rows are on their way to another shard; nearly always empty.</summary>
    public IReadOnlyList<KeyMove> Moves { get; init; } = [];

    /// <summary>Grows with each move of a key: where a shard was chosen by an older number, it is to be chosen again.</summary>
    public long MoveNumber { get; init; }

    /// <summary>The move of a key that is on its way; null for nearly all.</summary>
    /// <param name="group">The id of the group's rule.</param>
    public KeyMove? MoveOf(string group, ReadOnlySpan<byte> image)
    {
        for (var index = 0; index < Moves.Count; index++)
        {
            if (Moves[index].IsOf(group, image))
                return Moves[index];
        }
        return null;
    }

    /// <summary>The cluster's id, as the shards' stamps carry it.</summary>
    public string Cluster { get; }

    /// <summary>Buckets of hashed keys: 0 to this. Those of ranges and lists have the numbers behind.</summary>
    public int HashBuckets => (int)_hashBuckets;

    /// <summary>All buckets, of whatever strategy.</summary>
    public int BucketCount => _shardOfBucket.Length;

    /// <summary>Groups that are not placed by hash, by name.</summary>
    public IReadOnlyDictionary<string, KeyGroup> Groups { get; }

    public IReadOnlyDictionary<QualifiedName, TableDistribution> Tables => _tables;

    /// <summary>Some group's keys are placed by look-up.</summary>
    public bool HasLookups { get; }

    public bool HasShardedTables => _tables.Count > 0;

    public TableDistribution? Find(QualifiedName table) => _tables.GetValueOrDefault(table);

    /// <summary>The bucket of a row hash, as satisfies_hash_partition(…, HashBuckets, bucket, key) has it.</summary>
    public int BucketOf(ulong rowHash) => (int)(rowHash % _hashBuckets);

    public int ShardOfBucket(int bucket) => _shardOfBucket[bucket];

    /// <summary>Buckets in equal, contiguous runs: the first placement over <paramref name="shards"/> shards, the same everywhere.</summary>
    public static ushort[] SpreadEvenly(int buckets, int shards)
    {
        var owners = new ushort[buckets];
        for (var bucket = 0; bucket < buckets; bucket++)
            owners[bucket] = (ushort)((long)bucket * shards / buckets);
        return owners;
    }
}
