namespace ShardProxy.Directory.Lookup;

/// <summary>
/// The places of keys that are placed by look-up: one row for each key of a group. A place is a slot, the position of a
/// bucket in the group's rule. What a call has returned is kept; a key that has a place gets no other but by
/// <see cref="MoveAsync"/>, whoever proposes one at the same time.
/// </summary>
public interface IKeyStore
{
    /// <summary>More keys in one call are for the caller to cut up: a store answers a batch in one go.</summary>
    public const int LargestBatch = 1000;

    /// <param name="group">The id of the group's rule.</param>
    /// <exception cref="DirectoryUnavailableException">The store does not answer.</exception>
    ValueTask<KeyAnswers> FindAsync(string database, string group, IReadOnlyList<byte[]> keys, CancellationToken cancel);

    /// <summary>Gives each key that has no place the one proposed, in one atomic step.</summary>
    /// <param name="slots">How many slots the group has.</param>
    /// <param name="epoch">What an earlier answer carried: if the store has lost its memory since, nothing is done, and the answer has no slots.</param>
    /// <returns>Where each key is now.</returns>
    /// <exception cref="DirectoryUnavailableException">The store does not answer; the keys may have got their places all the same.</exception>
    ValueTask<KeyAnswers> PlaceAsync(string database, string group, IReadOnlyList<KeyProposal> keys, int slots, string epoch, CancellationToken cancel);

    /// <summary>Compare-and-set of one key's place.</summary>
    /// <returns>Whether the key is at <paramref name="to"/> now.</returns>
    ValueTask<bool> MoveAsync(string database, string group, byte[] key, int from, int to, CancellationToken cancel);

    /// <summary>How many keys each slot has, by slot.</summary>
    ValueTask<IReadOnlyList<long>> CountAsync(string database, string group, int slots, CancellationToken cancel);

    /// <summary>Drops the keys of groups that are no more.</summary>
    /// <param name="live">Ids of the groups that are.</param>
    ValueTask ForgetAsync(string database, IReadOnlyCollection<string> live, CancellationToken cancel);
}

/// <param name="Slot">Where it is to be; negative for the slot with the fewest keys.</param>
/// <param name="Among">The slots of which that is chosen; null for all.</param>
public readonly record struct KeyProposal(byte[] Key, int Slot, IReadOnlyList<int>? Among = null);

/// <summary>What a store says of keys.</summary>
/// <param name="Epoch">Another when the store may have lost what it had been told: restarted, emptied, failed over.</param>
/// <param name="Slots">By key, in the order asked; -1 where the store knows none.</param>
public sealed record KeyAnswers(string Epoch, IReadOnlyList<int> Slots);
