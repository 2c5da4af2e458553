using System.Globalization;

namespace ShardProxy.Directory.Placements;

/// <summary>
/// Each key's place is a row in the directory's store: a slot, which stands for one of the buckets here. Slots keep their
/// numbers, so that places hold however buckets are numbered.
/// </summary>
/// <param name="Id">Under which the store keeps the group's keys: a group that is made anew under an old name has another.</param>
/// <param name="Policy">How an unknown key gets its slot when it is first inserted.</param>
/// <param name="Slots">The bucket of each slot.</param>
public sealed record LookupRule(string Id, string Policy, IReadOnlyList<int> Slots) : PlacementRule
{
    /// <summary>The slot that has the fewest keys.</summary>
    public const string Fewest = "fewest";

    /// <summary>By the key's hash: the same slot wherever and whenever it is asked.</summary>
    public const string ByHash = "hash";

    // No shard's name has a blank in it.
    private const string ZoneMark = "zone ";

    public override string Strategy => Lookup;

    /// <summary>
    /// Of a group with zones, each with the slots that its rows may have, in the order in which they were made. A key has one
    /// place whatever its rows say, so all of its rows are of zones that have its slot.
    /// </summary>
    public IReadOnlyList<LookupZone> Zones { get; init; } = [];

    public override IReadOnlyList<IReadOnlyList<string>> ZoneValues => [.. Zones.Select(static zone => zone.Values)];

    public override IEnumerable<int> Buckets => Slots;

    /// <summary>(policy, id) on bucket, once for each slot; then for each zone (values) on "zone slot:shard slot:shard".</summary>
    public override IReadOnlyList<PlacementEntry> Entries =>
    [
        .. Slots.Select(bucket => EntryOf(Policy, Id, bucket.ToString(CultureInfo.InvariantCulture))),
        .. Zones.Select(static zone => zone.ToEntry(ZoneMark)),
    ];

    /// <summary>What a new group begins with: a slot on each shard.</summary>
    /// <exception cref="FormatException">There is no such policy.</exception>
    public static IReadOnlyList<PlacementEntry> EntriesFor(string policy, IEnumerable<string> shards)
    {
        var id = NewId(policy);
        return [.. shards.Select(shard => EntryOf(policy, id, shard))];
    }

    /// <summary>What a new group with zones begins with, before its zones (see <see cref="ZoneRule.EntriesFor"/>).</summary>
    /// <exception cref="FormatException">There is no such policy.</exception>
    internal static PlacementEntry HeadOf(string policy) => new(IsRange: false, IsDefault: false, [Lookup, policy, NewId(policy)], null);

    public static PlacementEntry EntryOf(string policy, string id, string? target) => new(IsRange: false, IsDefault: false, [policy, id], target);

    /// <summary>Whether the entry is that of a zone, as <see cref="Entries"/> gives it.</summary>
    public static bool IsZone(PlacementEntry entry) => entry.Target?.StartsWith(ZoneMark, StringComparison.Ordinal) == true;

    internal static LookupRule OfEntries(IReadOnlyList<PlacementEntry> entries, Func<PlacementEntry, int> bucketOf)
    {
        if (entries is not [{ IsRange: false, Values: [{ } policy, { } id] }, ..])
            throw new FormatException("a table of the strategy lookup takes a policy, not ranges or lists");
        return new LookupRule(id, policy, [.. entries.Where(static entry => !IsZone(entry)).Select(bucketOf)])
        {
            Zones = [.. entries.Where(IsZone).Select(static entry => LookupZone.Of(entry, ZoneMark))],
        };
    }

    /// <param name="entries"><see cref="HeadOf(string)"/>, then the zones as people write them.</param>
    internal static LookupRule OfZones(IReadOnlyList<PlacementEntry> entries, Func<string, int> bucketOn)
    {
        var rule = new LookupRule(entries[0].Values[2]!, entries[0].Values[1]!, []);
        var shards = new List<string>();
        foreach (var entry in entries.Skip(1))
            rule = rule.With(entry, shards, bucketOn);
        return rule.HasZones ? rule : throw new FormatException("zones are (value, …) on shard shard");
    }

