using ShardProxy.Configuration;
using ShardProxy.Directory.Placements;

namespace ShardProxy.Directory;

/// <summary>One run of <see cref="FileDeclarations.Merge"/>.</summary>
internal sealed class FileDeclarationMerge
{
    private readonly string _database;
    private readonly string _storeLocation;
    private readonly string[] _shards;
    private readonly string[] _joining;
    private readonly DirectoryContent _content;
    private readonly Dictionary<QualifiedName, TableConfig> _file = [];
    private readonly Dictionary<QualifiedName, string?> _groups = [];
    private readonly List<DeclaredTable> _declared;
    private readonly List<DirectoryChange> _changes = [];
    private readonly List<WaitingTable> _waiting = [];
    private readonly List<string> _errors = [];

    public FileDeclarationMerge(DatabaseConfig database, DirectoryContent content, string storeLocation)
    {
        _database = database.Name;
        _storeLocation = storeLocation;
        var known = ShardRoster.Known(content);
        string[] file = [.. database.Shards.Select(static shard => shard.Name)];
        _shards = [.. file.Where(known.Contains), .. content.Shards.Select(static shard => shard.Name).Except(file)];
        _joining = [.. file.Except(known)];
        _content = content;
        _declared = [.. content.Tables];
        foreach (var (name, table) in database.Tables)
        {
            if (!_file.TryAdd(FileDeclarations.ParseName(name), table))
                _errors.Add($"table {FileDeclarations.ParseName(name)}: the configuration file declares it twice");
        }
    }

    public FileChanges Run()
    {
        foreach (var (name, table) in _file)
        {
            if (_content.Find(name) is { } stored)
                Compare(name, table, stored.Distribution);
            else if (AwaitedBy(name, []) is { } shard)
                _waiting.Add(new WaitingTable(name, shard));
            else
                Declare(name, table);
        }
        if (_errors.Count > 0)
            throw new DirectoryException($"database \"{_database}\": {string.Join("; ", _errors)}");
        // A group has its rule before its first table, whichever of its tables the file names first.
        return new FileChanges([.. _changes.OfType<GroupPlaced>(), .. _changes.Where(static change => change is not GroupPlaced)], _waiting);
    }

    private void Declare(QualifiedName name, TableConfig table)
    {
        var group = table.Reference ? null : GroupOf(name, []);
        if (group is not null && table.ColocateWith is null && (table.Strategy != PlacementRule.Hash || table.Zone is not null))
            Place(name, table, group);
        var kind = table.Reference ? TableKind.Reference : TableKind.Sharded;
        var distribution = new TableDistribution(name, kind, table.Reference ? null : table.Key, group)
        {
            ZoneColumn = group is null ? null : ZoneColumnOf(name),
        };
        _changes.Add(new TableDeclared(new DeclaredTable(distribution, 0, 0)));
    }

    /// <summary>The shard that has to join before the table's group can begin; null when there is none.</summary>
    private string? AwaitedBy(QualifiedName name, HashSet<QualifiedName> path)
    {
        if (_joining.Length == 0 || _content.Find(name) is not null || !path.Add(name) || !_file.TryGetValue(name, out var table) || table.Reference)
            return null;
        if (table.ColocateWith is { } other)
            return AwaitedBy(FileDeclarations.ParseName(other), path);
        var names = NamedShards.Of(table);
        // With a name that is nobody's, the table waits for nothing.
        return names.Except(_shards).Except(_joining).Any() ? null : names.FirstOrDefault(_joining.Contains);
    }

    private void Place(QualifiedName name, TableConfig table, string group)
    {
        try
        {
            _changes.Add(table.Zone is { Zones: { } zones }
                ? new GroupPlaced(group, PlacementRule.Zone, ZoneRule.EntriesFor(table.Strategy, table.Placement, zones, _shards))
                : new GroupPlaced(group, table.Strategy, PlacementTargets.Begin(table.Strategy, table.Placement ?? "", _shards)));
        }
        catch (FormatException exception)
        {
            _errors.Add($"table {name}: {exception.Message}");
        }
    }

