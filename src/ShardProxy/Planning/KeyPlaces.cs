using ShardProxy.Directory.Placements;

namespace ShardProxy.Planning;

/// <summary>
/// The places of keys of lookup tables for one execution, beside those that the proxy's cache knows: collected while the
/// execution's keys are read, answered by the directory, and used when its shards are chosen. It holds what it was told until
/// then, however full the cache is.
/// </summary>
public sealed class KeyPlaces
{
    /// <summary>Of a row whose table has no zones.</summary>
    public const int NoZone = -1;

    private readonly Dictionary<(string Rule, byte[] Image), WantedKey> _keys = new(ImageComparer.Instance);

    /// <summary>What the directory is to be asked.</summary>
    public IReadOnlyCollection<WantedKey> Wanted => _keys.Values;

    /// <summary>Takes the hashes of the keys that are placed by hash; null when nobody asks.</summary>
    public List<ulong>? Hashes { get; init; }

    public void Clear() => _keys.Clear();

    /// <summary>The bucket that was told for the key; else it is wanted, and Unknown.</summary>
    /// <param name="stored">It becomes the key of a row, and so needs a place.</param>
    /// <param name="zone">The number of the row's zone.</param>
    public int Find(LookupPlacement placement, ReadOnlySpan<byte> image, bool stored, int zone = NoZone) => Want(placement, image, stored, zone).Bucket;

    public bool Has(LookupPlacement placement, ReadOnlySpan<byte> image) => _keys.ContainsKey((placement.Rule.Id, image.ToArray()));

    /// <summary>As <see cref="Find"/>, for who asks later and waits with what depends on it.</summary>
    public WantedKey Want(LookupPlacement placement, ReadOnlySpan<byte> image, bool stored, int zone = NoZone)
    {
        var key = (placement.Rule.Id, image.ToArray());
        if (!_keys.TryGetValue(key, out var wanted))
            _keys.Add(key, wanted = new WantedKey(placement, key.Item2));
        wanted.Stored |= stored;
        if (zone != NoZone)
            wanted.Zones |= 1UL << zone;
        return wanted;
    }

    private sealed class ImageComparer : IEqualityComparer<(string Rule, byte[] Image)>
    {
        public static ImageComparer Instance { get; } = new();

        public bool Equals((string Rule, byte[] Image) x, (string Rule, byte[] Image) y) =>
            x.Rule == y.Rule && x.Image.AsSpan().SequenceEqual(y.Image);

        public int GetHashCode((string Rule, byte[] Image) obj)
        {
            var hash = default(HashCode);
            hash.AddBytes(obj.Image);
            return hash.ToHashCode();
        }
    }
}

/// <summary>A key whose place the directory is asked for.</summary>
/// <param name="Image">With the byte before it that <see cref="KeyPlacement.Begin"/> writes.</param>
public sealed record WantedKey(LookupPlacement Placement, byte[] Image)
{
    /// <summary>It becomes the key of a row: where it has no place it is to get one.</summary>
    public bool Stored { get; set; }

    /// <summary>The zones of the rows that are to have the key, a bit for each number.</summary>
    public ulong Zones { get; set; }

    /// <summary>The answer: a bucket, or <see cref="KeyPlacement.None"/>.</summary>
    public int Bucket { get; set; } = KeyPlacement.Unknown;
}
