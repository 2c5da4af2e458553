using ShardProxy.Configuration;

namespace ShardProxy.Directory.Placements;

/// <summary>The shards that a table's entry in the configuration file names.</summary>
internal static class NamedShards
{
    /// <returns>None for a text that cannot be read: whoever places the table says what is wrong with it.</returns>
    public static IReadOnlyList<string> Of(TableConfig table)
    {
        var text = table.Zone is { } zone ? zone.Zones : table.Strategy is PlacementRule.Range or PlacementRule.List ? table.Placement : null;
        if (text is null)
            return [];
        try
        {
            // A zone's shards stand behind one another.
            return [.. PlacementText.Parse(text)
                .SelectMany(entry => entry.Target is not { } target ? [] : table.Zone is null ? [target] : target.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Distinct(StringComparer.Ordinal)];
        }
        catch (FormatException)
        {
            return [];
        }
    }
}
