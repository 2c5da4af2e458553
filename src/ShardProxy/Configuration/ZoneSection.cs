namespace ShardProxy.Configuration;

/// <summary>Reads <c>zone: { column: region, values: { eu: [s0, s1], us: [s2] } }</c> of a table.</summary>
internal static class ZoneSection
{
    public static ZoneConfig? Read(Section table, bool isReference, bool isColocated)
    {
        using var section = table.Open("zone");
        var column = section.Find("column");
        var values = section.OpenTexts("values");
        if (!section.IsPresent)
            return null;
        var scope = section.Scope;
        if (isReference)
            scope.Report(section.At, $"{section.Path}: a reference table is on every shard and has no zones.");
        else if (column is not { } named)
            scope.Report(section.At, $"{section.Path} needs column (the column whose value says on which shards a row may be).");
        else if (!Identifiers.IsPostgresName(named.Text))
            scope.Report(named.At, $"{named.Path} must be a column's name.");
        else if (named.Text == table.Find("key")?.Text)
            scope.Report(named.At, $"{named.Path}: a column cannot be both zone and key; with the strategy list its values are placed by themselves.");
        if (isColocated && values.Count > 0)
            scope.Report(section.At, $"{section.PathOf("values")}: a table with colocate_with has the zones of the other.");
        else if (!isColocated && values.Count == 0)
            scope.Report(section.At, $"{section.Path} needs values, such as {{ eu: [s0, s1], us: [s2] }}.");
        foreach (var (name, shards) in values)
        {
            if (shards.Count == 0)
                scope.Report(name.At, $"{name.Path}.{name.Text} must be a list of shards.");
        }
        return new ZoneConfig(column?.Text ?? "", isColocated ? null : TextOf(values));
    }

    /// <summary>In the notation that SQL has too (Directory.Placements.PlacementText), with each value in quotes.</summary>
    private static string TextOf(IReadOnlyList<(Scalar Name, IReadOnlyList<Scalar> Values)> values) => string.Join(
        ", ",
        values.Select(static zone => $"(\"{zone.Name.Text.Replace("\"", "\"\"", StringComparison.Ordinal)}\") on {string.Join(' ', zone.Values.Select(static shard => shard.Text))}"));
}
