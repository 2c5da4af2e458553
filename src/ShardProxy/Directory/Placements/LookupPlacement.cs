using ShardProxy.Directory.Lookup;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Directory.Placements;

/// <summary>
/// A lookup group's keys of one type, as far as the proxy's cache knows them: <see cref="KeyPlacement.Find"/> says
/// <see cref="KeyPlacement.Unknown"/> of a key for which the store has to be asked. An image begins with a byte that tells
/// types apart whose keys do not equal, since a column's type may change and the store's rows stay.
/// </summary>
public sealed class LookupPlacement : KeyPlacement
{
    private readonly LookupCache _cache;
    private readonly ushort _number;
    private readonly byte _family;

    /// <exception cref="PlacementException">The type cannot be a key.</exception>
    public LookupPlacement(LookupRule rule, string group, uint type, LookupCache cache)
    {
        Rule = rule;
        Group = group;
        Type = type;
        _cache = cache;
        _number = cache.Register(rule.Id);
        _family = FamilyOf(type);
    }

    public LookupRule Rule { get; }

    /// <summary>The colocation group's name.</summary>
    public string Group { get; }

    /// <summary>The key's type; of a group's tables one may have int4 and another int8.</summary>
    public uint Type { get; }

    /// <summary>Whether an image, with its first byte, is of a key of this type.</summary>
    public bool IsOf(ReadOnlySpan<byte> image) => image.Length > 0 && image[0] == _family;

    public override void Begin(ByteBuffer image)
    {
        image.Clear();
        image.GetSpan(1)[0] = _family;
        image.Advance(1);
    }

    public override int Find(ReadOnlySpan<byte> image)
    {
        var slot = _cache.Find(_number, image);
        return slot >= 0 ? BucketOf(slot) : slot == LookupCache.None ? None : Unknown;
    }

    /// <summary>The bucket of a slot; <see cref="KeyPlacement.Unknown"/> for one that a newer version of the rule has.</summary>
    public int BucketOf(int slot) => slot < Rule.Slots.Count ? Rule.Slots[slot] : Unknown;

    public override string Missing(ReadOnlySpan<byte> image, string key) => $"a place for {key}";

    private static byte FamilyOf(uint type) => (byte)(type switch
    {
        TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 => 'i',
        TypeOid.Numeric => 'n',
        TypeOid.Text or TypeOid.Varchar or TypeOid.Bpchar => 't',
        TypeOid.Bytea => 'x',
        TypeOid.Uuid => 'u',
        TypeOid.Bool => 'b',
        TypeOid.Date => 'd',
        TypeOid.Timestamp => 's',
        TypeOid.Timestamptz => 'z',
        _ => throw new PlacementException("the key column's type cannot be placed by look-up"),
    });
}
