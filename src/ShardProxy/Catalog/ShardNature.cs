namespace ShardProxy.Catalog;

/// <summary>What of a shard's server and database decides how values are read, compared and shown there.</summary>
/// <param name="ServerVersion">server_version_num, such as 150018.</param>
/// <param name="Encoding">Of the database.</param>
/// <param name="Collation">The database's default collation as one comparable text: provider, locales, version.</param>
/// <param name="OrdersByBytes">Text under the default collation is ordered by its bytes.</param>
/// <param name="Settings">Defaults of the settings that change what a value means or how it is shown, by name.</param>
public sealed record ShardNature(
    int ServerVersion, string Encoding, string Collation, bool OrdersByBytes, IReadOnlyDictionary<string, string> Settings)
{
    private const int VersionsPerMajor = 10_000;

    /// <summary>How it differs from the home shard's, one short sentence each; empty when a statement means the same on both.</summary>
    public IReadOnlyList<string> DifferencesFrom(ShardNature home)
    {
        var differences = new List<string>();
        if (Collation != home.Collation)
            differences.Add($"the database's collation is {Collation}, the home shard's {home.Collation}");
        foreach (var (name, value) in Settings)
        {
            if (home.Settings.GetValueOrDefault(name) is { } other && other != value)
                differences.Add($"{name} is {value}, the home shard's {other}");
        }
        return differences;
    }

    /// <summary>Another major version: values mean the same, but not every statement runs on both.</summary>
    public bool IsOtherMajor(ShardNature home) => ServerVersion / VersionsPerMajor != home.ServerVersion / VersionsPerMajor;
}
