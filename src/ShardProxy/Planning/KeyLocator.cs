using System.Text;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Planning;

/// <summary>
/// From one key value, as the statement has it, to its shard: by its hash, or by the placement of its group. Allocates
/// nothing, except to say what a table lacks for a new key.
/// </summary>
/// <param name="zones">The numbers of the zones in which the key is looked for; null for all.</param>
/// <param name="storesZones">They become rows' zones.</param>
internal readonly ref struct KeyLocator(KeyType type, KeyUse use, DirectorySnapshot directory, KeyPlaces? places, ShardSet? zones, bool storesZones = false)
{
    [ThreadStatic]
    private static ByteBuffer? _image;

    private readonly KeyPlacement? _placement = type.Placement;
    private readonly DirectorySnapshot _directory = directory;
    private readonly KeyPlaces? _places = places;
    private readonly ZoneRule? _rule = type.Zones as ZoneRule;
    private readonly LookupRule? _zonesOfSlots = type.Zones as LookupRule;
    private readonly ShardSet _zones = zones ?? ShardSet.Unknown;
    private readonly bool _storesZones = storesZones;

    public KeyTarget Target { get; } = new(type.Oid, type.TypeModifier, use);

    public ShardSet OfNumericLiteral(bool negated, ReadOnlySpan<byte> literal, uint castTo, ref RefusedPlan? trouble)
    {
        if (_placement is null)
            return ByHash(KeyHasher.TryHashNumericLiteral(Target, negated, literal, castTo, out var hash), hash);
        var image = NewImage();
        return Placed(KeyImage.TryReadNumericLiteral(Target, negated, literal, castTo, image), image.Unread, literal, ref trouble);
    }

    public ShardSet OfParameter(uint valueType, bool binary, ReadOnlySpan<byte> value, ref RefusedPlan? trouble)
    {
        if (_placement is null)
            return ByHash(KeyHasher.TryHashParameter(Target, valueType, binary, value, out var hash), hash);
        var image = NewImage();
        return Placed(KeyImage.TryReadParameter(Target, valueType, binary, value, image), image.Unread, binary ? default : value, ref trouble);
    }

    public ShardSet OfCast(uint valueType, uint castTo, bool binary, ReadOnlySpan<byte> value, ref RefusedPlan? trouble)
    {
        if (_placement is null)
            return ByHash(KeyHasher.TryHashCast(Target, valueType, castTo, binary, value, out var hash), hash);
        var image = NewImage();
        return Placed(KeyImage.TryReadCast(Target, valueType, castTo, binary, value, image), image.Unread, binary ? default : value, ref trouble);
    }

    private ByteBuffer NewImage()
    {
        var image = _image ??= new ByteBuffer();
        _placement!.Begin(image);
        return image;
    }

    private ShardSet ByHash(KeyHashResult result, ulong hash)
    {
        if (result != KeyHashResult.Hashed)
            return WithoutKey(result);
        _places?.Hashes?.Add(hash);
        return OwnersOf(_rule is null ? _directory.BucketOf(hash) : _rule.PositionOf(hash));
    }

    /// <summary>The shard of a bucket; of a position in zones, of that bucket of each; of a zone column, the zone's number.</summary>
    public ShardSet OwnersOf(int bucket)
    {
        if (_placement is ZonePlacement)
            return ShardSet.Of(bucket);
        if (_rule is null)
            return ShardSet.Of(_directory.ShardOfBucket(bucket));
        var shards = ShardSet.Empty;
        for (var zone = 0; zone < _rule.Zones.Count; zone++)
        {
            if (_zones.MayContain(zone))
                shards = shards.Union(ShardSet.Of(_directory.ShardOfBucket(_rule.Zones[zone].FirstBucket + bucket)));
        }
        return shards;
    }

    /// <param name="shown">The value's text, for the refusal; empty when it has none.</param>
    private ShardSet Placed(KeyHashResult result, ReadOnlySpan<byte> image, ReadOnlySpan<byte> shown, ref RefusedPlan? trouble)
    {
        if (result != KeyHashResult.Hashed)
            return WithoutKey(result);
        var bucket = _placement is LookupPlacement lookup ? LookUp(lookup, image) : _placement!.Find(image);
        if (bucket == KeyPlacement.Unknown)
            return ShardSet.Unknown;
        if (bucket >= 0)
            return _zonesOfSlots is null ? OwnersOf(bucket) : WithinZones(_zonesOfSlots, bucket, shown, ref trouble);
        if (_storesZones && _zonesOfSlots is not null && _zones.One < 0)
            return ShardSet.Several;
        // A key that has no bucket has no rows, so comparing with it finds none.
        if (Target.Use == KeyUse.Store)
            trouble ??= Trouble(_placement!, image, shown, _zones.IsUnknown);
        return ShardSet.Empty;
    }

    /// <summary>The shard of a looked-up key, if rows of the zones may be there.</summary>
    private ShardSet WithinZones(LookupRule rule, int bucket, ReadOnlySpan<byte> shown, ref RefusedPlan? trouble)
    {
        if (_zones.IsUnknown)
            return OwnersOf(bucket);
        var (isIn, isOut) = (false, false);
        for (var zone = 0; zone < rule.Zones.Count; zone++)
        {
            if (!_zones.MayContain(zone))
                continue;
            var holds = rule.IsInZone(zone, bucket);
            isIn |= holds;
            isOut |= !holds;
        }
        if (!_storesZones)
            return isIn ? OwnersOf(bucket) : ShardSet.Empty;
        if (!isOut)
            return OwnersOf(bucket);
        // Which of the zones belongs to which of the keys is not seen here.
        if (_zones.One < 0)
            return ShardSet.Several;
        trouble ??= Refusals.OtherZone(shown.IsEmpty ? null : Encoding.UTF8.GetString(shown));
        return ShardSet.Empty;
    }

    private static RefusedPlan Trouble(KeyPlacement placement, ReadOnlySpan<byte> image, ReadOnlySpan<byte> shown, bool zoneIsOpen) => placement switch
    {
        // The key of a function that is called, which does not say in which zone it is to be placed.
        LookupPlacement { Rule.HasZones: true } when zoneIsOpen => Refusals.NoPlaceWithoutZone,
        LookupPlacement => Refusals.NotPlacedYet,
        ZonePlacement => Refusals.NoZone(placement.Missing(image, shown.IsEmpty ? "the value" : Encoding.UTF8.GetString(shown))),
        _ => Refusals.NoBucket(placement.Missing(image, shown.IsEmpty ? "the key" : Encoding.UTF8.GetString(shown))),
    };

    // Without a lease other proxies may have moved the key, and one that is on its way is nowhere yet: what is remembered of
    // either counts for nothing.
    private int LookUp(LookupPlacement lookup, ReadOnlySpan<byte> image)
    {
        // Of several zones, any may be the key's, and it must be placed in its own.
        var stored = Target.Use == KeyUse.Store && (_zonesOfSlots is null || _zones.One >= 0);
        var isUnsure = _directory.IsLeaseLost || (_directory.Moves.Count > 0 && _directory.MoveOf(lookup.Rule.Id, image) is not null);
        var bucket = isUnsure ? KeyPlacement.Unknown : lookup.Find(image);
        if (bucket >= 0 || (bucket == KeyPlacement.None && !stored))
            return bucket;
        return _places?.Find(lookup, image, stored, stored && _zonesOfSlots is not null ? _zones.One : KeyPlaces.NoZone) ?? KeyPlacement.Unknown;
    }

    private static ShardSet WithoutKey(KeyHashResult result) => result switch
    {
        KeyHashResult.NeverEqual => ShardSet.Empty,
        KeyHashResult.Invalid => ShardSet.Invalid,
        _ => ShardSet.Unknown,
    };
}
