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
        Shards = [.. from.Shards];
        Moves = [.. from.Moves];
        MoveNumber = from.MoveNumber;
    }

    public Dictionary<QualifiedName, DeclaredTable> Tables { get; }

    public Dictionary<string, KeyGroup> Groups { get; }

    /// <summary>Shards' names, by bucket.</summary>
    public List<string> Owners { get; }

    public List<JoinedShard> Shards { get; }

    public List<KeyMove> Moves { get; }

    public long MoveNumber { get; set; }

    public int HashBuckets => _from.HashBuckets;

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

    /// <summary>A run of buckets beside those of hashed keys, spread evenly over the shards.</summary>
    /// <returns>The first one's number.</returns>
    public int NewBuckets(IReadOnlyList<string> shards, int count)
    {
        var used = Groups.Values.SelectMany(static group => group.Rule.Buckets).Concat(_reserved).ToHashSet();
        var first = _from.HashBuckets;
        for (var bucket = first; bucket < first + count; bucket++)
        {
            if (used.Contains(bucket))
                first = bucket + 1;
        }
        var owners = DirectorySnapshot.SpreadEvenly(count, shards.Count);
        while (Owners.Count < first + count)
            Owners.Add(shards[0]);
        for (var position = 0; position < count; position++)
        {
            Owners[first + position] = shards[owners[position]];
            _reserved.Add(first + position);
        }
        return first;
    }

    /// <summary>A group without tables is gone, and so is its rule.</summary>
    /// <exception cref="DirectoryException">A bucket would be on a shard outside of its zone.</exception>
    public DirectoryContent ToContent(long version)
    {
        var live = Tables.Values.Select(static table => table.Distribution.Group).OfType<string>().ToHashSet(StringComparer.Ordinal);
        DeclaredTable[] tables = [.. Tables.Values
            .OrderBy(static table => table.Name.Schema, StringComparer.Ordinal)
            .ThenBy(static table => table.Name.Name, StringComparer.Ordinal)];
        KeyGroup[] groups = [.. Groups.Values
            .Where(group => live.Contains(group.Name))
            .OrderBy(static group => group.Name, StringComparer.Ordinal)];
        foreach (var group in groups)
            EnsureResidency(group);
        return _from with
        {
            Version = version,
            Tables = tables,
            Groups = groups,
            ShardOfBucket = Owners,
            Shards = Shards,
            Moves = Moves,
            MoveNumber = MoveNumber,
        };
    }

    private void EnsureResidency(KeyGroup group)
    {
        if (group.Rule is LookupRule { HasZones: true } lookup)
        {
            EnsureResidency(lookup, group.Name);
            return;
        }
        if (group.Rule is not ZoneRule rule)
            return;
        foreach (var zone in rule.Zones)
        {
            for (var bucket = zone.FirstBucket; bucket < zone.FirstBucket + rule.Width; bucket++)
                EnsureOneOf(zone.Shards, bucket, zone.Text, group.Name);
        }
    }

    private void EnsureResidency(LookupRule rule, string group)
    {
        foreach (var zone in rule.Zones)
        {
            foreach (var slot in zone.Slots)
                EnsureOneOf(zone.Shards, rule.Slots[slot], zone.Text, group);
        }
    }

    private void EnsureOneOf(IReadOnlyList<string> shards, int bucket, string zone, string group)
    {
        if (!shards.Contains(Owners[bucket], StringComparer.Ordinal))
            throw new DirectoryException($"bucket {bucket} belongs to the zone {zone} of group {group}, whose shards are {string.Join(", ", shards)}: it cannot be on {Owners[bucket]}");
    }
}
