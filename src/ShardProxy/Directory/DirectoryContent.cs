namespace ShardProxy.Directory;

/// <summary>
/// One database's part of a store, at one version: what <see cref="DirectorySnapshot"/> is made of. Shards are named
/// here, so that the order in a configuration file means nothing to the store.
/// </summary>
/// <param name="Version">Starts at 1 and grows by one with each change.</param>
/// <param name="Cluster">The id (a uuid) of the cluster that the store describes.</param>
/// <param name="ShardOfBucket">The owner's name, by bucket.</param>
public sealed record DirectoryContent(
    string Database,
    long Version,
    string Cluster,
    IReadOnlyList<string> ShardOfBucket,
    IReadOnlyList<DeclaredTable> Tables)
{
    public DeclaredTable? Find(QualifiedName name)
    {
        foreach (var table in Tables)
        {
            if (table.Name == name)
                return table;
        }
        return null;
    }

    /// <summary>The content after <paramref name="changes"/>, with the next version. Every store applies changes through this one place.</summary>
    /// <exception cref="DirectoryException">A change does not fit, such as a table that is declared already.</exception>
    public DirectoryContent Apply(IReadOnlyList<DirectoryChange> changes)
    {
        var tables = Tables.ToDictionary(static table => table.Name);
        foreach (var change in changes)
            change.ApplyTo(tables);
        DeclaredTable[] sorted = [.. tables.Values
            .OrderBy(static table => table.Name.Schema, StringComparer.Ordinal)
            .ThenBy(static table => table.Name.Name, StringComparer.Ordinal)];
        return this with { Version = Version + 1, Tables = sorted };
    }

    /// <param name="shards">The configured shards' names in order; their positions are the snapshot's indexes.</param>
    /// <exception cref="DirectoryException">A bucket belongs to a shard that is not configured.</exception>
    public DirectorySnapshot ToSnapshot(IReadOnlyList<string> shards)
    {
        var indexes = new Dictionary<string, ushort>(StringComparer.Ordinal);
        for (var index = 0; index < shards.Count; index++)
            indexes.Add(shards[index], (ushort)index);
        var missing = ShardOfBucket.Where(name => !indexes.ContainsKey(name)).Distinct(StringComparer.Ordinal).ToArray();
        if (missing.Length > 0)
        {
            throw new DirectoryException(
                $"database \"{Database}\": the directory says that buckets live on {string.Join(", ", missing.Select(static name => $"shard \"{name}\""))}, "
                + $"but the configuration knows only {string.Join(", ", shards.Select(static name => $"\"{name}\""))}");
        }
        return new DirectorySnapshot(
            Version,
            Cluster,
            Tables.Select(static table => table.Distribution),
            [.. ShardOfBucket.Select(name => indexes[name])]);
    }
}
