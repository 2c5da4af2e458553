using ShardProxy.Directory.Lookup;
using ShardProxy.Directory.Placements;

namespace ShardProxy.Directory;

/// <summary>
/// One database's part of a store, at one version: what <see cref="DirectorySnapshot"/> is made of. Shards are named
/// here, so that the order in a configuration file means nothing to the store.
/// </summary>
/// <param name="Version">Starts at 1 and grows by one with each change.</param>
/// <param name="Cluster">The id (a uuid) of the cluster that the store describes.</param>
/// <param name="ShardOfBucket">The owner's name, by bucket: first the buckets of hashed keys, then those of other strategies.</param>
/// <param name="HashBuckets">How many buckets hashed keys have.</param>
/// <param name="Groups">Colocation groups that are not placed by hash, in the order of their names.</param>
public sealed record DirectoryContent(
    string Database,
    long Version,
    string Cluster,
    IReadOnlyList<string> ShardOfBucket,
    int HashBuckets,
    IReadOnlyList<DeclaredTable> Tables,
    IReadOnlyList<KeyGroup> Groups)
{
    /// <summary>Shards that came after the database was made, in the order in which they joined.</summary>
    public IReadOnlyList<JoinedShard> Shards { get; init; } = [];

    /// <summary>Keys that are being moved, in the order of their numbers.</summary>
    public IReadOnlyList<KeyMove> Moves { get; init; } = [];

    /// <summary>The number of the last move that was begun.</summary>
    public long MoveNumber { get; init; }

    /// <summary>A name that no other change has; empty in a store that only one proxy changes.</summary>
    public string Revision { get; init; } = "";

    public KeyGroup? FindGroup(string name)
    {
        foreach (var group in Groups)
        {
            if (group.Name == name)
                return group;
        }
        return null;
    }

    /// <summary>How a table is distributed, with its group.</summary>
    public TableDistribution? DistributionOf(QualifiedName name) =>
        Find(name)?.Distribution is { } table ? table with { Placement = table.Group is { } group ? FindGroup(group) : null } : null;

    public DeclaredTable? Find(QualifiedName name)
    {
        foreach (var table in Tables)
        {
            if (table.Name == name)
                return table;
        }
        return null;
    }

    /// <summary>The content after <paramref name="changes"/>, with the next version. Every store applies changes through this one place.</summary>
    /// <exception cref="DirectoryException">A change does not fit, such as a table that is declared already.</exception>
    public DirectoryContent Apply(IReadOnlyList<DirectoryChange> changes)
    {
        var draft = new DirectoryDraft(this);
        foreach (var change in changes)
            change.ApplyTo(draft);
        return draft.ToContent(Version + 1);
    }

    /// <param name="shards">The configured shards' names in order; their positions are the snapshot's indexes.</param>
    /// <param name="cache">Where keys of lookup groups live, as far as it is known.</param>
    /// <exception cref="DirectoryException">A bucket belongs to a shard that is not configured.</exception>
    public DirectorySnapshot ToSnapshot(IReadOnlyList<string> shards, LookupCache cache, bool leaseLost = false)
    {
        foreach (var group in Groups)
            group.Cache = cache;
        var indexes = new Dictionary<string, ushort>(StringComparer.Ordinal);
        for (var index = 0; index < shards.Count; index++)
            indexes.Add(shards[index], (ushort)index);
        var missing = ShardOfBucket.Where(name => !indexes.ContainsKey(name)).Distinct(StringComparer.Ordinal).ToArray();
        if (missing.Length > 0)
        {
            throw new DirectoryException(
                $"database \"{Database}\": the directory says that buckets live on {string.Join(", ", missing.Select(static name => $"shard \"{name}\""))}, "
                + $"but the configuration knows only {string.Join(", ", shards.Select(static name => $"\"{name}\""))}");
        }
        return new DirectorySnapshot(
            Version,
            Cluster,
            Tables.Select(static table => table.Distribution),
            [.. ShardOfBucket.Select(name => indexes[name])],
            HashBuckets,
            Groups)
        {
            IsLeaseLost = leaseLost,
            Moves = Moves,
            MoveNumber = MoveNumber,
        };
    }
}
