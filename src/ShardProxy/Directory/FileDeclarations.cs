using ShardProxy.Configuration;

namespace ShardProxy.Directory;

/// <summary>
/// The tables that the configuration file declares, against those that the store knows. The store remembers them too:
/// rows were placed by what was declared when they were written, so a file that says otherwise later is refused, and a
/// table that vanishes from the file stays declared.
/// </summary>
public static class FileDeclarations
{
    /// <summary>"table" in schema public, or "schema.table"; compared as written, without folding to lower case.</summary>
    public static QualifiedName ParseName(string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot < 0 ? new QualifiedName("public", name) : new QualifiedName(name[..dot], name[(dot + 1)..]);
    }

    public static IReadOnlySet<QualifiedName> NamesOf(DatabaseConfig database) =>
        database.Tables.Keys.Select(ParseName).ToHashSet();

    /// <summary>What the store has to learn from the file, and what has to wait.</summary>
    /// <exception cref="DirectoryException">File and store contradict each other, or the file contradicts itself: every point is named.</exception>
    public static FileChanges Merge(DatabaseConfig database, DirectoryContent content, string storeLocation)
    {
        var merge = new FileDeclarationMerge(database, content, storeLocation);
        return merge.Run();
    }
}

/// <param name="Changes">Empty when the store knows all of it.</param>
/// <param name="Waiting">Tables that cannot be declared yet.</param>
public sealed record FileChanges(IReadOnlyList<DirectoryChange> Changes, IReadOnlyList<WaitingTable> Waiting);

/// <summary>A table of the file whose group begins on a shard that the file adds: it is declared when that has joined.</summary>
public sealed record WaitingTable(QualifiedName Table, string Shard);
