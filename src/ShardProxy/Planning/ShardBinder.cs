using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Planning;

/// <summary>Binds a plan's key sets to an execution's values and finds the one shard that has all rows in question, or says why there is none.</summary>
public static class ShardBinder
{
    private static readonly RefusedPlan UnknownKey = new(
        SqlStates.FeatureNotSupported,
        "the value of the shard key cannot be read here, so the statement's shard is not known",
        "Give the key as a plain literal or parameter of the column's type, or say where the statement belongs with /* shardproxy: key=… */.");

    internal static RefusedPlan SeveralShards { get; } = new(
        SqlStates.FeatureNotSupported,
        "the statement's keys live on several shards, and it is not one that several can run",
        "Give it the keys of one shard at a time.");

    /// <param name="anyShard">Taken when no row can match, so that the client still gets its row description.</param>
    public static BindResult Choose(KeyedShard choice, DirectorySnapshot directory, in StatementValues values, int anyShard, out int shard, out RefusedPlan? refusal)
    {
        shard = -1;
        refusal = null;
        var relations = choice.Relations;
        for (var i = 0; i < relations.Length; i++)
        {
            var shards = Evaluate(relations[i], directory, values, ref refusal);
            if (refusal is not null)
                return BindResult.Refused;
            if (shards.IsUnknown)
                refusal = UnknownKey;
            else if (shards.IsEmpty || shards.IsInvalid)
                continue;
            else if (shards.One < 0 || (shard >= 0 && shards.One != shard))
                refusal = SeveralShards;
            if (refusal is not null)
                return BindResult.Refused;
            shard = shards.One;
        }
        if (shard < 0)
            shard = anyShard;
        return BindResult.Bound;
    }

    /// <summary>The bucket of a key's text, as a quoted literal gives it; negative when it is no key, nothing holds it, or its place is not known here. For hints and tools: it allocates.</summary>
    /// <param name="zone">The number of its zone, where the type has zones.</param>
    public static int BucketOf(KeyType type, DirectorySnapshot directory, ReadOnlySpan<byte> text, int zone = -1) =>
        BucketOf(type, directory, TypeOid.Unknown, 0, binary: false, text, zone);

    /// <summary>As <see cref="BucketOf(KeyType, DirectorySnapshot, ReadOnlySpan{byte})"/>, of a parameter.</summary>
    /// <param name="valueType">As declared; 0 for the key's own.</param>
    /// <param name="castTo">0 for no cast.</param>
    public static int BucketOf(KeyType type, DirectorySnapshot directory, uint valueType, uint castTo, bool binary, ReadOnlySpan<byte> value, int zone = -1)
    {
        var rule = type.Zones as ZoneRule;
        if (type.Placement is ZonePlacement || (rule is not null && zone < 0))
            return -1;
        var first = rule?.Zones[zone].FirstBucket ?? 0;
        var target = new KeyTarget(type.Oid, type.TypeModifier, KeyUse.Compare);
        if (type.Placement is not { } placement)
        {
            return KeyHasher.TryHashCast(target, valueType, castTo, binary, value, out var hash) != KeyHashResult.Hashed ? -1
                : rule is not null ? first + rule.PositionOf(hash)
                : directory.BucketOf(hash);
        }
        var image = new ByteBuffer();
        placement.Begin(image);
        return KeyImage.TryReadCast(target, valueType, castTo, binary, value, image) == KeyHashResult.Hashed && placement.Find(image.Unread) is >= 0 and var bucket
            ? first + bucket
            : -1;
    }

    /// <summary>The shard of a row to be stored, by its key as text. Negative where the key's place has to be asked for, which it then is of <paramref name="places"/>.</summary>
    /// <param name="valueType">The value's type, which assigning makes the key's; 0 for the key's own.</param>
    /// <param name="zone">The number of the row's zone; negative for a table without zones.</param>
    /// <param name="trouble">Why the row cannot be stored anywhere.</param>
    internal static int ShardOfStored(
        KeyType type, DirectorySnapshot directory, KeyPlaces places, uint valueType, ReadOnlySpan<byte> text, int zone, ref RefusedPlan? trouble)
    {
        var shards = new KeyLocator(type, KeyUse.Store, directory, places, zone < 0 ? null : ShardSet.Of(zone), storesZones: zone >= 0)
            .OfParameter(valueType, binary: false, text, ref trouble);
        // Any shard will say what is wrong with the value.
        return shards.IsInvalid ? 0 : shards.One;
    }

    /// <summary>The number of the zone of a row to be stored; negative when its value cannot be read here.</summary>
    /// <param name="isInvalid">The server will reject the value.</param>
    internal static int ZoneOfStored(KeyType type, DirectorySnapshot directory, uint valueType, ReadOnlySpan<byte> text, out bool isInvalid, ref RefusedPlan? trouble)
    {
        var zones = new KeyLocator(type, KeyUse.Store, directory, places: null, zones: null).OfParameter(valueType, binary: false, text, ref trouble);
        isInvalid = zones.IsInvalid;
        return zones.One;
    }

