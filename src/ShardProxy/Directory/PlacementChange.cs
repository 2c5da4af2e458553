using ShardProxy.Directory.Placements;

namespace ShardProxy.Directory;

/// <summary>
/// A colocation group gets a rule, with a bucket for each of its entries. The first table of the group is declared in the
/// same version.
/// </summary>
/// <param name="Strategy">"range", "list", "lookup" or "zone".</param>
/// <param name="Entries">Each with the shard that is to own its bucket as the target.</param>
public sealed record GroupPlaced(string Group, string Strategy, IReadOnlyList<PlacementEntry> Entries) : DirectoryChange
{
    internal override void ApplyTo(DirectoryDraft draft)
    {
        if (draft.Tables.Values.Any(table => table.Distribution.Group == Group))
            throw new DirectoryException($"group {Group} is in use already");
        // Entries that were never declared with tables leave no rule behind.
        draft.Groups.Remove(Group);
        var rule = Strategy == PlacementRule.Zone
            ? ZoneRule.NewRule(Entries, draft.HashBuckets, draft.NewBuckets, draft.NewBucket)
            : PlacementRule.Of(Strategy, Entries, entry => draft.NewBucket(entry.Target!));
        draft.Groups.Add(Group, new KeyGroup(Group, rule));
    }

    public override string ToString() => $"place group {Group} by {Strategy}: {PlacementText.Format(Entries)}";
}

/// <summary>A range, a list, a slot or a zone is added to a group that is placed so.</summary>
/// <param name="Entry">With the shard that is to own its bucket as the target; a zone with its shards.</param>
public sealed record PlacementAdded(string Group, PlacementEntry Entry) : DirectoryChange
{
    internal override void ApplyTo(DirectoryDraft draft)
    {
        if (!draft.Groups.TryGetValue(Group, out var group))
            throw new DirectoryException($"group {Group} is placed by hash");
        if (group.Rule is ZoneRule zones)
        {
            draft.Groups[Group] = new KeyGroup(Group, zones.With(Entry, draft.NewBuckets));
            return;
        }
        if (group.Rule is LookupRule { HasZones: true } lookup)
        {
            draft.Groups[Group] = new KeyGroup(Group, lookup.With(Entry, [.. lookup.Slots.Select(bucket => draft.Owners[bucket])], draft.NewBucket));
            return;
        }
        var entries = group.Rule.Entries.Append(Entry).ToArray();
        var known = group.Rule.Entries.Count;
        var at = 0;
        var rule = PlacementRule.Of(
            group.Rule.Strategy,
            entries,
            entry => at++ < known ? int.Parse(entry.Target!, System.Globalization.CultureInfo.InvariantCulture) : draft.NewBucket(entry.Target!));
        draft.Groups[Group] = new KeyGroup(Group, rule);
    }

    public override string ToString() => $"add {PlacementText.Format(Entry)} to group {Group}";
}

/// <summary>A range becomes two, with a bucket each, on the same shard: no row moves.</summary>
/// <param name="From">The range's lower end, as the rule has it; null for none.</param>
/// <param name="To">Its upper end, likewise.</param>
/// <param name="At">The first key of the second part.</param>
public sealed record RangeSplit(string Group, string? From, string? To, string At) : DirectoryChange
{
    internal override void ApplyTo(DirectoryDraft draft)
    {
        if (!draft.Groups.TryGetValue(Group, out var group) || group.Rule is not RangeRule rule)
            throw new DirectoryException($"group {Group} is not placed by range");
        var ranges = rule.Ranges.ToList();
        var position = ranges.FindIndex(range => range.From == From && range.To == To);
        if (position < 0)
            throw new DirectoryException($"group {Group} has no range {new RangeBucket(From, To, 0).Text}");
        var bucket = draft.NewBucket(draft.Owners[ranges[position].Bucket]);
        ranges[position] = ranges[position] with { To = At };
        ranges.Insert(position + 1, new RangeBucket(At, To, bucket));
        draft.Groups[Group] = new KeyGroup(Group, new RangeRule(ranges));
    }

    public override string ToString() => $"split range {new RangeBucket(From, To, 0).Text} of group {Group} at {At}";
}
