using System.Globalization;

namespace ShardProxy.Directory.Placements;

/// <summary>
/// A first level above another strategy: a row's zone picks a set of shards, and among them the key finds its bucket. Each
/// zone has a run of <paramref name="Width"/> buckets of its own; the key gives the position in the run, the same in every
/// zone, so that the table of bucket and shard stays the last step. Keys that are placed by look-up have no such run: see
/// <see cref="LookupRule.Zones"/>.
/// </summary>
/// <param name="Inner">How the key finds its position, which stands for a bucket there; null: by its hash.</param>
/// <param name="Zones">At most <see cref="MostZones"/>, in the order in which they were made: a zone's number is its position.</param>
public sealed record ZoneRule(PlacementRule? Inner, int Width, IReadOnlyList<ShardZone> Zones) : PlacementRule
{
    /// <summary>Planning.ShardSet tells as many apart.</summary>
    public const int MostZones = 64;

    public override string Strategy => Zone;

    /// <summary>The strategy by which a zone's keys find their places: "hash", "range" or "list".</summary>
    public string InnerStrategy => Inner?.Strategy ?? Hash;

    public override IReadOnlyList<IReadOnlyList<string>> ZoneValues => [.. Zones.Select(static zone => zone.Values)];

    public override IEnumerable<int> Buckets => Zones.SelectMany(zone => Enumerable.Range(zone.FirstBucket, Width));

    /// <summary>Where in its zone's run a hashed key is.</summary>
    public int PositionOf(ulong rowHash) => (int)(rowHash % (ulong)Width);

    /// <summary>(hash, width) or (range, "ranges"), then for each zone: (values) on "first-bucket shards".</summary>
    public override IReadOnlyList<PlacementEntry> Entries =>
    [
        HeadOf(InnerStrategy, InnerText(Inner) ?? Width.ToString(CultureInfo.InvariantCulture)),
        .. Zones.Select(static zone => zone.ToEntry(zone.FirstBucket.ToString(CultureInfo.InvariantCulture) + " ")),
    ];

    /// <summary>As <see cref="NewZones"/> is given it: without buckets.</summary>
    public IReadOnlyList<PlacementEntry> NewEntries =>
        [HeadOf(InnerStrategy, InnerText(Inner)), .. Zones.Select(static zone => zone.ToEntry(""))];

    /// <summary>A group as people ask for it.</summary>
    /// <param name="inner">Ranges or lists without shards: each has one in every zone; of lookup the policy; null for hash.</param>
    /// <param name="zones">(eu, ch) on s0 s1, (us) on s2.</param>
    /// <param name="shards">Names, in the configuration's order.</param>
    /// <exception cref="FormatException">It is not of this form, or names a shard that is not configured.</exception>
    public static IReadOnlyList<PlacementEntry> EntriesFor(string strategy, string? inner, string zones, IReadOnlyList<string> shards)
    {
        var entries = PlacementText.Parse(zones).Select(entry => Checked(entry, shards));
        IReadOnlyList<PlacementEntry> all = [strategy == Lookup ? LookupRule.HeadOf(inner!) : HeadOf(strategy, inner), .. entries];
        // Only to hear now whether they make sense.
        NewRule(all, 1, static (_, _) => 0, static _ => 0);
        return all;
    }

    /// <summary>What <see cref="EntriesFor"/> was given, of its result.</summary>
    public static (string Strategy, string? Inner, string Zones) TextsOf(IReadOnlyList<PlacementEntry> entries) =>
        (entries[0].Values[0]!, entries[0].Values.Count > 1 ? entries[0].Values[1] : null, PlacementText.Format(entries.Skip(1)));

    /// <summary>One more zone as people write it.</summary>
    /// <exception cref="FormatException">It is not of this form, or names a shard that is not configured.</exception>
    public static PlacementEntry Checked(PlacementEntry entry, IReadOnlyList<string> shards)
    {
        foreach (var name in ShardZone.Of(entry, 0).Shards)
        {
            if (!shards.Contains(name, StringComparer.Ordinal))
                throw new FormatException($"there is no shard \"{name}\"; the shards are {string.Join(", ", shards)}");
        }
        return entry;
    }