    internal static RefusedPlan UnreadableKey => UnknownKey;

    /// <summary>Reads every key of the sets, for what <see cref="StatementValues.Places"/> collects.</summary>
    internal static void Visit(System.Collections.Immutable.ImmutableArray<KeySet> sets, DirectorySnapshot directory, in StatementValues values)
    {
        RefusedPlan? trouble = null;
        foreach (var set in sets)
            Evaluate(set, directory, values, ref trouble);
    }

    /// <summary>The shards that can have rows that matter, in order. When no row can match, <paramref name="anyShard"/> gives the row description.</summary>
    public static List<int> Shards(SpreadKeys keys, DirectorySnapshot directory, int shardCount, in StatementValues values, int anyShard)
    {
        var shards = new List<int>(shardCount);
        RefusedPlan? trouble = null;
        var found = keys.Sets is null ? ShardSet.Unknown : ShardSet.Empty;
        foreach (var set in keys.Sets ?? [])
        {
            // A value that the server rejects is rejected by any.
            var one = Evaluate(set, directory, values, ref trouble);
            if (!one.IsInvalid)
                found = found.Union(one);
        }
        for (var shard = 0; shard < shardCount; shard++)
        {
            if (found.MayContain(shard))
                shards.Add(shard);
        }
        if (shards.Count == 0)
            shards.Add(anyShard);
        return shards;
    }

    private static ShardSet Evaluate(KeySet set, DirectorySnapshot directory, in StatementValues values, ref RefusedPlan? trouble)
    {
        switch (set)
        {
            case KeyEquals equals:
                return KeyReader.Read(equals, directory, values, ref trouble);
            case KeyInArray inArray:
                return KeyReader.ReadArray(inArray, directory, values);
            case KeyRange range:
                return KeyReader.ReadRange(range, directory, values);
            case KeyUnion union:
                ShardSet? all = null;
                foreach (var member in union.Sets)
                {
                    var one = Evaluate(member, directory, values, ref trouble);
                    all = all?.Union(one) ?? one;
                }
                return all ?? ShardSet.Empty;
            case KeyIntersection intersection:
                var common = ShardSet.Unknown;
                var isFirst = true;
                foreach (var member in intersection.Sets)
                {
                    var shards = Evaluate(member, directory, values, ref trouble);
                    common = isFirst ? shards : common.Intersect(shards);
                    isFirst = false;
                }
                return common;
            case ZonedKeys zoned:
                var zones = zoned.Zones is null ? ShardSet.Unknown : Evaluate(zoned.Zones, directory, values, ref trouble);
                if (zones.IsEmpty || zones.IsInvalid || (zones.IsUnknown && zoned.Stored))
                    return zones;
                return zoned.Keys is null
                    ? OwnersOf(zoned.Rule, zones, directory)
                    : Evaluate(zoned.Keys, directory, values with { Zones = zones, StoresZones = zoned.Stored }, ref trouble);
            case EmptyKeySet:
                return ShardSet.Empty;
            default:
                return ShardSet.Unknown;
        }
    }

    /// <summary>The numbers of the zones in question, for people who ask.</summary>
    internal static ShardSet ZonesOf(ZonedKeys keys, DirectorySnapshot directory, in StatementValues values)
    {
        RefusedPlan? trouble = null;
        return keys.Zones is null ? ShardSet.Unknown : Evaluate(keys.Zones, directory, values, ref trouble);
    }

    /// <summary>All shards that have buckets of the zones.</summary>
    private static ShardSet OwnersOf(PlacementRule rule, ShardSet zones, DirectorySnapshot directory)
    {
        var shards = ShardSet.Empty;
        for (var zone = 0; zone < ZoneCount(rule); zone++)
        {
            if (zones.MayContain(zone))
                shards = shards.Union(rule is LookupRule lookup ? OwnersOf(lookup, zone, directory) : OwnersOf((ZoneRule)rule, zone, directory));
        }
        return shards;
    }

    private static int ZoneCount(PlacementRule rule) => rule is LookupRule lookup ? lookup.Zones.Count : ((ZoneRule)rule).Zones.Count;

    private static ShardSet OwnersOf(ZoneRule rule, int zone, DirectorySnapshot directory)
    {
        var shards = ShardSet.Empty;
        var last = -1;
        for (var bucket = rule.Zones[zone].FirstBucket; bucket < rule.Zones[zone].FirstBucket + rule.Width; bucket++)
        {
            // Neighbours mostly have one owner.
            if (directory.ShardOfBucket(bucket) is var shard && shard != last)
                shards = shards.Union(ShardSet.Of(last = shard));
        }
        return shards;
    }

    private static ShardSet OwnersOf(LookupRule rule, int zone, DirectorySnapshot directory)
    {
        var shards = ShardSet.Empty;
        var slots = rule.Zones[zone].Slots;
        for (var index = 0; index < slots.Count; index++)
            shards = shards.Union(ShardSet.Of(directory.ShardOfBucket(rule.Slots[slots[index]])));
        return shards;
    }
}
