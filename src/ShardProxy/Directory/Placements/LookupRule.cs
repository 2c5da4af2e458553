using System.Globalization;

namespace ShardProxy.Directory.Placements;

/// <summary>
/// Each key's place is a row in the directory's store: a slot, which stands for one of the buckets here. Slots keep their
/// numbers, so that places hold however buckets are numbered.
/// </summary>
/// <param name="Id">Under which the store keeps the group's keys: a group that is made anew under an old name has another.</param>
/// <param name="Policy">How an unknown key gets its slot when it is first inserted.</param>
/// <param name="Slots">The bucket of each slot.</param>
public sealed record LookupRule(string Id, string Policy, IReadOnlyList<int> Slots) : PlacementRule
{
    /// <summary>The slot that has the fewest keys.</summary>
    public const string Fewest = "fewest";

    /// <summary>By the key's hash: the same slot wherever and whenever it is asked.</summary>
    public const string ByHash = "hash";

    public override string Strategy => Lookup;

    public override IEnumerable<int> Buckets => Slots;

    /// <summary>(policy, id) on bucket, once for each slot.</summary>
    public override IReadOnlyList<PlacementEntry> Entries =>
        [.. Slots.Select(bucket => EntryOf(Policy, Id, bucket.ToString(CultureInfo.InvariantCulture)))];

    /// <summary>What a new group begins with: a slot on each shard.</summary>
    /// <exception cref="FormatException">There is no such policy.</exception>
    public static IReadOnlyList<PlacementEntry> EntriesFor(string policy, IEnumerable<string> shards)
    {
        var id = Guid.NewGuid().ToString("N");
        return policy is Fewest or ByHash
            ? [.. shards.Select(shard => EntryOf(policy, id, shard))]
            : throw new FormatException($"there is no policy \"{policy}\": an unknown key is placed by {Fewest} or {ByHash}");
    }

    public static PlacementEntry EntryOf(string policy, string id, string? target) => new(IsRange: false, IsDefault: false, [policy, id], target);

    internal static LookupRule OfEntries(IReadOnlyList<PlacementEntry> entries, Func<PlacementEntry, int> bucketOf)
    {
        if (entries is not [{ IsRange: false, Values: [{ } policy, { } id] }, ..])
            throw new FormatException("a table of the strategy lookup takes a policy, not ranges or lists");
        return new LookupRule(id, policy, [.. entries.Select(bucketOf)]);
    }

    /// <summary>Where an unknown key goes; negative to let the store say where the fewest keys are.</summary>
    public int SlotFor(ReadOnlySpan<byte> key)
    {
        if (Policy != ByHash)
            return -1;
        // FNV-1a, 64 bits (its offset basis and prime), mixed once more since its low bits alone are weak.
        var hash = 0xCBF2_9CE4_8422_2325;
        foreach (var value in key)
            hash = (hash ^ value) * 0x0000_0100_0000_01B3;
        return (int)((hash ^ (hash >> 32)) % (ulong)Slots.Count);
    }
}