    /// <param name="entries">As <see cref="EntriesFor"/> gives them.</param>
    /// <param name="hashBuckets">The buckets of each zone where keys are placed by hash.</param>
    /// <param name="run">Makes a run of that many buckets for a zone, and says the first's number.</param>
    /// <param name="bucketOn">Makes one bucket on a shard.</param>
    public static PlacementRule NewRule(
        IReadOnlyList<PlacementEntry> entries, int hashBuckets, Func<IReadOnlyList<string>, int, int> run, Func<string, int> bucketOn) =>
        entries is [{ Values: [Lookup, ..] }, ..] ? LookupRule.OfZones(entries, bucketOn) : NewZones(entries, hashBuckets, run);

    private static ZoneRule NewZones(IReadOnlyList<PlacementEntry> entries, int hashBuckets, Func<IReadOnlyList<string>, int, int> run)
    {
        var rule = Head(entries, hashBuckets);
        foreach (var entry in entries.Skip(1))
            rule = rule.With(entry, run);
        return rule;
    }

    /// <exception cref="FormatException">A value is in a zone already, or there are too many.</exception>
    public ZoneRule With(PlacementEntry entry, Func<IReadOnlyList<string>, int, int> run)
    {
        var zone = ShardZone.Of(entry, 0);
        if (Zones.Count == MostZones)
            throw new FormatException($"there may be {MostZones} zones");
        return this with { Zones = [.. Zones, zone with { FirstBucket = run(zone.Shards, Width) }] };
    }

    /// <summary>The reverse of <see cref="PlacementRule.ToText"/>.</summary>
    internal static ZoneRule OfText(string text)
    {
        var entries = PlacementText.Parse(text);
        var rule = Head(entries, 0);
        return rule with { Zones = [.. entries.Skip(1).Select(ShardZone.OfStored)] };
    }

    private static ZoneRule Head(IReadOnlyList<PlacementEntry> entries, int hashBuckets)
    {
        if (entries is not [{ IsRange: false, Values: { Count: > 0 } head }, _, ..] || head[0] is not { } strategy)
            throw new FormatException("zones are (value, …) on shard shard");
        var said = head.Count > 1 ? head[1] : null;
        if (strategy == Hash)
            return new ZoneRule(null, said is null ? hashBuckets : int.Parse(said, NumberStyles.None, CultureInfo.InvariantCulture), []);
        if (strategy is not (Range or List))
            throw new FormatException($"there is no strategy \"{strategy}\": the strategies are hash, range, list and lookup");
        var inner = PlacementText.Parse(said ?? throw new FormatException($"the strategy {strategy} takes {strategy}s"));
        if (inner.Any(static entry => entry.Target is not null))
            throw new FormatException($"a {strategy} in zones names no shard: it has one in every zone");
        var position = 0;
        return new ZoneRule(Of(strategy, inner, _ => position++), inner.Count, []);
    }

    private static PlacementEntry HeadOf(string strategy, string? inner) =>
        new(IsRange: false, IsDefault: false, inner is null ? [strategy] : [strategy, inner], null);

    private static string? InnerText(PlacementRule? inner) =>
        inner is null ? null : PlacementText.Format(inner.Entries.Select(static entry => entry with { Target = null }));
}

/// <param name="Shards">Where the zone's buckets may be; a bucket never leaves them.</param>
/// <param name="FirstBucket">The first of the zone's run.</param>
public sealed record ShardZone(IReadOnlyList<string> Values, IReadOnlyList<string> Shards, int FirstBucket)
{
    private const char Separator = ' ';

    /// <summary>"(eu, ch)".</summary>
    public string Text => PlacementText.Format(ToEntry("") with { Target = null });

    internal PlacementEntry ToEntry(string before) => new(IsRange: false, IsDefault: false, [.. Values], before + string.Join(Separator, Shards));

    internal static ShardZone Of(PlacementEntry entry, int firstBucket)
    {
        if (entry.IsRange || entry.IsDefault || entry.Target?.Split(Separator, StringSplitOptions.RemoveEmptyEntries) is not { Length: > 0 } shards)
            throw new FormatException($"{PlacementText.Format(entry)} is no zone: zones are (value, …) on shard shard");
        if (shards.Distinct(StringComparer.Ordinal).Count() < shards.Length)
            throw new FormatException($"the zone {PlacementText.Format(entry)} names a shard twice");
        return new ShardZone([.. entry.Values.Select(static value => value!)], shards, firstBucket);
    }

    internal static ShardZone OfStored(PlacementEntry entry)
    {
        var (number, shards) = entry.Target!.Split(Separator, 2) is [var first, var rest] ? (first, rest) : throw new FormatException("a zone lacks its shards");
        return Of(entry with { Target = shards }, int.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture));
    }
}
