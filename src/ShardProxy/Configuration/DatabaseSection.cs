using System.Numerics;

namespace ShardProxy.Configuration;

/// <summary>Reads one entry of <c>databases</c>.</summary>
internal static class DatabaseSection
{
    private const int DefaultBuckets = 1024;
    private const int MaximumBuckets = 65_536;
    private const int DefaultPoolSize = 20;

    public static DatabaseConfig Read(Scalar name, Section section)
    {
        using var _ = section;
        if (!Identifiers.IsPostgresName(name.Text))
            section.Scope.Report(name.At, "A database's name must be from 1 to 63 bytes long.");
        var shards = ShardsSection.Read(section, name.Text);
        return new DatabaseConfig(
            name.Text,
            ReadBuckets(section, shards.Count),
            ReadPool(section.Open("pool")),
            shards,
            TablesSection.Read(section.OpenMap("tables")),
            ReadDirectory(section.Open("directory")));
    }

    private static int ReadBuckets(Section section, int shards)
    {
        if (section.Find("buckets") is not { } value)
            return DefaultBuckets;
        if (!int.TryParse(value.Text, out var buckets) || buckets is < 2 or > MaximumBuckets || !BitOperations.IsPow2(buckets))
            section.Scope.Report(value.At, $"{value.Path} must be a power of two from 2 to {MaximumBuckets}, not {value.Text}.");
        else if (buckets < shards)
            section.Scope.Report(value.At, $"{value.Path} is {buckets}, fewer than the {shards} shards: some would own nothing.");
        return buckets;
    }

    private static PoolConfig ReadPool(Section section)
    {
        using var _ = section;
        var mode = section.Choice("mode", PoolMode.Transaction, ("transaction", PoolMode.Transaction), ("session", PoolMode.Session));
        return new PoolConfig(mode, section.Number("size", DefaultPoolSize, 1, 10_000));
    }

    private static DirectoryConfig ReadDirectory(Section section)
    {
        using var _ = section;
        var store = section.Choice("store", "embedded", ("embedded", "embedded"));
        var path = section.FilePath("path") ?? section.Scope.BesideFile(".directory.db");
        return new DirectoryConfig(store, path);
    }
}
