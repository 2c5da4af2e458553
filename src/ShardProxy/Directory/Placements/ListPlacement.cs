using System.Collections.Frozen;
using System.Globalization;

namespace ShardProxy.Directory.Placements;

/// <summary>Values to buckets, with an optional default.</summary>
public sealed class ListPlacement : KeyPlacement
{
    private readonly FrozenDictionary<string, int> _buckets;
    private readonly FrozenDictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly int _default = -1;

    /// <exception cref="PlacementException">A value cannot be read, or is in two lists.</exception>
    public ListPlacement(ListRule rule, uint type)
    {
        var buckets = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var list in rule.Lists)
        {
            if (list.Values is null)
                _default = list.Bucket;
            foreach (var value in list.Values ?? [])
            {
                if (!buckets.TryAdd(Key(PlacementValue.Read(value, type)), list.Bucket))
                    throw new PlacementException($"the value {value} is there twice");
            }
        }
        _buckets = buckets.ToFrozenDictionary(StringComparer.Ordinal);
        _lookup = _buckets.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public override int Find(ReadOnlySpan<byte> image)
    {
        // A dictionary over characters that can be asked with a span: each byte as one character.
        if (image.Length > 256)
            return _buckets.TryGetValue(Key(image), out var found) ? found : _default;
        Span<char> key = stackalloc char[image.Length];
        for (var at = 0; at < image.Length; at++)
            key[at] = (char)image[at];
        return _lookup.TryGetValue(key, out var bucket) ? bucket : _default;
    }

    public override string Missing(ReadOnlySpan<byte> image, string key) =>
        string.Create(CultureInfo.InvariantCulture, $"a list with {key}");

    private static string Key(ReadOnlySpan<byte> image) =>
        string.Create(image.Length, image, static (chars, bytes) =>
        {
            for (var at = 0; at < bytes.Length; at++)
                chars[at] = (char)bytes[at];
        });
}
