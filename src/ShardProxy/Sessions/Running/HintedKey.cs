using System.Globalization;
using System.Text;
using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Planning;
using ShardProxy.Planning.Confinement;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// The shard of a key that a hint names. It names no table: the key's type is that of the sharded tables' keys, which must have
/// one type in common, placed by one strategy, and zones, if any has, of one group.
/// </summary>
internal static class HintedKey
{
    private const string NameTheShard = "Name the shard instead: /* shardproxy: shard=… */.";

    /// <param name="zone">Null when none is said.</param>
    /// <exception cref="SqlErrorException">The hint does not lead to one shard.</exception>
    public static int ShardOf(RoutingState routing, string key, string? zone)
    {
        KeyType? type = null;
        KeyType? zoneType = null;
        foreach (var table in routing.Directory.Tables.Values)
        {
            if (table.Kind != TableKind.Sharded || routing.Catalog.FindRelation(table.Table) is not { } relation || !RelationAnalyzer.TryKeyType(relation, table, out var found, out _))
                continue;
            if (type is not null && (type.Oid != found.Oid || type.Placement != found.Placement || !ReferenceEquals(type.Zones, found.Zones)))
                throw Refuse("a hint with a key needs all sharded tables to have keys of one type, placed by one strategy", NameTheShard);
            if (found.Zones is ZoneRule && zone is null)
            {
                throw Refuse(
                    $"a hint with a key alone does not say the zone: \"{table.Table.Name}\" is sharded by {table.KeyText}",
                    "Say both, /* shardproxy: key=… zone=… */, or name the shard: /* shardproxy: shard=… */.");
            }
            type = found;
            zoneType ??= RelationAnalyzer.ZoneTypeOf(relation, table);
        }
        if (type is null)
            return Database.HomeShard;
        return type.Zones is null && zone is not null
            ? throw Invalid("the hint says a zone, and the sharded tables have none")
            : ShardOf(routing.Directory, type, key, zone is null ? KeyPlaces.NoZone : ZoneOf(routing.Directory, zoneType!, zone));
    }

    private static int ShardOf(DirectorySnapshot directory, KeyType type, string key, int zone)
    {
        var bucket = ShardBinder.BucketOf(type, directory, Encoding.UTF8.GetBytes(key), zone);
        if (bucket < 0)
            throw Invalid(string.Create(CultureInfo.InvariantCulture, $"the hint's key is no value of the key type (type {type.Oid}), or no range or list holds it, or its place is not known here yet"));
        return zone >= 0 && type.Zones is LookupRule rule && !rule.IsInZone(zone, bucket)
            ? throw Invalid("the rows of the hint's key are not on a shard of the hint's zone")
            : directory.ShardOfBucket(bucket);
    }

    private static int ZoneOf(DirectorySnapshot directory, KeyType type, string zone)
    {
        RefusedPlan? trouble = null;
        var number = ShardBinder.ZoneOfStored(type, directory, 0, Encoding.UTF8.GetBytes(zone), out _, ref trouble);
        return number >= 0 ? number : throw Invalid($"the hint's zone is not configured: the table would need a zone with {zone}");
    }

    private static SqlErrorException Refuse(string reason, string hint) => new(SqlStates.FeatureNotSupported, reason, hint);

    private static SqlErrorException Invalid(string reason) => new(SqlStates.InvalidParameterValue, reason, null);
}