    /// <summary>The rule with one more zone, or with more shards for one that it has.</summary>
    /// <param name="entry">As people write it.</param>
    /// <param name="shards">Of each slot its shard; the slots that are made are added.</param>
    /// <param name="bucketOn">Makes a bucket on a shard.</param>
    /// <exception cref="FormatException">It is no zone, or there are too many.</exception>
    public LookupRule With(PlacementEntry entry, List<string> shards, Func<string, int> bucketOn)
    {
        var named = ShardZone.Of(entry, 0);
        var buckets = new List<int>();
        var slots = new List<int>();
        foreach (var shard in named.Shards)
        {
            var slot = shards.IndexOf(shard);
            if (slot < 0)
            {
                slot = shards.Count;
                shards.Add(shard);
                buckets.Add(bucketOn(shard));
            }
            slots.Add(slot);
        }
        var known = Zones.ToList().FindIndex(zone => zone.Values.ToHashSet(StringComparer.Ordinal).SetEquals(named.Values));
        if (known < 0 && Zones.Count == ZoneRule.MostZones)
            throw new FormatException($"there may be {ZoneRule.MostZones} zones");
        return this with
        {
            Slots = [.. Slots, .. buckets],
            Zones = known < 0
                ? [.. Zones, new LookupZone(named.Values, slots, named.Shards)]
                : [.. Zones.Select((zone, number) => number == known ? zone.With(slots, named.Shards) : zone)],
        };
    }

    /// <summary>The slot of a bucket; negative when it is no slot's.</summary>
    public int SlotOf(int bucket)
    {
        for (var slot = 0; slot < Slots.Count; slot++)
        {
            if (Slots[slot] == bucket)
                return slot;
        }
        return -1;
    }

    /// <summary>Whether rows of a zone may be in a bucket.</summary>
    public bool IsInZone(int zone, int bucket)
    {
        var slots = Zones[zone].Slots;
        for (var index = 0; index < slots.Count; index++)
        {
            if (Slots[slots[index]] == bucket)
                return true;
        }
        return false;
    }

    /// <summary>The slots that rows of all of these zones may have; of the first where no slot is in all of them. Null: any.</summary>
    /// <param name="zones">A bit for each; 0 for rows of a group without zones.</param>
    public IReadOnlyList<int>? SlotsIn(ulong zones)
    {
        if (zones == 0)
            return null;
        var numbers = Enumerable.Range(0, Zones.Count).Where(zone => (zones & (1UL << zone)) != 0).ToArray();
        var common = numbers.Skip(1).Aggregate((IEnumerable<int>)Zones[numbers[0]].Slots, (slots, zone) => slots.Intersect(Zones[zone].Slots)).ToArray();
        return common.Length > 0 ? common : Zones[numbers[0]].Slots;
    }

    /// <summary>Where an unknown key goes; negative to let the store say where the fewest keys are.</summary>
    /// <param name="among">The slots that it may have; null for all.</param>
    public int SlotFor(ReadOnlySpan<byte> key, IReadOnlyList<int>? among = null)
    {
        if (Policy != ByHash)
            return -1;
        // FNV-1a, 64 bits (its offset basis and prime), mixed once more since its low bits alone are weak.
        var hash = 0xCBF2_9CE4_8422_2325;
        foreach (var value in key)
            hash = (hash ^ value) * 0x0000_0100_0000_01B3;
        var place = (int)((hash ^ (hash >> 32)) % (ulong)(among ?? Slots).Count);
        return among is null ? place : among[place];
    }

    private static string NewId(string policy) => policy is Fewest or ByHash
        ? Guid.NewGuid().ToString("N")
        : throw new FormatException($"there is no policy \"{policy}\": an unknown key is placed by {Fewest} or {ByHash}");
}
