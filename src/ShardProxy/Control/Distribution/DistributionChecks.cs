using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Control.Loading;
using ShardProxy.Control.Routing;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Distribution;

/// <summary>Whether a table may be distributed as asked. Everything here throws <see cref="SqlException"/> when it may not.</summary>
internal static class DistributionChecks
{
    public static void EnsureUndeclared(DirectoryContent directory, QualifiedName table)
    {
        if (directory.Find(table) is { } declared)
        {
            var kind = declared.Distribution.Kind == TableKind.Reference
                ? "a reference table"
                : $"distributed by \"{declared.Distribution.KeyText}\"";
            throw new SqlException(SqlStates.InvalidTableDefinition, $"table {table} is {kind} already");
        }
    }

    /// <summary>It is a table of a kind that can be distributed, and the user's own.</summary>
    public static async Task EnsureTableAsync(NpgsqlConnection connection, DistributionRequest request, string user, CancellationToken cancel)
    {
        const string Sql = """
            SELECT c.relkind::text, c.relpersistence::text, c.relispartition, c.reloftype <> 0,
                   EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid) AND NOT c.relispartition,
                   c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid),
                   pg_has_role($2::name, c.relowner, 'USAGE')
            FROM pg_class c WHERE c.oid = $1
            """;
        await using var command = new NpgsqlCommand(Sql, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = request.Oid, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = user });
        await using var reader = await command.ExecuteReaderAsync(cancel);
        if (!await reader.ReadAsync(cancel))
            throw new SqlException(SqlStates.UndefinedTable, $"table {request.Table} does not exist");
        var table = request.Table;
        if (reader.GetString(0) is not ("r" or "p"))
            throw new SqlException(SqlStates.WrongObjectType, $"{table} is not a table");
        if (!reader.GetBoolean(6))
            throw new SqlException(SqlStates.InsufficientPrivilege, $"must be owner of table {table}");
        if (reader.GetString(1) == "t")
            throw Refuse($"table {table} is temporary and belongs to one session", null);
        if (reader.GetBoolean(2))
            throw Refuse($"table {table} is a partition and cannot be distributed by itself", "Distribute its parent; the partitions follow.");
        if (reader.GetBoolean(3))
            throw Refuse($"table {table} is made of a composite type", "Make it without OF.");
        if (reader.GetBoolean(4) || reader.GetBoolean(5))
            throw Refuse($"table {table} takes part in inheritance", "Use partitions instead.");
    }

    /// <summary>Runs under the table's lock.</summary>
    public static async Task<TableDistribution> RunAsync(
        NpgsqlConnection connection, DistributionRequest request, DirectoryContent directory, CancellationToken cancel)
    {
        EnsureUndeclared(directory, request.Table);
        if (await TableAccess.HasRowsAsync(connection, request.Table, cancel))
        {
            throw Refuse(
                $"table {request.Table} has rows, and moving existing rows is not supported yet",
                "Distribute the table while it is empty: save the rows with COPY TO, TRUNCATE the table, distribute it, load them with COPY FROM.");
        }
        var catalog = await ReadCatalogAsync(connection, cancel);
        var tree = new RelationTree(catalog.Relations);
        var distribution = request.IsReference
            ? new TableDistribution(request.Table, TableKind.Reference, null, null)
            : Shard(tree, catalog, request, directory);
        EnsureForeignKeys(tree, catalog, distribution, directory);
        return distribution;
    }

    private static TableDistribution Shard(RelationTree tree, HomeCatalog catalog, DistributionRequest request, DirectoryContent directory)
    {
        var relation = tree.Find(request.Oid)!;
        var key = request.Key!;
        var target = TargetOf(request, directory);
        var distribution = new TableDistribution(request.Table, TableKind.Sharded, key, null) { ZoneColumn = request.ZoneColumn ?? target?.ZoneColumn };
        foreach (var name in distribution.KeyColumns)
        {
            if (relation.FindColumn(name) is null)
            {
                throw new SqlException(
                    SqlStates.UndefinedColumn, $"column \"{name}\" of table {request.Table} does not exist",
                    name == key ? null : "It is to say the rows' zones; name the table's own column for that with zone_column.");
            }
            if (TableChecks.KeyColumnProblem(relation, name) is { } problem)
                throw Refuse(problem, null);
        }
        distribution = distribution with { Placement = request.Strategy != PlacementRule.Hash ? EnsurePlacement(request, relation) : target?.Placement };
        foreach (var name in distribution.PartingColumns)
            EnsureUniqueOnOneShard(tree, catalog, request, relation, name);
        if (target is not null)
            EnsurePlacedAlike(tree, request, relation, distribution, target);
        return distribution with { Group = target?.Group ?? ColocationGroups.NewName(request.Table, directory.Tables) };
    }

    private static void EnsureUniqueOnOneShard(RelationTree tree, HomeCatalog catalog, DistributionRequest request, Relation relation, string key)
    {
        foreach (var unique in catalog.UniqueKeys)
        {
            // Those of a table without parts are made global.
            if (unique.Table != relation.Oid && tree.RootOf(unique.Table) == relation && tree.Find(unique.Table)!.FindColumn(key) is { } local && !unique.Columns.Contains(local.Number))
                throw Refuse(TableChecks.UniqueProblem(request.Table, unique.Name, key), TableChecks.UniqueHint(key));
        }
    }

    private static KeyGroup EnsurePlacement(DistributionRequest request, Relation relation)
    {
        var rule = request.Strategy == PlacementRule.Zone
            ? ZoneRule.NewRule(request.Entries, 1, static (_, _) => 0, static _ => 0)
            : PlacementRule.Of(request.Strategy, request.Entries, static _ => 0);
        var group = new KeyGroup("", rule);
        group.For(relation.FindColumn(request.Key!)!.TypeOid, out var problem);
        if (problem is null && request.ZoneColumn is { } zone)
            group.ForZone(relation.FindColumn(zone)!.TypeOid, out problem);
        if (problem is not null)
            throw new SqlException(SqlStates.InvalidParameterValue, $"table {request.Table} cannot be placed by {request.Strategy}: {problem}");
        return group;
    }

    private static TableDistribution? TargetOf(DistributionRequest request, DirectoryContent directory)
    {
        if (request.ColocateWith is not { } other)
            return null;
        if (directory.DistributionOf(other) is not { Kind: TableKind.Sharded } target)
        {
            throw new SqlException(
                SqlStates.InvalidParameterValue, $"cannot colocate {request.Table} with {other}, which is not a distributed table",
                "Distribute that table first, with create_distributed_table.");
        }
        if (request.ZoneColumn is not null && target.ZoneColumn is null)
            throw new SqlException(SqlStates.InvalidParameterValue, $"cannot colocate {request.Table} with {other} by zones: that table has none");
        return target;
    }

    private static void EnsurePlacedAlike(RelationTree tree, DistributionRequest request, Relation relation, TableDistribution distribution, TableDistribution target)
    {
        foreach (var (own, other) in distribution.KeyColumns.Zip(target.KeyColumns))
        {
            var otherType = tree.Find(target.Table)?.FindColumn(other)?.TypeOid;
            if (otherType is null || !KeyTypes.PlaceAlike(otherType.Value, relation.FindColumn(own)!.TypeOid))
            {
                throw new SqlException(
                    SqlStates.InvalidParameterValue,
                    $"cannot colocate {request.Table} with {target.Table}: equal values of their key columns \"{own}\" and \"{other}\" would not be placed alike",
                    "Give both key columns the same type.");
            }
        }
    }

    /// <summary>
    /// Keys from the table, and keys to it from declared tables. A key from an undeclared table is let through, since of
    /// two tables one must be the first; that table cannot be used until it is declared too (TableChecks).
    /// </summary>
    private static void EnsureForeignKeys(RelationTree tree, HomeCatalog catalog, TableDistribution distribution, DirectoryContent directory)
    {
        TableDistribution? DistributionOf(uint table) =>
            tree.RootOf(table)?.Name is not { } name ? null : name == distribution.Table ? distribution : directory.DistributionOf(name);

        foreach (var key in catalog.ForeignKeys)
        {
            var from = DistributionOf(key.Table);
            var to = DistributionOf(key.Referenced);
            if ((from == distribution || (to == distribution && from is not null)) && ForeignKeyRule.Problem(tree, key, from, to) is { } problem)
                throw Refuse(problem, ForeignKeyRule.Hint);
        }
    }

    private static async Task<HomeCatalog> ReadCatalogAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(connection);
        HomeCatalogReader.AddTo(batch, []);
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        return await HomeCatalogReader.ReadAsync(reader, cancel);
    }

    private static SqlException Refuse(string reason, string? hint) => new(SqlStates.FeatureNotSupported, reason, hint);
}
