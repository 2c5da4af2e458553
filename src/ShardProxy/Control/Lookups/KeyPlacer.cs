using ShardProxy.Catalog;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Directory.Lookup;
using ShardProxy.Directory.Placements;
using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Control.Lookups;

/// <summary>
/// Finds the places of keys that the proxy's cache does not know, in this order:
/// 1. the store's row;
/// 2. for a key that the store does not know, the shard that has rows of it, which is put back into the store;
/// 3. for a key that is nowhere and becomes a row's, a place by the group's policy, given by the store in one atomic step;
///    else the answer that it is nowhere.
/// While the store does not answer, the rows tell where a key is, and a new key is refused. A store that has lost its memory, or
/// may have, is not believed either until every proxy has told it what it remembers; a new key waits for that.
/// </summary>
internal sealed class KeyPlacer(IReadOnlyList<ControlShard> shards, DatabaseDirectory directory, Func<RoutingState> routing)
{
    /// <summary>How often a store may lose its memory in the midst of one question.</summary>
    private const int Attempts = 5;

    private readonly KeyFinder _finder = new(shards);

    /// <summary>Whether the store of an epoch knows all places that any proxy remembers; set by the fleet.</summary>
    public Func<string, bool> IsWhole { get; set; } = static _ => true;

    /// <summary>Waits until <see cref="IsWhole"/>, but not for ever; set by the fleet.</summary>
    public Func<string, CancellationToken, Task<bool>> WhenWhole { get; set; } = static (_, _) => Task.FromResult(true);

    /// <summary>Sets the bucket of each key that is wanted.</summary>
    /// <param name="mayPlace">A key that is nowhere and becomes a row's is given a place; else it stays without.</param>
    /// <returns>False when one is being moved, and so is nowhere until it has arrived.</returns>
    /// <exception cref="SqlException">A new key's place cannot be stored, or a shard that may have the key cannot be asked.</exception>
    public async Task<bool> ResolveAsync(KeyPlaces places, bool mayPlace, CancellationToken cancel)
    {
        var wanted = places.Wanted.Where(static key => key.Bucket == KeyPlacement.Unknown);
        foreach (var group in wanted.GroupBy(static key => (key.Placement.Rule.Id, key.Image[0])).ToArray())
        {
            foreach (var batch in group.Chunk(IKeyStore.LargestBatch))
            {
                if (!await ResolveAsync(batch, mayPlace, cancel))
                    return false;
            }
        }
        return true;
    }

