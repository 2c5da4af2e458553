using ShardProxy.Directory;
using ShardProxy.Directory.Lookup;
using ShardProxy.Directory.Placements;

namespace ShardProxy.Control.Lookups;

/// <summary>Tells the store of keys whose rows were on a shard before the proxy knew the table.</summary>
internal sealed class KeyAdoption(DatabaseDirectory directory)
{
    /// <param name="keys">Images; at most <see cref="IKeyStore.LargestBatch"/>.</param>
    /// <returns>Whether all of them are placed on the shard now.</returns>
    /// <exception cref="DirectoryException">The store does not answer.</exception>
    public async Task<bool> AdoptAsync(LookupPlacement placement, int shard, IReadOnlyList<byte[]> keys, CancellationToken cancel)
    {
        var rule = placement.Rule;
        var slot = 0;
        while (slot < rule.Slots.Count && directory.Snapshot.ShardOfBucket(rule.Slots[slot]) != shard)
            slot++;
        if (slot == rule.Slots.Count)
            return false;
        directory.Cache.NotePlacing();
        try
        {
            var store = directory.Store.Keys;
            // An epoch that another proxy's trouble has just ended fails the look, and the next load looks again.
            var epoch = (await store.FindAsync(directory.Database, rule.Id, [], cancel)).Epoch;
            var answers = await store.PlaceAsync(
                directory.Database, rule.Id, [.. keys.Select(key => new KeyProposal(key, slot))], rule.Slots.Count, epoch, cancel);
            return answers.Slots.Count == keys.Count && answers.Slots.All(answer => answer == slot);
        }
        finally
        {
            directory.Cache.NotePlacing();
        }
    }
}
