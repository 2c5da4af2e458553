using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Loading;
using ShardProxy.Control.Lookups;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;

namespace ShardProxy.Control.Routing;

/// <summary>
/// Looks at tables that stand under a declared name for the first time: made just now by CREATE TABLE, by an earlier
/// process, or by hand before the proxy knew them. Rows that are there must stand where the directory says, or the table
/// is not used; sequences get their stretches.
/// </summary>
internal sealed class Newcomers(IReadOnlyList<ControlShard> shards, KeyAdoption adoption)
{
    public async Task<(IReadOnlyList<DirectoryChange> Identified, IReadOnlyList<TableProblem> Misplaced)> ExamineAsync(
        IReadOnlyList<DeclaredTable> tables, DirectorySnapshot directory, LoadedCatalog catalog, CancellationToken cancel)
    {
        var identified = new List<DirectoryChange>();
        var misplaced = new List<TableProblem>();
        foreach (var table in tables)
        {
            // A table that is not on every shard, or has no such key, is a problem that TableChecks tells.
            if (!catalog.Shards.All(shard => shard!.Shapes.ContainsKey(table.Name)))
                continue;
            if (table.Distribution.Kind == TableKind.Sharded && (table.KeyNumber == 0 || (table.Distribution.ZoneColumn is not null && table.ZoneNumber == 0)))
                continue;
            if (await FindProblemAsync(table, directory, catalog, cancel) is { } problem)
                misplaced.Add(problem);
            else
                identified.Add(new TableIdentified(table.Name, table.HomeOid, table.KeyNumber) { ZoneNumber = table.ZoneNumber });
        }
        return (identified, misplaced);
    }

    private async Task<TableProblem?> FindProblemAsync(DeclaredTable table, DirectorySnapshot directory, LoadedCatalog catalog, CancellationToken cancel)
    {
        try
        {
            if (table.Distribution.Kind == TableKind.Reference)
                return await ReferenceCopies.CompareAsync(shards, table.Name, cancel);
            var key = catalog.Home.Relations.First(relation => relation.Oid == table.HomeOid).FindColumn(table.Distribution.KeyColumn!)!;
            // A rule that makes no sense for the type is a problem of its own (TableChecks).
            var problem = directory.Find(table.Name)?.Placement?.For(key.TypeOid, out _) is LookupPlacement lookup
                ? await RowPlacement.AdoptAsync(shards, table, key, lookup, directory, (shard, keys) => adoption.AdoptAsync(lookup, shard, keys, cancel), cancel)
                : await RowPlacement.CheckAsync(shards, table, key, directory, cancel);
            if (problem is not null)
                return problem;
            await ConfineSequencesAsync(table.Name, cancel);
            return null;
        }
        catch (DirectoryException exception)
        {
            return new TableProblem(table.Name, $"table {table.Name} was not seen before and its keys cannot be given places: {exception.Message}", null);
        }
        catch (SqlException exception)
        {
            return new TableProblem(table.Name, $"table {table.Name} was not seen before and cannot be looked at: {exception.Message}", exception.Hint);
        }
    }

    private async Task ConfineSequencesAsync(QualifiedName table, CancellationToken cancel)
    {
        for (var index = 0; index < shards.Count; index++)
        {
            var position = index;
            await using var connection = await shards[index].OpenAsync(cancel);
            try
            {
                await using var transaction = await connection.BeginTransactionAsync(cancel);
                await SequenceRange.AdjustAsync(connection, table, sequence => SequenceRange.Confine(sequence, position, shards.Count), cancel);
                await transaction.CommitAsync(cancel);
            }
            catch (NpgsqlException exception)
            {
                throw shards[index].Explain(exception);
            }
        }
    }
}
