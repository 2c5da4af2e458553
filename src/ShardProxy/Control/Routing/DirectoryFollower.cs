using ShardProxy.Catalog;
using ShardProxy.Control.Loading;
using ShardProxy.Directory;

namespace ShardProxy.Control.Routing;

/// <summary>
/// Makes the directory follow what DDL did to declared tables. A table is known again by its object id on the home
/// shard, its key by the column number. A rename or a drop is believed when all shards show it, so that a table that
/// somebody dropped on one server only is never forgotten while its other rows still exist.
/// </summary>
internal sealed class DirectoryFollower
{
    private readonly LoadedCatalog _catalog;
    private readonly DirectoryContent _directory;
    private readonly IReadOnlySet<QualifiedName> _fileTables;
    private readonly RelationTree _tree;
    private readonly List<DirectoryChange> _changes = [];
    private readonly List<DeclaredTable> _newcomers = [];

    private DirectoryFollower(LoadedCatalog catalog, DirectoryContent directory, IReadOnlySet<QualifiedName> fileTables)
    {
        _catalog = catalog;
        _directory = directory;
        _fileTables = fileTables;
        _tree = new RelationTree(catalog.Home.Relations);
    }

    /// <param name="Changes">What the directory has to learn.</param>
    /// <param name="Newcomers">
    /// Tables that stand under a declared name but were not seen before, as they would be identified: their rows were
    /// perhaps not placed by us, so the caller looks before it believes.
    /// </param>
    public sealed record Findings(IReadOnlyList<DirectoryChange> Changes, IReadOnlyList<DeclaredTable> Newcomers);

    public static Findings Run(LoadedCatalog catalog, DirectoryContent directory, IReadOnlySet<QualifiedName> fileTables)
    {
        var follower = new DirectoryFollower(catalog, directory, fileTables);
        if (catalog.IsComplete)
        {
            foreach (var table in directory.Tables)
                follower.Follow(table);
        }
        return new Findings(follower._changes, follower._newcomers);
    }

    private void Follow(DeclaredTable table)
    {
        var named = TableOf(_tree.Find(table.Name));
        var known = table.HomeOid == 0 ? null : _tree.Find(table.HomeOid);
        if (named is not null && named.Oid == table.HomeOid)
            FollowKey(table, named);
        else if (known is not null && known.Name != table.Name && ExistsEverywhere(known.Name))
            FollowRename(table, known.Name, named);
        else if (named is not null)
            _newcomers.Add(Identify(table, named));
        else if (!ExistsAnywhere(table.Name))
            Forget(table);
    }

    private void FollowKey(DeclaredTable table, Relation relation)
    {
        if (table.Distribution.KeyColumn is not { } key)
            return;
        var known = Identify(table, relation);
        var column = relation.FindColumn(key);
        var zone = table.Distribution.ZoneColumn is { } name ? relation.FindColumn(name) : null;
        if ((column is not null && column.Number != table.KeyNumber) || (zone is not null && zone.Number != table.ZoneNumber))
        {
            _changes.Add(new TableIdentified(table.Name, relation.Oid, column is null ? table.KeyNumber : known.KeyNumber)
            {
                ZoneNumber = zone is null ? table.ZoneNumber : known.ZoneNumber,
            });
        }
        foreach (var renamed in relation.Columns)
        {
            if (column is null && renamed.Number == table.KeyNumber)
                _changes.Add(new KeyRenamed(table.Name, renamed.Name));
            if (zone is null && table.Distribution.ZoneColumn is not null && renamed.Number == table.ZoneNumber)
                _changes.Add(new ZoneRenamed(table.Name, renamed.Name));
        }
    }

    private void FollowRename(DeclaredTable table, QualifiedName to, Relation? successor)
    {
        if (_directory.Find(to) is { } other)
        {
            // The new name is declared already. If it says the same, the old entry has done its work; otherwise
            // TableChecks tells of the contradiction.
            if (other.Distribution.Kind == table.Distribution.Kind && other.Distribution.KeyColumns.SequenceEqual(table.Distribution.KeyColumns))
                Forget(table);
            return;
        }
        // With a successor under the old name (two tables that changed places) the old name stays declared too: the
        // successor may have been made while it was, on every shard.
        _changes.Add(new TableRenamed(table.Name, to, _fileTables.Contains(table.Name) || successor is not null));
    }

    private void Forget(DeclaredTable table)
    {
        if (!_fileTables.Contains(table.Name))
            _changes.Add(new TableUndeclared(table.Name));
        else if (table.HomeOid != 0)
            _changes.Add(new TableIdentified(table.Name, 0, 0));
    }

    private static DeclaredTable Identify(DeclaredTable table, Relation relation)
    {
        short NumberOf(string? column) => column is null ? (short)0 : relation.FindColumn(column)?.Number ?? 0;
        return table with { HomeOid = relation.Oid, KeyNumber = NumberOf(table.Distribution.KeyColumn), ZoneNumber = NumberOf(table.Distribution.ZoneColumn) };
    }

    private static Relation? TableOf(Relation? relation) =>
        relation?.Kind is RelationKind.Table or RelationKind.PartitionedTable ? relation : null;

    private bool ExistsEverywhere(QualifiedName name) =>
        _catalog.Shards.All(shard => shard!.Relations.ContainsKey(name));

    private bool ExistsAnywhere(QualifiedName name) =>
        _catalog.Shards.Any(shard => shard!.Relations.ContainsKey(name));
}
