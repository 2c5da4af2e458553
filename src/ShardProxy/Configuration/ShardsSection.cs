namespace ShardProxy.Configuration;

/// <summary>Reads <c>shards</c> of a database; the first is its home shard.</summary>
internal static class ShardsSection
{
    public static IReadOnlyList<ShardConfig> Read(Section database, string databaseName)
    {
        var shards = new List<ShardConfig>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var places = new Dictionary<(string, int, string), string>();
        var sections = database.OpenList("shards");
        if (sections.Count == 0)
            database.Scope.Report(database.At, $"{database.PathOf("shards")} needs at least one shard.");
        foreach (var section in sections)
        {
            using var _ = section;
            var name = section.Require("name");
            var primary = section.Require("primary");
            if (name is { } given && !Identifiers.IsShardName(given.Text))
                section.Scope.Report(given.At, $"{given.Path} must be of letters, digits, '_', '-' and '.', at most 63 of them.");
            else if (name is { } fresh && !names.Add(fresh.Text))
                section.Scope.Report(fresh.At, $"{fresh.Path}: the shard {fresh.Text} is there twice.");
            if (primary is not { } connection || ServerText.Read(section, connection, databaseName) is not { } target || name is null)
                continue;
            if (!places.TryAdd((target.Host, target.Port, target.Database), name.Value.Text))
                section.Scope.Report(connection.At, $"{connection.Path} leads to {target}, as the shard {places[(target.Host, target.Port, target.Database)]} does.");
            shards.Add(new ShardConfig(name.Value.Text, target));
        }
        return shards;
    }
}
