using System.Globalization;
using ShardProxy.Directory.Placements;

namespace ShardProxy.Directory;

/// <summary>What one content declares and another does not: tables, with their groups, and shards.</summary>
internal static class LostTables
{
    public static IReadOnlyList<DirectoryChange> Of(DirectoryContent lost, DirectoryContent content)
    {
        var changes = new List<DirectoryChange>();
        changes.AddRange(lost.Shards.Where(shard => content.Shards.All(known => known.Name != shard.Name)).Select(static shard => new ShardJoined(shard)));
        var placed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var table in lost.Tables)
        {
            if (content.Find(table.Name) is not null)
                continue;
            if (table.Distribution.Group is { } name && lost.FindGroup(name) is { } group && content.FindGroup(name) is null && placed.Add(name))
                changes.Add(new GroupPlaced(name, group.Rule.Strategy, group.Rule is ZoneRule zones ? zones.NewEntries : [.. group.Rule.Entries.Select(entry => Named(entry, lost))]));
            changes.Add(new TableDeclared(table));
        }
        return changes;
    }

    /// <summary>By the shard instead of the bucket, whose number may be another's here.</summary>
    private static PlacementEntry Named(PlacementEntry entry, DirectoryContent lost) =>
        LookupRule.IsZone(entry) ? entry : entry with { Target = lost.ShardOfBucket[int.Parse(entry.Target!, CultureInfo.InvariantCulture)] };
}
