namespace ShardProxy.Configuration;

/// <summary>Reads <c>gather</c> of a database.</summary>
internal static class GatherSection
{
    // One temporary table's smallest sensible share, and what no statement should ask of one server.
    private const long SmallestGather = 64 << 10;
    private const long LargestGather = 1L << 44;

    public static GatherConfig Read(Section section, IReadOnlyList<ShardConfig> shards, string databaseName)
    {
        using var _ = section;
        var gather = new GatherConfig(section.Size("max_bytes", GatherConfig.Default.MaxBytes, SmallestGather, LargestGather))
        {
            KeyListsFrom = section.Size("key_lists_from", GatherConfig.Default.KeyListsFrom, 0, LargestGather),
        };
        return section.Find("on") is { } on ? ReadPlace(section, gather, on, shards, databaseName) : gather;
    }

    private static GatherConfig ReadPlace(Section section, GatherConfig gather, Scalar on, IReadOnlyList<ShardConfig> shards, string databaseName)
    {
        switch (on.Text.ToLowerInvariant())
        {
            case "home":
                return gather;
            case "any":
                return gather with { On = GatherOn.Any };
        }
        // Neither is a word that somebody misspelt a host.
        if (!on.Text.Contains('=', StringComparison.Ordinal) && !ConnectionUrl.IsUrl(on.Text))
        {
            section.Scope.Report(on.At, $"{on.Path} must be home, any or the connection string of a PostgreSQL beside the shards{Suggestion.For(on.Text, ["home", "any"])}.");
            return gather;
        }
        if (ServerText.Read(section, on, databaseName) is not { } target)
            return gather;
        if (shards.FirstOrDefault(shard => shard.Primary.Host == target.Host && shard.Primary.Port == target.Port && shard.Primary.Database == target.Database) is { } same)
        {
            section.Scope.Report(on.At, $"{on.Path} leads to {target}, which is the shard {same.Name}: it must be a PostgreSQL of its own; home and any use the shards.");
            return gather;
        }
        return gather with { On = GatherOn.Server, Server = target };
    }
}
