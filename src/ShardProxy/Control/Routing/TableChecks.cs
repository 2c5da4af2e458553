using ShardProxy.Catalog;
using ShardProxy.Control.Loading;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Control.Routing;

/// <summary>
/// What makes a table unfit for right answers, as the shards' catalogs have it: statements on such a table are refused,
/// while the proxy runs and other tables work. A pure function of one load and the directory.
/// </summary>
internal sealed class TableChecks
{
    private readonly LoadedCatalog _catalog;
    private readonly DirectoryContent _directory;
    private readonly IReadOnlyList<string> _shards;
    private readonly RelationTree _tree;
    private readonly Dictionary<QualifiedName, TableProblem> _problems = [];

    private TableChecks(LoadedCatalog catalog, DirectoryContent directory, IReadOnlyList<string> shards)
    {
        _catalog = catalog;
        _directory = directory;
        _shards = shards;
        _tree = new RelationTree(catalog.Home.Relations);
    }

    /// <param name="shards">Names, by index.</param>
    public static IReadOnlyCollection<TableProblem> Run(LoadedCatalog catalog, DirectoryContent directory, IReadOnlyList<string> shards)
    {
        var checks = new TableChecks(catalog, directory, shards);
        foreach (var table in directory.Tables)
            checks.CheckTable(table);
        foreach (var key in catalog.Home.UniqueKeys)
            checks.CheckUnique(key);
        foreach (var key in catalog.Home.ForeignKeys)
            checks.CheckForeignKey(key);
        return checks._problems.Values;
    }

    private void CheckTable(DeclaredTable declared)
    {
        var name = declared.Name;
        CheckMovedAway(declared);
        if (_tree.Find(name) is not { } relation)
        {
            if (HasItElsewhere(name) is { } shard)
                Report(name, $"table {name} exists on shard \"{shard}\" but not on the home shard", "Drop it there, or create it everywhere with CREATE TABLE IF NOT EXISTS.");
            return;
        }
        if (relation.Kind is not (RelationKind.Table or RelationKind.PartitionedTable))
            Report(name, $"{name} is declared as a {Word(declared)} table, but it is no table", null);
        else if (relation.Parent is { } parent)
            Report(name, $"table {name} is a part of {parent} and cannot be distributed by itself", $"Declare {parent} instead.");
        else if (_tree.HasInheritanceChildren(relation))
            Report(name, $"table {name} has children by inheritance, which may not be distributed", null);
        else
            CheckShape(declared, relation);
    }

    private void CheckShape(DeclaredTable declared, Relation relation)
    {
        var name = declared.Name;
        if (declared.Distribution.KeyColumns.Select(key => KeyColumnProblem(relation, key)).FirstOrDefault(static found => found is not null) is { } problem)
            Report(name, problem, null);
        else if (PlacementProblem(declared, relation) is { } placement)
            Report(name, placement, null);
        // Only tables that were declared when the load began have shapes.
        if (!_catalog.Home.Objects.Shapes.TryGetValue(name, out var home))
            return;
        for (var index = 1; index < _catalog.Shards.Count; index++)
        {
            if (_catalog.Shards[index] is not { } shard)
                continue;
            if (!shard.Shapes.TryGetValue(name, out var shape))
                Report(name, $"table {name} does not exist on shard \"{_shards[index]}\"", "Create it there with the same columns.");
            else if (shape != home)
                Report(name, $"table {name} has other columns on shard \"{_shards[index]}\" ({shape}) than on \"{_shards[0]}\" ({home})", null);
        }
    }

    private string? PlacementProblem(DeclaredTable declared, Relation relation)
    {
        if (declared.Distribution is not { KeyColumn: { } key, Group: { } name } || _directory.FindGroup(name) is not { } group)
            return null;
        group.For(relation.FindColumn(key)!.TypeOid, out var problem);
        if (problem is null && group.Rule.HasZones && declared.Distribution.ZoneColumn is { } zone)
            group.ForZone(relation.FindColumn(zone)!.TypeOid, out problem);
        else if (group.Rule.HasZones)
            problem ??= "nobody said which of its columns has the zones";
        return problem is null ? null : $"table {declared.Name} cannot be placed by {group.Rule.Strategy}: {problem}";
    }

