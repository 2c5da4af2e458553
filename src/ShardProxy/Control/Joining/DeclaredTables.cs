using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Routing;
using ShardProxy.Control.Shards;
using ShardProxy.Control.Uniqueness;
using ShardProxy.Directory;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Control.Joining;

/// <summary>
/// Makes the declared tables on a shard that joins as the home shard has them, and fills the reference tables. Tables that are there
/// already, from an attempt before or from a restored schema, are taken when they are made alike and empty, reference tables also when
/// their rows are the home shard's. Global indexes are made with the tables, under the ids that they have elsewhere: the shard owns no
/// bucket, so no entry of other shards' rows belongs there, but each row that is placed there is reported from the first one on.
/// </summary>
/// <param name="home">In the transaction that keeps DDL and writers of reference tables out.</param>
internal sealed class DeclaredTables(IReadOnlyList<ControlShard> shards, ControlShard joining, NpgsqlConnection home)
{
    private UniqueSupport? _support;

    public async Task MakeAsync(IReadOnlyList<DeclaredTable> declared, CancellationToken cancel)
    {
        var waiting = new List<(DeclaredTable Table, uint Oid)>();
        foreach (var table in declared)
        {
            if (await TableAccess.FindAsync(home, SqlText.Identifier(table.Name), cancel) is not 0 and var oid)
                waiting.Add((table, oid));
        }
        // A foreign key waits for the table to which it leads.
        while (waiting.Count > 0)
        {
            var later = new List<(DeclaredTable, uint)>();
            SqlException? failure = null;
            foreach (var (table, oid) in waiting)
            {
                try
                {
                    await MakeAsync(table, oid, cancel);
                }
                catch (SqlException exception) when (exception.Error.SqlState == SqlStates.UndefinedTable)
                {
                    failure = exception;
                    later.Add((table, oid));
                }
            }
            if (later.Count == waiting.Count)
                throw failure!;
            waiting = later;
        }
    }

    /// <summary>All or none: what is left of an attempt before is looked at, not trusted.</summary>
    public async Task FillAsync(IReadOnlyList<DeclaredTable> declared, CancellationToken cancel)
    {
        await using var target = await joining.OpenAsync(cancel);
        try
        {
            await TableAccess.ExecuteAsync(home, RowCopy.Settings, cancel);
            await using var transaction = await target.BeginTransactionAsync(cancel);
            await TableAccess.ExecuteAsync(target, RowCopy.Settings, cancel);
            await RowCopy.SilenceTriggersAsync(target, cancel);
            foreach (var table in declared.Where(static table => table.Distribution.Kind == TableKind.Reference))
            {
                if (await TableAccess.FindAsync(home, SqlText.Identifier(table.Name), cancel) == 0)
                    continue;
                if (!await TableAccess.HasRowsAsync(target, table.Name, cancel))
                    await RowCopy.RunAsync(home, target, table.Name, null, cancel);
                else if (await ReferenceCopies.CompareAsync([shards[0], joining], table.Name, cancel) is { } problem)
                    throw new SqlException(SqlStates.ObjectNotInPrerequisiteState, problem.Reason, $"Empty the table on shard \"{joining.Name}\".");
            }
            await transaction.CommitAsync(cancel);
        }
        catch (NpgsqlException exception)
        {
            throw joining.Explain(exception);
        }
    }

    private async Task MakeAsync(DeclaredTable table, uint oid, CancellationToken cancel)
    {
        var isReference = table.Distribution.Kind == TableKind.Reference;
        var definition = await DefinitionReader.ReadAsync(home, oid, cancel);
        var views = await DependentViews.ReadAsync(home, oid, cancel);
        var numbers = definition.Sequences.ToDictionary(static sequence => sequence.Name);
        await using var made = await ShardTable.MakeAsync(joining, table.Name, definition, cancel, mayHaveRows: isReference);
        if (isReference)
        {
            await made.AdjustSequencesAsync(table.Name, sequence => SequenceRange.Copy(numbers[sequence.Name]), cancel);
        }
        else
        {
            // Behind the last that is in use: a shard that was there once may have had one further on than the list is long.
            var stretch = await FreeStretchAsync(table.Name, cancel);
            await SequenceRange.AdjustAsync(home, table.Name, sequence => SequenceRange.Confine(sequence, 0, stretch + 1), cancel);
            await made.AdjustSequencesAsync(table.Name, sequence => SequenceRange.Confine(sequence, stretch, stretch + 1), cancel);
        }
        await made.MakeViewsAsync(views, cancel);
        if (!isReference && await UniqueObjects.ReadAsync(home, table.Name, cancel) is { Count: > 0 } indexes)
            await made.MakeIndexesAsync(await SupportAsync(cancel), table.Name, indexes, cancel);
        await made.CommitAsync(cancel);
    }

    /// <summary>What the joining shard needs for global indexes, made in a transaction of its own.</summary>
    private async Task<UniqueSupport> SupportAsync(CancellationToken cancel)
    {
        if (_support is { } known)
            return known;
        await using var connection = await joining.OpenAsync(cancel);
        try
        {
            return _support = await UniquePreparation.RunAsync(connection, cancel);
        }
        catch (NpgsqlException exception)
        {
            throw joining.Explain(exception);
        }
    }

    private async Task<int> FreeStretchAsync(QualifiedName table, CancellationToken cancel)
    {
        var stretch = shards.Count;
        foreach (var shard in shards)
        {
            await using var connection = await shard.OpenAsync(cancel);
            try
            {
                var oid = await TableAccess.FindAsync(connection, SqlText.Identifier(table), cancel);
                foreach (var sequence in await DefinitionReader.ReadSequencesAsync(connection, oid, cancel))
                    stretch = Math.Max(stretch, SequenceStretch.IndexOf(sequence) + 1);
            }
            catch (NpgsqlException exception)
            {
                throw shard.Explain(exception);
            }
        }
        return stretch;
    }
}
