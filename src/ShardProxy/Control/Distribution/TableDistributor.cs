using System.Data;
using Npgsql;
using ShardProxy.Control.Shards;
using ShardProxy.Control.Uniqueness;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Control.Distribution;

/// <summary>
/// create_distributed_table and create_reference_table:
/// 1. the table is locked on the home shard, so that its definition and its emptiness stay true;
/// 2. it is checked that its rows can be spread without changing what it means;
/// 3. it is made on the other shards, and committed there;
/// 4. the directory is changed, and the new routing published;
/// 5. statements that were routed the old way and wait for the lock are cancelled, and the lock is let go.
/// Interrupted before 4, nothing is declared, and the next attempt takes the empty tables that it finds.
/// </summary>
internal sealed class TableDistributor(IReadOnlyList<ControlShard> shards, DatabaseDirectory directory, UniqueControl uniques)
{
    private const string Prepare = "SET LOCAL lock_timeout = '10s'; SET LOCAL row_security = off; SET LOCAL search_path = pg_catalog";

    private readonly ControlShard _home = shards[0];

    /// <param name="user">The client's role on the home shard, who must own the table.</param>
    /// <param name="searchPath">The client's schemas, in order.</param>
    /// <param name="publish">Makes the new routing seen by every session; after it returns, no statement is sent the old way.</param>
    /// <exception cref="SqlException">Refused or failed; nothing is declared.</exception>
    public async Task<QualifiedName> RunAsync(
        DistributePlan plan, IReadOnlyList<string> searchPath, string user, Func<Task> publish, CancellationToken cancel)
    {
        await using var connection = await _home.OpenAsync(cancel);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancel);
            // A shard that joins meanwhile would not get the table, or be read by the list of shards before.
            await TableAccess.ExecuteAsync(connection, $"SET LOCAL lock_timeout = '10s'; {ShardFence.SharedStatement}", cancel);
            var request = await ResolveAsync(connection, plan, searchPath, cancel);
            await TableAccess.ExecuteAsync(connection, Prepare, cancel);
            await LockAsync(connection, request, user, cancel);
            var distribution = await DistributionChecks.RunAsync(connection, request, directory.Content, cancel);
            await MakeEverywhereAsync(connection, request, distribution, cancel);
            await directory.ChangeAsync(
                content =>
                {
                    DistributionChecks.EnsureUndeclared(content, request.Table);
                    var declared = new TableDeclared(new DeclaredTable(distribution with { Placement = null }, 0, 0));
                    return request.Strategy == PlacementRule.Hash ? [declared] : [new GroupPlaced(distribution.Group!, request.Strategy, request.Entries), declared];
                },
                user,
                cancel);
            // From here on the table is declared: what follows must not be given up halfway.
            await publish();
            await LockWaiters.CancelAsync(_home, request.Oid);
            await transaction.CommitAsync(CancellationToken.None);
            return request.Table;
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException or TimeoutException)
        {
            throw _home.Explain(exception);
        }
    }

    private async Task<DistributionRequest> ResolveAsync(
        NpgsqlConnection connection, DistributePlan plan, IReadOnlyList<string> searchPath, CancellationToken cancel)
    {
        await TableAccess.SetSearchPathAsync(connection, searchPath, cancel);
        var (oid, table) = await NameOfAsync(connection, plan.Table, cancel);
        // Citus' other two words: 'default' and 'none'. Tables are colocated here when somebody says so.
        QualifiedName? colocated = plan.ColocateWith is null or "default" or "none"
            ? null
            : (await NameOfAsync(connection, plan.ColocateWith, cancel)).Name;
        return new DistributionRequest(oid, table, plan.Reference ? null : plan.Key, colocated)
        {
            Strategy = plan.Zones is null ? plan.Strategy : PlacementRule.Zone,
            Entries = plan.Zones is null && plan.Placement is null ? [] : ReadPlacement(plan),
            ZoneColumn = plan.ZoneColumn,
        };
    }

    private IReadOnlyList<PlacementEntry> ReadPlacement(DistributePlan plan)
    {
        string[] names = [.. shards.Select(static shard => shard.Name)];
        try
        {
            return plan.Zones is { } zones
                ? ZoneRule.EntriesFor(plan.Strategy, plan.Placement, zones, names)
                : PlacementTargets.Begin(plan.Strategy, plan.Placement!, names);
        }
        catch (FormatException exception)
        {
            throw new SqlException(SqlStates.InvalidParameterValue, exception.Message);
        }
    }

    internal static async Task<(uint Oid, QualifiedName Name)> NameOfAsync(NpgsqlConnection connection, string text, CancellationToken cancel)
    {
        var oid = await TableAccess.FindAsync(connection, text, cancel);
        if (oid == 0)
        {
            throw new SqlException(
                SqlStates.UndefinedTable,
                $"relation \"{text}\" does not exist",
                "A table that was created in a transaction can be distributed once the transaction has committed.");
        }
        return (oid, await NameOfAsync(connection, oid, cancel));
    }

    private static async Task<QualifiedName> NameOfAsync(NpgsqlConnection connection, uint oid, CancellationToken cancel)
    {
        const string Sql = """
            SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1
            """;
        await using var command = new NpgsqlCommand(Sql, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = oid, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
        await using var reader = await command.ExecuteReaderAsync(cancel);
        return await reader.ReadAsync(cancel)
            ? new QualifiedName(reader.GetString(0), reader.GetString(1))
            : throw new SqlException(SqlStates.UndefinedTable, "the table was dropped while it was to be distributed");
    }

    private static async Task LockAsync(NpgsqlConnection connection, DistributionRequest request, string user, CancellationToken cancel)
    {
        await DistributionChecks.EnsureTableAsync(connection, request, user, cancel);
        await TableAccess.ExecuteAsync(connection, $"LOCK TABLE {SqlText.Identifier(request.Table)} IN ACCESS EXCLUSIVE MODE", cancel);
        // What the name means may have changed while we waited.
        if (await TableAccess.FindAsync(connection, SqlText.Identifier(request.Table), cancel) != request.Oid)
            throw new SqlException(SqlStates.SerializationFailure, $"table {request.Table} was replaced while it was to be distributed", "Try again.");
    }

    private async Task MakeEverywhereAsync(NpgsqlConnection home, DistributionRequest request, TableDistribution distribution, CancellationToken cancel)
    {
        var definition = await DefinitionReader.ReadAsync(home, request.Oid, cancel);
        var views = await DependentViews.ReadAsync(home, request.Oid, cancel);
        var numbers = definition.Sequences.ToDictionary(static sequence => sequence.Name);
        var indexes = request.IsReference ? [] : await UniqueObjects.FindAsync(home, distribution, cancel);
        var made = new List<ShardTable>();
        try
        {
            if (!request.IsReference)
                await SequenceRange.AdjustAsync(home, request.Table, sequence => SequenceRange.Confine(sequence, 0, shards.Count), cancel);
            for (var index = 1; index < shards.Count; index++)
            {
                var table = await ShardTable.MakeAsync(shards[index], request.Table, definition, cancel);
                made.Add(table);
                var position = index;
                await table.AdjustSequencesAsync(
                    request.Table,
                    sequence => request.IsReference
                        ? SequenceRange.Copy(numbers[sequence.Name])
                        : SequenceRange.Confine(sequence, position, shards.Count),
                    cancel);
                await table.MakeViewsAsync(views, cancel);
                if (indexes.Count > 0)
                    await table.MakeIndexesAsync(await uniques.SupportAsync(index, cancel), request.Table, indexes, cancel);
            }
            if (indexes.Count > 0)
                await UniqueObjects.MakeAsync(home, await uniques.SupportAsync(0, cancel), request.Table, indexes, cancel);
            foreach (var table in made)
                await table.CommitAsync(cancel);
        }
        finally
        {
            foreach (var table in made)
                await table.DisposeAsync();
        }
    }
}
