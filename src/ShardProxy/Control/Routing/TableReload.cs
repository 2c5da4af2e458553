using ShardProxy.Configuration;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Planning;

namespace ShardProxy.Control.Routing;

/// <summary>
/// Tables that a reloaded configuration file adds. One that does not exist yet is declared as at start; one that exists
/// may be in use, so it is distributed as create_distributed_table does it, under its lock.
/// </summary>
internal sealed class TableReload(DatabaseDirectory directory, Func<QualifiedName, bool> exists, Func<DistributePlan, Task> distribute)
{
    private const string Who = "configuration file";

    /// <returns>What could not be done, in words; empty when all is well.</returns>
    public async Task<IReadOnlyList<string>> RunAsync(DatabaseConfig changed, CancellationToken cancel)
    {
        Queue<TableDistribution> waiting;
        Dictionary<string, GroupPlaced> placed;
        try
        {
            var changes = directory.Compare(changed);
            waiting = new Queue<TableDistribution>(changes.OfType<TableDeclared>().Select(static change => change.Table.Distribution));
            placed = changes.OfType<GroupPlaced>().ToDictionary(static change => change.Group, StringComparer.Ordinal);
        }
        catch (DirectoryException exception)
        {
            return [exception.Message];
        }
        var failures = directory.WaitingTables.Select(static each => $"table {each.Table} is declared when shard \"{each.Shard}\" has joined").ToList();
        // A table waits for the one that it is colocated with; there are no rings, Compare has seen to that.
        while (waiting.TryDequeue(out var table))
        {
            var config = changed.Tables.First(pair => FileDeclarations.ParseName(pair.Key) == table.Table).Value;
            QualifiedName? target = config.ColocateWith is { } other ? FileDeclarations.ParseName(other) : null;
            if (target is not null && waiting.Any(later => later.Table == target))
                waiting.Enqueue(table);
            else if (await TryDeclareAsync(table, target, placed.GetValueOrDefault(table.Group ?? ""), cancel) is { } failure)
                failures.Add(failure);
        }
        return failures;
    }

    private async Task<string?> TryDeclareAsync(TableDistribution table, QualifiedName? target, GroupPlaced? placed, CancellationToken cancel)
    {
        try
        {
            if (exists(table.Table))
            {
                var founds = target is null ? placed : null;
                var zones = founds?.Strategy == PlacementRule.Zone ? ZoneRule.TextsOf(founds.Entries) : default;
                await distribute(new DistributePlan(
                    SqlText.Identifier(table.Table),
                    table.KeyColumn,
                    target is { } other ? SqlText.Identifier(other) : null,
                    table.Kind == TableKind.Reference)
                {
                    Strategy = zones.Strategy ?? founds?.Strategy ?? PlacementRule.Hash,
                    Placement = zones.Strategy is not null ? zones.Inner : founds is null ? null : PlacementTargets.TextOf(founds.Strategy, founds.Entries),
                    ZoneColumn = table.ZoneColumn,
                    Zones = zones.Zones,
                });
            }
            else
            {
                await directory.ChangeAsync(
                    current => current.Find(table.Table) is not null ? []
                        : placed is null || target is not null ? [new TableDeclared(new DeclaredTable(table, 0, 0))]
                        : [placed, new TableDeclared(new DeclaredTable(table, 0, 0))],
                    Who,
                    cancel);
            }
            return null;
        }
        catch (Exception exception) when (exception is SqlException or DirectoryException)
        {
            // Another proxy with the same file may have been faster.
            if (directory.Content.Find(table.Table) is { } found && found.Distribution == table)
                return null;
            return $"table {table.Table} is not declared: {exception.Message}";
        }
    }
}
