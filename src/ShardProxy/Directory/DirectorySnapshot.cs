using System.Collections.Frozen;

namespace ShardProxy.Directory;

/// <summary>A table's name in full; compared byte by byte, as PostgreSQL compares folded identifiers.</summary>
public readonly record struct QualifiedName(string Schema, string Name)
{
    public override string ToString() => $"{Schema}.{Name}";
}

public enum TableKind
{
    /// <summary>Rows are spread over the shards by the hash of a key column.</summary>
    Sharded,

    /// <summary>Every shard holds all rows.</summary>
    Reference,
}

/// <summary>How a declared table is distributed. Tables that nobody declared live on the home shard.</summary>
/// <param name="KeyColumn">Null for reference tables.</param>
/// <param name="Group">Name of the colocation group (the first table's full name); tables of a group share buckets. Null for reference tables.</param>
public sealed record TableDistribution(QualifiedName Table, TableKind Kind, string? KeyColumn, string? Group);

/// <summary>
/// Which table is distributed how, and which shard owns which bucket: immutable, swapped whole, numbered by
/// <see cref="Version"/>. Shards are indexes into the database's list of shards; index 0 is the home shard.
/// </summary>
public sealed class DirectorySnapshot
{
    private readonly FrozenDictionary<QualifiedName, TableDistribution> _tables;
    private readonly ushort[] _shardOfBucket;

    public DirectorySnapshot(long version, string cluster, IEnumerable<TableDistribution> tables, ushort[] shardOfBucket)
    {
        Version = version;
        Cluster = cluster;
        _tables = tables.ToFrozenDictionary(static table => table.Table);
        _shardOfBucket = shardOfBucket;
    }

    public long Version { get; }

    /// <summary>The cluster's id, as the shards' stamps carry it.</summary>
    public string Cluster { get; }

    public int BucketCount => _shardOfBucket.Length;

    public IReadOnlyDictionary<QualifiedName, TableDistribution> Tables => _tables;

    public bool HasShardedTables => _tables.Count > 0;

    public TableDistribution? Find(QualifiedName table) => _tables.GetValueOrDefault(table);

    /// <summary>The bucket of a row hash, as satisfies_hash_partition(…, BucketCount, bucket, key) has it.</summary>
    public int BucketOf(ulong rowHash) => (int)(rowHash % (ulong)_shardOfBucket.Length);

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
