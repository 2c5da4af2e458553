using System.Globalization;

namespace ShardProxy.Directory.Placements;

/// <summary>A zone of a group whose keys are placed by look-up.</summary>
/// <param name="Slots">Of the group's rule, each once: where keys may be whose rows are of the zone.</param>
/// <param name="Shards">Of each slot the shard that its bucket never leaves.</param>
public sealed record LookupZone(IReadOnlyList<string> Values, IReadOnlyList<int> Slots, IReadOnlyList<string> Shards)
{
    /// <summary>"(eu, ch)".</summary>
    public string Text => PlacementText.Format(ToEntry("") with { Target = null });

    /// <summary>(values) on "mark 0:s0 1:s1".</summary>
    internal PlacementEntry ToEntry(string mark) => new(
        IsRange: false, IsDefault: false, [.. Values],
        mark + string.Join(' ', Slots.Zip(Shards, static (slot, shard) => string.Create(CultureInfo.InvariantCulture, $"{slot}:{shard}"))));

    internal static LookupZone Of(PlacementEntry entry, string mark)
    {
        var slots = entry.Target![mark.Length..].Split(' ').Select(static slot => slot.Split(':', 2)).ToArray();
        return new LookupZone(
            [.. entry.Values.Select(static value => value!)],
            [.. slots.Select(static slot => int.Parse(slot[0], NumberStyles.None, CultureInfo.InvariantCulture))],
            [.. slots.Select(static slot => slot.Length == 2 ? slot[1] : throw new FormatException("a zone's slot lacks its shard"))]);
    }

    /// <summary>The zone with more slots; those that it has already are left out.</summary>
    internal LookupZone With(IReadOnlyList<int> slots, IReadOnlyList<string> shards)
    {
        var added = Enumerable.Range(0, slots.Count).Where(index => !Slots.Contains(slots[index])).ToArray();
        return this with { Slots = [.. Slots, .. added.Select(index => slots[index])], Shards = [.. Shards, .. added.Select(index => shards[index])] };
    }
}
