namespace ShardProxy.Directory.Placements;

/// <summary>The shards on which ranges and lists begin.</summary>
public static class PlacementTargets
{
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