    private void Compare(QualifiedName name, TableConfig table, TableDistribution stored)
    {
        var said = table.Reference ? "a reference table" : $"sharded by \"{table.Key}\"";
        var known = stored.Kind == TableKind.Reference ? "a reference table" : $"sharded by \"{stored.KeyColumn}\"";
        if (said != known)
        {
            _errors.Add($"table {name}: the configuration file says that it is {said}, the directory ({_storeLocation}) that it is {known}");
            return;
        }
        var rule = stored.Group is { } placed ? _content.FindGroup(placed)?.Rule : null;
        var strategy = (rule as ZoneRule)?.InnerStrategy ?? rule?.Strategy ?? PlacementRule.Hash;
        if (table is { Reference: false, ColocateWith: null } && table.Strategy != strategy)
        {
            _errors.Add(
                $"table {name}: the configuration file says that its strategy is {table.Strategy}, the directory ({_storeLocation}) that it is {strategy}");
            return;
        }
        if (!table.Reference && (table.ColocateWith is null || table.Zone is not null) && table.Zone?.Column != stored.ZoneColumn)
        {
            _errors.Add(
                $"table {name}: the configuration file says that {ZoneWords(table.Zone?.Column)}, the directory ({_storeLocation}) that {ZoneWords(stored.ZoneColumn)}");
            return;
        }
        if (table.ColocateWith is null || table.Reference)
            return;
        var group = GroupOf(name, []);
        if (group is not null && group != stored.Group)
        {
            _errors.Add(
                $"table {name}: the configuration file says that it is colocated with {FileDeclarations.ParseName(table.ColocateWith)} (group {group}), "
                + $"the directory ({_storeLocation}) that it is in group {stored.Group}");
        }
    }

    private static string ZoneWords(string? column) => column is null ? "it has no zones" : $"its zones are those of \"{column}\"";

    /// <summary>The column that says the zones, which in a colocated table has the name that it has in the other unless the file says one. There are no rings: <see cref="GroupOf"/> has seen to that.</summary>
    private string? ZoneColumnOf(QualifiedName name)
    {
        var table = _file.GetValueOrDefault(name);
        if (table?.Zone is { } zone)
            return zone.Column;
        return _content.Find(name) is { } stored ? stored.Distribution.ZoneColumn
            : table?.ColocateWith is { } other ? ZoneColumnOf(FileDeclarations.ParseName(other))
            : null;
    }

    /// <summary>The group that the file gives a table, following colocate_with; null after an error.</summary>
    private string? GroupOf(QualifiedName name, HashSet<QualifiedName> path)
    {
        if (_groups.TryGetValue(name, out var known))
            return known;
        return _groups[name] = FindGroup(name, path);
    }

    private string? FindGroup(QualifiedName name, HashSet<QualifiedName> path)
    {
        if (!path.Add(name))
        {
            _errors.Add($"table {name}: colocate_with leads back to the table itself");
            return null;
        }
        var stored = _content.Find(name)?.Distribution;
        var table = _file.GetValueOrDefault(name);
        if (table?.ColocateWith is not { } other || table.Reference)
            return stored is not null ? stored.Group : Found(name);
        var target = FileDeclarations.ParseName(other);
        var isReference = _file.TryGetValue(target, out var targetTable) ? targetTable.Reference : _content.Find(target)?.Distribution.Kind == TableKind.Reference;
        if (isReference)
            _errors.Add($"table {name}: it is colocated with {target}, which is a reference table");
        else if (targetTable is not null || _content.Find(target) is not null)
            return GroupOf(target, path);
        else
            _errors.Add($"table {name}: it is colocated with {target}, which nobody declared");
        return null;
    }

    private string Found(QualifiedName name)
    {
        var group = ColocationGroups.NewName(name, _declared);
        _declared.Add(new DeclaredTable(new TableDistribution(name, TableKind.Sharded, null, group), 0, 0));
        return group;
    }
}
