using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Listening.Admin;

namespace ShardProxy.Control.Admin;

/// <summary>A row for each bucket: whose it is, and of a range, list or zone which keys it holds.</summary>
internal sealed class ShowBuckets : AdminTable
{
    public override string Name => "BUCKETS";

    public override IReadOnlyList<AdminColumn> Columns { get; } =
        [Text("database"), Integer("bucket"), Text("shard"), Text("strategy"), Text("group"), Text("keys")];

    public override ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view)
    {
        var rows = new List<object?[]>();
        foreach (var (database, routing) in view.Databases)
        {
            var directory = routing.Current.Directory;
            var placed = PlacedOf(directory);
            for (var bucket = 0; bucket < directory.BucketCount; bucket++)
            {
                var shard = database.ShardName(directory.ShardOfBucket(bucket));
                if (bucket < directory.HashBuckets)
                    rows.Add([database.Config.Name, (long)bucket, shard, PlacementRule.Hash, null, null]);
                else if (placed.TryGetValue(bucket, out var use))
                    rows.Add([database.Config.Name, (long)bucket, shard, use.Group.Rule.Strategy, use.Group.Name, use.Keys]);
            }
        }
        return new(rows);
    }

    private static Dictionary<int, (KeyGroup Group, string Keys)> PlacedOf(DirectorySnapshot directory)
    {
        var placed = new Dictionary<int, (KeyGroup, string)>();
        foreach (var group in directory.Groups.Values)
        {
            if (group.Rule is ZoneRule zones)
            {
                foreach (var zone in zones.Zones)
                {
                    for (var position = 0; position < zones.Width; position++)
                        placed[zone.FirstBucket + position] = (group, zone.Text + (zones.Inner is { } inner ? " " + PlacementText.Format(inner.Entries[position] with { Target = null }) : ""));
                }
                continue;
            }
            foreach (var (entry, bucket) in group.Rule.Entries.Zip(group.Rule.Buckets))
                placed[bucket] = (group, group.Rule is LookupRule lookup ? ZonesOf(lookup, bucket) : PlacementText.Format(entry with { Target = null }));
        }
        return placed;
    }

    private static string ZonesOf(LookupRule rule, int bucket) =>
        string.Join(' ', rule.Zones.Where((_, number) => rule.IsInZone(number, bucket)).Select(static zone => zone.Text));
}
