using System.Globalization;

namespace ShardProxy.Directory.Placements;

/// <summary>
/// How a colocation group's keys find their buckets, as a store keeps it: values are texts, which the key's type reads.
/// Groups whose strategy is hash have no rule.
/// </summary>
public abstract record PlacementRule
{
    public const string Hash = "hash";
    public const string Range = "range";
    public const string List = "list";
    public const string Lookup = "lookup";

    /// <summary>A level above the others; not a word for users, who name the zones beside the strategy.</summary>
    public const string Zone = "zone";

    /// <summary>"range", "list", "lookup" or "zone".</summary>
    public abstract string Strategy { get; }

    /// <summary>Every bucket that the rule leads to.</summary>
    public abstract IEnumerable<int> Buckets { get; }

    public abstract IReadOnlyList<PlacementEntry> Entries { get; }

    /// <summary>The values of each zone, by the zone's number; none for a group without zones.</summary>
    public virtual IReadOnlyList<IReadOnlyList<string>> ZoneValues => [];

    public bool HasZones => ZoneValues.Count > 0;

    /// <summary>The form that stores keep, with buckets' numbers as targets.</summary>
    public string ToText() => PlacementText.Format(Entries);

    /// <summary>The rule as <see cref="ToText"/> wrote it.</summary>
    public static PlacementRule Read(string strategy, string text) => strategy == Zone ? ZoneRule.OfText(text) : Of(
        strategy,
        PlacementText.Parse(text),
        static entry => int.Parse(entry.Target!, NumberStyles.None, CultureInfo.InvariantCulture));

    /// <param name="bucketOf">Gives an entry its bucket.</param>
    /// <exception cref="FormatException">The entries are not of the strategy's kind.</exception>
    public static PlacementRule Of(string strategy, IReadOnlyList<PlacementEntry> entries, Func<PlacementEntry, int> bucketOf)
    {
        if (strategy == Range)
        {
            return entries.All(static entry => entry.IsRange)
                ? new RangeRule([.. entries.Select(entry => new RangeBucket(entry.Values[0], entry.Values[1], bucketOf(entry)))])
                : throw new FormatException("a table of the strategy range takes ranges such as [1,100)");
        }
        if (strategy == Lookup)
            return LookupRule.OfEntries(entries, bucketOf);
        if (strategy != List)
            throw new FormatException($"there is no strategy \"{strategy}\": the strategies are hash, range, list and lookup");
        if (entries.Any(static entry => entry.IsRange))
            throw new FormatException("a table of the strategy list takes lists such as (a, b)");
        if (entries.Count(static entry => entry.IsDefault) > 1)
            throw new FormatException("there is more than one default");
        return new ListRule([.. entries.Select(entry => new ListBucket(entry.IsDefault ? null : [.. entry.Values.Select(static value => value!)], bucketOf(entry)))]);
    }
}

/// <param name="From">The lowest key; null for no lower end.</param>
/// <param name="To">The first key that is not in it any more; null for no upper end.</param>
public sealed record RangeBucket(string? From, string? To, int Bucket)
{
    /// <summary>"[1,100)".</summary>
    public string Text => PlacementText.Format(new PlacementEntry(true, false, [From, To], null));
}

public sealed record RangeRule(IReadOnlyList<RangeBucket> Ranges) : PlacementRule
{
    public override string Strategy => Range;

    public override IEnumerable<int> Buckets => Ranges.Select(static range => range.Bucket);

    public override IReadOnlyList<PlacementEntry> Entries =>
        [.. Ranges.Select(static range => new PlacementEntry(true, false, [range.From, range.To], range.Bucket.ToString(CultureInfo.InvariantCulture)))];
}

/// <param name="Values">Null: every value that no other bucket lists.</param>
public sealed record ListBucket(IReadOnlyList<string>? Values, int Bucket);

public sealed record ListRule(IReadOnlyList<ListBucket> Lists) : PlacementRule
{
    public override string Strategy => List;

    public override IEnumerable<int> Buckets => Lists.Select(static list => list.Bucket);

    public override IReadOnlyList<PlacementEntry> Entries =>
        [.. Lists.Select(static list => new PlacementEntry(false, list.Values is null, [.. list.Values ?? []], list.Bucket.ToString(CultureInfo.InvariantCulture)))];
}