    /// <summary>Null when rows can be placed by the column.</summary>
    public static string? KeyColumnProblem(Relation relation, string key)
    {
        if (relation.FindColumn(key) is not { } column)
            return $"key column \"{key}\" of table {relation.Name} does not exist";
        if (!TypeOid.IsKey(column.TypeOid))
            return $"key column \"{key}\" of table {relation.Name} is of a type that cannot be a key; keys are {KeyTypes.Names}";
        if (!column.DeterministicCollation)
            return $"key column \"{key}\" of table {relation.Name} has a nondeterministic collation, under which equal keys may differ in their bytes";
        return column.IsGenerated ? $"key column \"{key}\" of table {relation.Name} is a generated column" : null;
    }

    /// <summary>A rename that <see cref="DirectoryFollower"/> did not follow (yet): the table's other rows are not where the new name leads.</summary>
    private void CheckMovedAway(DeclaredTable declared)
    {
        if (declared.HomeOid == 0 || _tree.Find(declared.HomeOid) is not { } relation || relation.Name == declared.Name)
            return;
        if (_directory.Find(relation.Name) is not { } other)
            Report(relation.Name, $"table {relation.Name} is the declared table {declared.Name} under a new name, and not every shard has shown the change", "Try again when all shards can be reached.");
        else if (!SamePlacement(declared.Distribution, other.Distribution))
            Report(relation.Name, $"table {relation.Name} is declared as a {Word(other)} table, but its rows were placed as those of {declared.Name}", null);
    }

    private void CheckUnique(UniqueKey unique)
    {
        if (_tree.RootOf(unique.Table) is not { } root)
            return;
        foreach (var key in _directory.DistributionOf(root.Name)?.PartingColumns ?? [])
        {
            // A partition numbers its columns by itself, so its own key column counts.
            if (_tree.Find(unique.Table) is { } table && table.FindColumn(key) is { } column && !unique.Columns.Contains(column.Number) && !IsGlobal(table, unique))
                Report(root.Name, UniqueProblem(root.Name, unique.Name, key), UniqueHint(key));
        }
    }

    private static bool IsGlobal(Relation table, UniqueKey unique) => table.GlobalIndexes.Any(index => !index.IsPlain ? index.Name == unique.Name :
        index.Columns.SequenceEqual(unique.Columns.Select(number => table.Columns.FirstOrDefault(column => column.Number == number)?.Name)));

    public static string UniqueProblem(QualifiedName table, string constraint, string key) =>
        $"unique or exclusion constraint \"{constraint}\" of table {table} does not contain the key column \"{key}\", so it would hold on each shard only";

    public static string UniqueHint(string key) => $"Add \"{key}\" to the constraint, or drop it.";

    private void CheckForeignKey(ForeignKey key)
    {
        if (_tree.RootOf(key.Table) is not { } from || _tree.RootOf(key.Referenced) is not { } to)
            return;
        if (ForeignKeyRule.Problem(_tree, key, _directory.DistributionOf(from.Name), _directory.DistributionOf(to.Name)) is { } problem)
            Report(from.Name, problem, ForeignKeyRule.Hint);
    }

    private string? HasItElsewhere(QualifiedName name)
    {
        for (var index = 1; index < _catalog.Shards.Count; index++)
        {
            if (_catalog.Shards[index]?.Relations.ContainsKey(name) == true)
                return _shards[index];
        }
        return null;
    }

    private static bool SamePlacement(TableDistribution one, TableDistribution other) =>
        one.Kind == other.Kind && one.KeyColumns.SequenceEqual(other.KeyColumns);

    private static string Word(DeclaredTable table) => table.Distribution.Kind == TableKind.Reference ? "reference" : "sharded";

    /// <summary>The first problem of a table is the one that is told.</summary>
    private void Report(QualifiedName table, string reason, string? hint) => _problems.TryAdd(table, new TableProblem(table, reason, hint));
}
