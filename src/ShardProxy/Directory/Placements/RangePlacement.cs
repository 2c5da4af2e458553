namespace ShardProxy.Directory.Placements;

/// <summary>Ranges in order. A range holds its lower end and not its upper one; between ranges there may be gaps.</summary>
public sealed class RangePlacement : KeyPlacement
{
    private readonly Range[] _ranges;

    /// <exception cref="PlacementException">A value cannot be read, a range is empty, or two overlap.</exception>
    public RangePlacement(RangeRule rule, uint type)
    {
        _ranges = [.. rule.Ranges.Select(range => new Range(Read(range.From, type), Read(range.To, type), range))];
        Array.Sort(_ranges, static (one, other) => CompareFrom(one.From, other.From));
        for (var at = 0; at < _ranges.Length; at++)
        {
            var range = _ranges[at];
            if (range is { From: { } from, To: { } to } && from.AsSpan().SequenceCompareTo(to) >= 0)
                throw new PlacementException($"the range {range.Source.Text} is empty");
            if (at + 1 < _ranges.Length && (range.To is null || _ranges[at + 1].From is not { } next || range.To.AsSpan().SequenceCompareTo(next) > 0))
                throw new PlacementException($"the ranges {range.Source.Text} and {_ranges[at + 1].Source.Text} overlap");
        }
    }

    public int Count => _ranges.Length;

    /// <summary>By position in order.</summary>
    public int BucketAt(int position) => _ranges[position].Source.Bucket;

    public RangeBucket At(int position) => _ranges[position].Source;

    public override int Find(ReadOnlySpan<byte> image)
    {
        var position = LastFrom(image, inclusive: true);
        return position >= 0 && IsBelow(image, _ranges[position].To) ? BucketAt(position) : -1;
    }

    /// <summary>The first range that can hold a key of at least <paramref name="lower"/>.</summary>
    public int FirstAbove(ReadOnlySpan<byte> lower)
    {
        var position = Math.Max(0, LastFrom(lower, inclusive: true));
        return position < _ranges.Length && IsBelow(lower, _ranges[position].To) ? position : position + 1;
    }

    /// <summary>The last range that can hold a key below <paramref name="upper"/>, or equal to it; -1 when there is none.</summary>
    public int LastBelow(ReadOnlySpan<byte> upper, bool inclusive) => LastFrom(upper, inclusive);

    /// <summary>The gap around a key that is in no range: from the end of the range before to the start of the one after.</summary>
    public (string? From, string? To) Gap(ReadOnlySpan<byte> image)
    {
        var before = LastFrom(image, inclusive: true);
        var from = before >= 0 ? _ranges[before].Source.To : null;
        return (from, before + 1 < _ranges.Length ? _ranges[before + 1].Source.From : null);
    }

    public override string Missing(ReadOnlySpan<byte> image, string key)
    {
        var (from, to) = Gap(image);
        return $"a range that holds {key}, within {new RangeBucket(from, to, 0).Text}";
    }

    /// <summary>Position of the last range whose lower end is below the image (or equal to it); -1 when there is none.</summary>
    private int LastFrom(ReadOnlySpan<byte> image, bool inclusive)
    {
        var low = 0;
        var high = _ranges.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            var comparison = _ranges[middle].From is { } from ? from.AsSpan().SequenceCompareTo(image) : -1;
            if (comparison < 0 || (comparison == 0 && inclusive))
                low = middle + 1;
            else
                high = middle;
        }
        return low - 1;
    }

    private static bool IsBelow(ReadOnlySpan<byte> image, byte[]? to) => to is null || image.SequenceCompareTo(to) < 0;

    private static byte[]? Read(string? value, uint type) => value is null ? null : PlacementValue.Read(value, type);

    private static int CompareFrom(byte[]? one, byte[]? other) =>
        one is null || other is null ? (one is null ? 0 : 1) - (other is null ? 0 : 1) : one.AsSpan().SequenceCompareTo(other);

    private readonly record struct Range(byte[]? From, byte[]? To, RangeBucket Source);
}
