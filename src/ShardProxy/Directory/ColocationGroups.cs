namespace ShardProxy.Directory;

/// <summary>Names of colocation groups.</summary>
public static class ColocationGroups
{
    /// <summary>
    /// The name of the group that <paramref name="table"/> founds: its full name, or with a number behind it when a
    /// group of this name lives on (its first table was renamed or dropped), since that group's key may be another.
    /// </summary>
    public static string NewName(QualifiedName table, IEnumerable<DeclaredTable> declared)
    {
        var taken = declared.Select(static other => other.Distribution.Group).OfType<string>().ToHashSet(StringComparer.Ordinal);
        var name = table.ToString();
        for (var number = 2; taken.Contains(name); number++)
            name = $"{table}#{number}";
        return name;
    }
}
