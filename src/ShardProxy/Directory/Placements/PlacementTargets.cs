namespace ShardProxy.Directory.Placements;

/// <summary>The shards on which ranges and lists begin.</summary>
public static class PlacementTargets
{
    /// <summary>The entries with which a group begins.</summary>
    /// <param name="text">Ranges or lists in the notation of <see cref="PlacementText"/>; of a lookup group the policy.</param>
    /// <param name="shards">Names, in the configuration's order.</param>
    /// <exception cref="FormatException">The text is not of the strategy's kind, or names a shard that is not configured.</exception>
    public static IReadOnlyList<PlacementEntry> Begin(string strategy, string text, IReadOnlyList<string> shards)
    {
        if (strategy == PlacementRule.Lookup)
            return LookupRule.EntriesFor(text, shards);
        var entries = Assign(PlacementText.Parse(text), shards);
        // Only to hear now whether the entries are of the strategy's kind.
        PlacementRule.Of(strategy, entries, static _ => 0);
        return entries;
    }

    /// <summary>What <see cref="Begin"/> was given, of its result.</summary>
    public static string TextOf(string strategy, IReadOnlyList<PlacementEntry> entries) =>
        strategy == PlacementRule.Lookup ? entries[0].Values[0]! : PlacementText.Format(entries);

    /// <summary>Gives entries that name no shard one: evenly, in order, and the same everywhere.</summary>
    /// <param name="shards">Names, in the configuration's order.</param>
    /// <exception cref="FormatException">An entry names a shard that is not configured.</exception>
    public static IReadOnlyList<PlacementEntry> Assign(IReadOnlyList<PlacementEntry> entries, IReadOnlyList<string> shards)
    {
        var open = entries.Count(static entry => entry.Target is null);
        var owners = DirectorySnapshot.SpreadEvenly(open, shards.Count);
        var next = 0;
        var assigned = new List<PlacementEntry>(entries.Count);
        foreach (var entry in entries)
        {
            if (entry.Target is { } name && !shards.Contains(name, StringComparer.Ordinal))
                throw new FormatException($"there is no shard \"{name}\"; the shards are {string.Join(", ", shards)}");
            assigned.Add(entry.Target is null ? entry with { Target = shards[owners[next++]] } : entry);
        }
        return assigned;
    }
}
