namespace ShardProxy.Configuration;

/// <summary>Reads <c>tables</c> of a database and checks that its colocation makes sense.</summary>
internal static class TablesSection
{
    private const string DefaultSchema = "public";

    public static IReadOnlyDictionary<string, TableConfig> Read(IReadOnlyList<(Scalar Name, Section Value)> entries)
    {
        var tables = new Dictionary<string, TableConfig>(StringComparer.Ordinal);
        var known = new Dictionary<string, TableConfig>(StringComparer.Ordinal);
        var links = new List<(string Table, Scalar Target, Section Section)>();
        foreach (var (name, section) in entries)
        {
            using var _ = section;
            var fullName = FullName(name.Text);
            var table = ReadTable(section, out var target);
            if (fullName is null)
            {
                section.Scope.Report(name.At, $"{section.Path} must be table or schema.table.");
                continue;
            }
            tables[name.Text] = table;
            if (!known.TryAdd(fullName, table))
                section.Scope.Report(name.At, $"{section.Path}: the table {fullName} is there twice.");
            if (target is { } link)
                links.Add((fullName, link, section));
        }
        foreach (var (table, target, section) in links)
            CheckLink(table, target, section, known);
        return tables;
    }

    /// <summary>"schema.table" of a name as the file may have it; null when it is not of that form.</summary>
    internal static string? FullName(string name)
    {
        var parts = name.Split('.');
        if (parts.Length > 2 || !parts.All(Identifiers.IsPostgresName))
            return null;
        return parts.Length == 2 ? name : $"{DefaultSchema}.{name}";
    }

    private static TableConfig ReadTable(Section section, out Scalar? target)
    {
        var key = section.Find("key");
        target = section.Find("colocate_with");
        var reference = section.Flag("reference", false);
        if (reference && (key is not null || target is not null))
            section.Scope.Report(section.At, $"{section.Path} is a reference table: every shard holds all of it, so it takes no key and no colocate_with.");
        else if (!reference && !section.Has("key"))
            section.Scope.Report(section.At, $"{section.Path} needs key (the column that its rows are spread by) or reference: true.");
        else if (key is { } column && !Identifiers.IsPostgresName(column.Text))
            section.Scope.Report(column.At, $"{column.Path} must be a column's name.");
        var (strategy, placement) = ReadPlacement(section, reference || target is not null);
        return new TableConfig(key?.Text, target?.Text, reference, strategy, placement) { Zone = ZoneSection.Read(section, reference, target is not null) };
    }

    /// <param name="placedElsewhere">A reference table, or one that is colocated with another and placed as that is.</param>
    private static (string Strategy, string? Placement) ReadPlacement(Section section, bool placedElsewhere)
    {
        var given = section.Find("strategy");
        var strategy = section.Choice("strategy", "hash", ("hash", "hash"), ("range", "range"), ("list", "list"), ("lookup", "lookup"));
        var ranges = section.Find("ranges");
        var lists = section.Find("lists");
        var policy = section.Find("policy");
        if (policy is { } word && (placedElsewhere || strategy != "lookup"))
            section.Scope.Report(word.At, $"{word.Path} goes with strategy: lookup.");
        else if (policy is { Text: not ("fewest" or "hash") } unknown)
            section.Scope.Report(unknown.At, $"{unknown.Path} must be fewest or hash, not {unknown.Text}.");
        if (placedElsewhere && (given ?? ranges ?? lists) is { } needless)
            section.Scope.Report(needless.At, $"{needless.Path}: a reference table, or one with colocate_with, has no strategy of its own.");
        else if (strategy == "range" && ranges is null)
            section.Scope.Report(section.At, $"{section.Path} needs ranges, such as \"[,1000) on s0, [1000,)\".");
        else if (strategy == "list" && lists is null)
            section.Scope.Report(section.At, $"{section.Path} needs lists, such as \"(eu, ch) on s0, default on s1\".");
        else if (strategy != "range" && ranges is { } notRanges)
            section.Scope.Report(notRanges.At, $"{notRanges.Path} goes with strategy: range.");
        else if (strategy != "list" && lists is { } notLists)
            section.Scope.Report(notLists.At, $"{notLists.Path} goes with strategy: list.");
        return (strategy, strategy == "lookup" ? policy?.Text ?? "fewest" : (ranges ?? lists)?.Text);
    }

    private static void CheckLink(string table, Scalar target, Section section, Dictionary<string, TableConfig> known)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal) { table };
        var next = FullName(target.Text);
        if (next is null || !known.TryGetValue(next, out var other))
        {
            section.Scope.Report(target.At, $"{target.Path}: there is no table {target.Text} among these{Suggestion.For(target.Text, known.Keys.Select(ShortName))}.");
            return;
        }
        if (other.Reference)
        {
            section.Scope.Report(target.At, $"{target.Path}: {target.Text} is a reference table, which has no key to share.");
            return;
        }
        while (next is not null)
        {
            if (!seen.Add(next))
            {
                section.Scope.Report(target.At, $"{target.Path} leads round in a circle: {Words.AllOf([.. seen.Select(ShortName)])}.");
                return;
            }
            next = known.GetValueOrDefault(next)?.ColocateWith is { } further ? FullName(further) : null;
        }
    }

    private static string ShortName(string fullName) =>
        fullName.StartsWith(DefaultSchema + ".", StringComparison.Ordinal) ? fullName[(DefaultSchema.Length + 1)..] : fullName;
}
