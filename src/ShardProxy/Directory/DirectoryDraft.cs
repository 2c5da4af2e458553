using ShardProxy.Directory.Lookup;
using ShardProxy.Directory.Placements;

namespace ShardProxy.Directory;

/// <summary>A content while changes are applied to it.</summary>
internal sealed class DirectoryDraft
{
    private readonly DirectoryContent _from;
    private readonly List<int> _reserved = [];

    public DirectoryDraft(DirectoryContent from)
    {
        _from = from;
        Tables = from.Tables.ToDictionary(static table => table.Name);
        Groups = from.Groups.ToDictionary(static group => group.Name, StringComparer.Ordinal);
        Owners = [.. from.ShardOfBucket];
        Moves = [.. from.Moves];
        MoveNumber = from.MoveNumber;
    }

    public Dictionary<QualifiedName, DeclaredTable> Tables { get; }

    public Dictionary<string, KeyGroup> Groups { get; }

    /// <summary>Shards' names, by bucket.</summary>
    public List<string> Owners { get; }

    public List<KeyMove> Moves { get; }

    public long MoveNumber { get; set; }

    /// <summary>A bucket beside those of hashed keys, owned by the shard; one that no group uses any more is taken again.</summary>
    public int NewBucket(string shard)
    {
        var used = Groups.Values.SelectMany(static group => group.Rule.Buckets).Concat(_reserved).ToHashSet();
        var bucket = _from.HashBuckets;
        while (used.Contains(bucket))
            bucket++;
        if (bucket == Owners.Count)
            Owners.Add(shard);
        else
            Owners[bucket] = shard;
        _reserved.Add(bucket);
        return bucket;
    }

    /// <summary>A group without tables is gone, and so is its rule.</summary>
    public DirectoryContent ToContent(long version)
    {
        var live = Tables.Values.Select(static table => table.Distribution.Group).OfType<string>().ToHashSet(StringComparer.Ordinal);
        DeclaredTable[] tables = [.. Tables.Values
            .OrderBy(static table => table.Name.Schema, StringComparer.Ordinal)
            .ThenBy(static table => table.Name.Name, StringComparer.Ordinal)];
        KeyGroup[] groups = [.. Groups.Values
            .Where(group => live.Contains(group.Name))
            .OrderBy(static group => group.Name, StringComparer.Ordinal)];
        return _from with { Version = version, Tables = tables, Groups = groups, ShardOfBucket = Owners, Moves = Moves, MoveNumber = MoveNumber };
    }
}
