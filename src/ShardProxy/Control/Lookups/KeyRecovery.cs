using ShardProxy.Catalog;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Directory.Lookup;
using ShardProxy.Directory.Placements;
using ShardProxy.Sessions;

namespace ShardProxy.Control.Lookups;

/// <summary>
/// This proxy's part in making a shared store whole that may have lost places of keys, as soon as its epoch is another:
/// 1. what the proxy remembers is put back: a key without rows, which only some proxy's memory has, could otherwise get a second place;
/// 2. keys that have moved lately are looked for on the shards: a store that failed over without its last write has them where they were.
/// 3. what this proxy does not remember any more, an open transaction may still have written, and nobody sees its rows: those are waited
/// for, and so is what stands prepared, which may be of a proxy that is gone.
/// Where the store contradicts, the rows decide; a key without rows is where a proxy remembers it, since no live proxy
/// remembers a place from before a move.
/// </summary>
internal sealed class KeyRecovery(IReadOnlyList<ControlShard> shards, DatabaseDirectory directory, Func<RoutingState> routing)
{
    private readonly KeyFinder _finder = new(shards);
    private Task? _running;
    private volatile string? _epoch;

    /// <summary>The sessions that are in; set by whoever owns them.</summary>
    public Func<IEnumerable<Session>> Sessions { get; set; } = static () => [];

    /// <summary>The epoch to which this proxy has told all that it remembers; null before the store has answered.</summary>
    public string? Epoch => _epoch;

    /// <summary>Looks whether the epoch is another, and if so begins to tell the store what it may have lost, in the background.</summary>
    /// <param name="done">Called when the store has been told.</param>
    /// <returns>The epoch that the store is in.</returns>
    /// <exception cref="DirectoryException">The store does not answer.</exception>
    public async Task<string> LookAsync(Action done, CancellationToken cancel)
    {
        var epoch = await NowAsync(cancel);
        if (epoch != _epoch && _running is not { IsCompleted: false })
            _running = Task.Run(() => TellAsync(epoch, done, cancel), cancel);
        return epoch;
    }

    /// <exception cref="DirectoryException">The store does not answer.</exception>
    public async Task<string> NowAsync(CancellationToken cancel) =>
        (await directory.Store.Keys.FindAsync(directory.Database, "", [], cancel)).Epoch;

    /// <summary>What fails is tried again at the next look.</summary>
    private async Task TellAsync(string epoch, Action done, CancellationToken cancel)
    {
        try
        {
            // What was asked in the old epoch and is remembered from now on would not be told.
            directory.Cache.NoteMove();
            foreach (var group in directory.Content.Groups)
            {
                if (group.Rule is LookupRule rule && (!await TellPlacesAsync(group, rule, epoch, cancel) || !await TellMovesAsync(group, rule, cancel)))
                    return;
            }
            if (directory.Cache.HasForgotten)
                await OpenWork.WhenOverAsync(Sessions, cancel);
            await PreparedWork.WhenOverAsync(shards, directory.Content.Cluster, cancel);
            _epoch = epoch;
            done();
        }
        catch (Exception exception) when (exception is DirectoryException or SqlException or OperationCanceledException)
        {
            // The fleet says that the store does not answer; a shard that does not is waited for.
        }
    }

    /// <returns>False when the epoch has ended.</returns>
    private async Task<bool> TellPlacesAsync(KeyGroup group, LookupRule rule, string epoch, CancellationToken cancel)
    {
        var number = directory.Cache.Register(rule.Id);
        foreach (var batch in directory.Cache.PlacesOf(number).Chunk(IKeyStore.LargestBatch))
        {
            var answers = await directory.Store.Keys.PlaceAsync(
                directory.Database, rule.Id, [.. batch.Select(static place => new KeyProposal(place.Key, place.Slot))], rule.Slots.Count, epoch, cancel);
            if (answers.Slots.Count == 0)
                return false;
            var contradicted = new List<(byte[] Key, int Stored, int Remembered)>();
            for (var index = 0; index < batch.Length; index++)
            {
                if (answers.Slots[index] != batch[index].Slot)
                    contradicted.Add((batch[index].Key, answers.Slots[index], batch[index].Slot));
            }
            await SettleAsync(group, rule, contradicted, cancel);
        }
        return true;
    }

    /// <returns>False when the store has lost a key meanwhile.</returns>
    private async Task<bool> TellMovesAsync(KeyGroup group, LookupRule rule, CancellationToken cancel)
    {
        var keys = directory.RecentlyMoved(rule.Id);
        if (keys.Count == 0)
            return true;
        var stored = (await directory.Store.Keys.FindAsync(directory.Database, rule.Id, keys, cancel)).Slots;
        // A key that the store does not know at all is found by its rows when somebody asks.
        await SettleAsync(group, rule, [.. keys.Zip(stored, static (key, slot) => (Key: key, Stored: slot, Remembered: slot)).Where(static each => each.Stored >= 0)], cancel);
        return true;
    }

    private async Task SettleAsync(KeyGroup group, LookupRule rule, IReadOnlyList<(byte[] Key, int Stored, int Remembered)> keys, CancellationToken cancel)
    {
        foreach (var family in keys.Where(each => !directory.Content.Moves.Any(move => move.IsOf(rule.Id, each.Key))).GroupBy(static each => each.Key[0]))
        {
            var type = KeyFinder.KeyTypesOf(routing(), group.Name)
                .FirstOrDefault(type => group.For(type, out _) is LookupPlacement placement && placement.IsOf([family.Key]));
            foreach (var batch in family.Chunk(IKeyStore.LargestBatch))
            {
                var found = await _finder.FindAsync(routing(), group.Name, type, [.. batch.Select(static each => each.Key[1..])], cancel);
                for (var index = 0; index < batch.Length; index++)
                {
                    var (key, stored, remembered) = batch[index];
                    var slot = found[index] == KeyFinder.Nowhere ? remembered : SlotOn(rule, found[index]);
                    if (slot >= 0 && slot != stored)
                        await directory.Store.Keys.MoveAsync(directory.Database, rule.Id, key, stored, slot, cancel);
                    if (slot != remembered)
                        directory.Cache.Remove(directory.Cache.Register(rule.Id), key);
                }
            }
        }
    }

    private int SlotOn(LookupRule rule, int shard) => rule.Slots.ToList().FindIndex(bucket => routing().Directory.ShardOfBucket(bucket) == shard);
}
