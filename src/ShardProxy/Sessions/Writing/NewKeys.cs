using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Writing;

/// <summary>Finds the shards of rows whose keys no text shows: the proxy has read them from a shard.</summary>
internal static class NewKeys
{
    /// <param name="valueType">The type of the values, by the home shard's ids, that storing makes the key's.</param>
    /// <param name="keys">As text.</param>
    /// <returns>For each its shard. Throws what keeps one from being stored.</returns>
    public static async ValueTask<int[]> ShardsAsync(Session session, KeyType type, uint valueType, IReadOnlyList<byte[]?> keys)
    {
        var shards = new int[keys.Count];
        session.Places = new KeyPlaces();
        if (!TryFind(session, type, valueType, keys, shards))
        {
            await Routing.PlaceAsync(session);
            if (!TryFind(session, type, valueType, keys, shards))
                throw Routing.Refuse(ShardBinder.UnreadableKey);
        }
        return shards;
    }

    /// <returns>False when a place has to be asked for, or a value cannot be read here.</returns>
    private static bool TryFind(Session session, KeyType type, uint valueType, IReadOnlyList<byte[]?> keys, int[] shards)
    {
        var directory = session.Planning().Routing.Directory;
        var isFound = true;
        for (var index = 0; index < shards.Length; index++)
        {
            if (keys[index] is not { } key)
                throw Routing.Refuse(Refusals.NullKey);
            RefusedPlan? trouble = null;
            shards[index] = ShardBinder.ShardOfStored(type, directory, session.Places!, valueType, key, ref trouble);
            // Of a lookup table every place is asked for first.
            if (trouble is not null && !ReferenceEquals(trouble, Refusals.NotPlacedYet))
                throw Routing.Refuse(trouble);
            isFound &= shards[index] >= 0 && trouble is null;
        }
        return isFound;
    }
}