    private async Task<bool> ResolveAsync(WantedKey[] keys, bool mayPlace, CancellationToken cancel)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            // The rule as it is now: a slot may have come since the statement was planned.
            if (routing().Directory.Groups.GetValueOrDefault(keys[0].Placement.Group)?.Rule is not LookupRule rule || rule.Id != keys[0].Placement.Rule.Id)
                throw new SqlException(SqlStates.SerializationFailure, "the table was distributed anew while the statement ran", "Try again.");
            var moves = directory.Cache.MoveTicket;
            if (directory.Content.Moves.Any(move => Array.Exists(keys, key => move.IsOf(rule.Id, key.Image))))
                return false;
            var ticket = directory.Cache.Ticket;
            var answers = await TryFindAsync(rule, keys, cancel);
            var doubtful = answers is not null && !IsWhole(answers.Epoch) ? answers.Epoch : null;
            if (doubtful is not null)
                answers = null;
            var absent = new List<WantedKey>();
            for (var index = 0; index < keys.Length; index++)
            {
                if (answers is not null && answers.Slots[index] >= 0)
                    Remember(rule, keys[index], answers.Slots[index], moves);
                else
                    absent.Add(keys[index]);
            }
            if (absent.Count > 0 && !await TryLookOnShardsAsync(rule, answers?.Epoch, absent, ticket, mayPlace, moves, doubtful, cancel))
                continue;
            // What was answered while a key began or ended to move may be of before.
            if (moves == directory.Cache.MoveTicket)
                return true;
            foreach (var key in keys)
                key.Bucket = KeyPlacement.Unknown;
        }
        // Other keys move all the time, or the store loses what it is told: asked again in a moment.
        return false;
    }

    private async Task<KeyAnswers?> TryFindAsync(LookupRule rule, WantedKey[] keys, CancellationToken cancel)
    {
        try
        {
            return await directory.Store.Keys.FindAsync(directory.Database, rule.Id, [.. keys.Select(static key => key.Image)], cancel);
        }
        catch (DirectoryUnavailableException)
        {
            return null;
        }
    }

    /// <returns>False when the store has lost its memory meanwhile, and all is to be asked anew.</returns>
    private async Task<bool> TryLookOnShardsAsync(
        LookupRule rule, string? epoch, List<WantedKey> absent, long ticket, bool mayPlace, long moves, string? doubtful, CancellationToken cancel)
    {
        var number = directory.Cache.Register(rule.Id);
        var unsure = absent.Where(key => epoch is null || key.Stored || !directory.Cache.IsNone(number, key.Image, epoch)).ToArray();
        var found = unsure.Length == 0 ? [] : await _finder.FindAsync(
            routing(), absent[0].Placement.Group, absent[0].Placement.Type, [.. unsure.Select(static key => key.Image[1..])], cancel);
        var proposals = new List<(WantedKey Key, int Shard, int Slot)>();
        foreach (var key in absent)
        {
            var position = Array.IndexOf(unsure, key);
            var shard = position < 0 ? KeyFinder.Nowhere : found[position];
            if (shard != KeyFinder.Nowhere)
                proposals.Add((key, shard, SlotOn(rule, shard, key)));
            else if (key.Stored && mayPlace)
                proposals.Add((key, shard, rule.SlotFor(key.Image, rule.SlotsIn(key.Zones))));
            else
                SayNowhere(number, key, epoch, ticket);
        }
        if (epoch is not null)
            return proposals.Count == 0 || await TryPlaceAsync(rule, epoch, proposals, moves, cancel);
        foreach (var (key, shard, slot) in proposals)
        {
            if (shard != KeyFinder.Nowhere)
                key.Bucket = rule.Slots[slot];
            else if (doubtful is null)
                throw Unplaced(key, "the directory's store does not answer");
            else if (await WhenWhole(doubtful, cancel))
                return false;
            else
                throw Unplaced(key, "the directory's store has lost its memory, and not every proxy has told it yet what it remembers");
        }
        return true;
    }

    private async Task<bool> TryPlaceAsync(LookupRule rule, string epoch, List<(WantedKey Key, int Shard, int Slot)> proposals, long moves, CancellationToken cancel)
    {
        KeyAnswers answers;
        directory.Cache.NotePlacing();
        try
        {
            answers = await directory.Store.Keys.PlaceAsync(
                directory.Database, rule.Id, [.. proposals.Select(proposal => new KeyProposal(proposal.Key.Image, proposal.Slot, rule.SlotsIn(proposal.Key.Zones)))], rule.Slots.Count, epoch, cancel);
            for (var index = 0; index < answers.Slots.Count; index++)
            {
                var (key, shard, _) = proposals[index];
                if (shard != KeyFinder.Nowhere && ShardOf(rule, answers.Slots[index]) != shard)
                    throw Contradicted(key, shard);
                Remember(rule, key, answers.Slots[index], moves);
            }
        }
        catch (DirectoryUnavailableException exception)
        {
            throw Unplaced(proposals[0].Key, exception.Message);
        }
        finally
        {
            directory.Cache.NotePlacing();
        }
        return answers.Slots.Count > 0;
    }

    private void Remember(LookupRule rule, WantedKey key, int slot, long moves)
    {
        if (slot >= rule.Slots.Count)
            throw new SqlException(SqlStates.SerializationFailure, "a shard was added to the table's group while the statement ran", "Try again.");
        key.Bucket = rule.Slots[slot];
        directory.Cache.Set(directory.Cache.Register(rule.Id), key.Image, slot, moves);
    }

    private void SayNowhere(ushort number, WantedKey key, string? epoch, long ticket)
    {
        key.Bucket = KeyPlacement.None;
        if (epoch is not null)
            directory.Cache.SetNone(number, key.Image, epoch, ticket);
    }

    private int SlotOn(LookupRule rule, int shard, WantedKey key)
    {
        for (var slot = 0; slot < rule.Slots.Count; slot++)
        {
            if (ShardOf(rule, slot) == shard)
                return slot;
        }
        throw new SqlException(
            SqlStates.ObjectNotInPrerequisiteState,
            $"rows of the key {Text(key)} stand on shard \"{shards[shard].Name}\", which takes no keys of the group {key.Placement.Group}");
    }

    private int ShardOf(LookupRule rule, int slot) => slot < rule.Slots.Count ? routing().Directory.ShardOfBucket(rule.Slots[slot]) : -1;

    private SqlException Contradicted(WantedKey key, int shard) => new(
        "XX001",
        $"rows of the key {Text(key)} of the group {key.Placement.Group} stand on shard \"{shards[shard].Name}\", and the directory says that it is on another",
        "Try again; if it stays so, move the rows by hand.");

    private static SqlException Unplaced(WantedKey key, string reason) => new(
        SqlStates.CannotConnectNow,
        $"the new key {Text(key)} of the group {key.Placement.Group} cannot be given a place: {reason}",
        "Rows of known keys can be written, and all can be read. Try again when the directory's store answers.");

    private static string Text(WantedKey key) => KeyImageText.Write(key.Placement.Type, key.Image.AsSpan(1));
}
