using ShardProxy.Directory;
using ShardProxy.Planning;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Writing;

/// <summary>The values of one column of rows that are to be stored.</summary>
/// <param name="Type">Of the values, by the home shard's ids: storing makes it the column's.</param>
/// <param name="Texts">By row; null for NULL.</param>
internal sealed record StoredColumn(uint Type, IReadOnlyList<byte[]?> Texts);

/// <summary>Finds the shards of rows whose keys no text shows: the proxy has read them from a shard.</summary>
internal static class NewKeys
{
    /// <param name="zone">The column that says the rows' zones, with its values; null for a table without zones.</param>
    /// <returns>For each row its shard. Throws what keeps one from being stored.</returns>
    public static async ValueTask<int[]> ShardsAsync(Session session, KeyType type, StoredColumn keys, (ZoneColumn Column, StoredColumn Values)? zone)
    {
        var shards = new int[keys.Texts.Count];
        session.Places = new KeyPlaces();
        if (!TryFind(session, type, keys, zone, shards))
        {
            await Routing.PlaceAsync(session);
            if (!TryFind(session, type, keys, zone, shards))
                throw Routing.Refuse(ShardBinder.UnreadableKey);
        }
        return shards;
    }

    /// <returns>False when a place has to be asked for, or a value cannot be read here.</returns>
    private static bool TryFind(Session session, KeyType type, StoredColumn keys, (ZoneColumn Column, StoredColumn Values)? zones, int[] shards)
    {
        var directory = session.Planning().Routing.Directory;
        var isFound = true;
        for (var index = 0; index < shards.Length; index++)
        {
            RefusedPlan? trouble = null;
            var zone = KeyPlaces.NoZone;
            if (zones is { } known && !TryFindZone(directory, known.Column.Type, known.Values, index, ref zone))
            {
                // Any shard will say what is wrong with the zone.
                shards[index] = 0;
                continue;
            }
            if (keys.Texts[index] is not { } key)
                throw Routing.Refuse(Refusals.NullKey);
            shards[index] = ShardBinder.ShardOfStored(type, directory, session.Places!, keys.Type, key, zone, ref trouble);
            // Of a lookup table every place is asked for first.
            if (trouble is not null && !ReferenceEquals(trouble, Refusals.NotPlacedYet))
                throw Routing.Refuse(trouble);
            isFound &= shards[index] >= 0 && trouble is null;
        }
        return isFound;
    }

    /// <returns>False when the server will reject the value.</returns>
    private static bool TryFindZone(DirectorySnapshot directory, KeyType type, StoredColumn values, int row, ref int zone)
    {
        if (values.Texts[row] is not { } text)
            throw Routing.Refuse(Refusals.NullZone);
        RefusedPlan? trouble = null;
        zone = ShardBinder.ZoneOfStored(type, directory, values.Type, text, out var isInvalid, ref trouble);
        if (isInvalid)
            return false;
        return zone >= 0 ? true : throw Routing.Refuse(trouble ?? ShardBinder.UnreadableKey);
    }
}
