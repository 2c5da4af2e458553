using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Planning;
using ShardProxy.Planning.Drawing;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;
using ShardProxy.Sessions.Drawing;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Running.Gathering;
using ShardProxy.Sessions.Spreading;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Sessions.Writing;

/// <summary>
/// Runs a <see cref="MovedRowsDraft"/> in the open block: all rows of the query are read, as PostgreSQL reads them before a row that
/// the statement inserts could be seen by it, and then stored on the shards of their keys.
/// </summary>
internal sealed class MovedRowsRunner(Session session, GatherRunner gathers)
{
    /// <param name="isOwnBlock">The block ends with the statement.</param>
    /// <returns>Rows stored.</returns>
    public async ValueTask<long> RunAsync(WriteJob job, MovedRowsDraft draft, bool isOwnBlock)
    {
        var described = await StatementCheck.AskAsync(session, job.Request, "INSERT");
        var (rows, types) = await ReadAsync(job, draft, described.ParameterTypes);
        var given = Math.Min(types.Length, draft.Columns.Length);
        var omitted = draft.Omitted.RemoveAll(column => column.Ordinal < given);
        var drawn = omitted.RemoveAll(static column => column.Drawn is null);
        await DrawAsync(rows, drawn);
        string[] names = [.. draft.Columns.Take(given).Select(static column => column.Name), .. drawn.Select(static column => column.Name)];
        uint[] stored = [.. types.Take(given).Select((type, column) => StoredType.Of(type, draft.Columns[column].TypeOid)), .. drawn.Select(static column => column.Drawn!.Type)];
        var shards = draft.IsReference ? [] : await ShardsAsync(draft, rows, names, stored);
        var clocks = await ClocksAsync(job, omitted);
        var text = new MovedRowsText(job, draft, described.ParameterTypes, stored)
        {
            Listed = omitted.IsEmpty ? [] : names,
            Drawn = drawn,
            Clocks = clocks,
        };
        if (draft.IsReference)
            return await StoreCopiesAsync(draft, rows, text);
        if (draft.Conflict is { } conflict && rows.Count > 0)
        {
            if (rows.Count > text.RowsAtOnce)
                throw RowStore.TooMany(text.RowsAtOnce);
            var proposal = new ReadProposal(job.Request, rows, names, stored, clocks, text.Statement, shards);
            return await new ConflictRunner(session, job.Request, conflict, proposal, isOwnBlock) { ParameterTypes = described.ParameterTypes }.RunAsync();
        }
        int[] used = [.. shards.Distinct().Order()];
        WriterRule.CheckShards(session, used);
        var store = new RowStore(session, job.Request, described.Frame)
        {
            MustBeOne = draft.MayUpdate,
            SelfReferencing = draft.Table,
            Entries = job.Plan.KeepsEntries ? await EntryLog.BeginAsync(session, used, isOwnBlock) : null,
        };
        var count = await store.StoreAsync(rows, shards, text.RowsAtOnce, text.Statement);
        await store.EndAsync();
        return count;
    }

    private async ValueTask<(List<byte[]?[]> Rows, uint[] Types)> ReadAsync(WriteJob job, MovedRowsDraft draft, uint[] parameterTypes)
    {
        var select = job.Request.Sql[(draft.Start - job.Offset)..(draft.End - job.Offset)];
        GatherRun? gathered = null;
        if (job.Source is GatherPlan gather)
        {
            gathered = await gathers.LoadAsync(gather with { MayRunAnywhere = false, Beside = null }, new PlannedStatement(gather, Traits.None, "select"), select, parameterTypes, default);
            session.Transaction.HasGatheredAtHome = true;
            select = gathered.Text();
        }
        var statement = new ShardStatement(select)
        {
            Bind = job.Request.Bind,
            ParameterTypes = parameterTypes,
            NestedParameterTypes = job.Request.NestedParameterTypes,
            Formats = [0],
        };
        var (rows, types) = await RowsOf.AllAsync(session, job.Shards, statement);
        if (gathered is not null && !session.Transaction.IsImplicit)
            await gathers.DropAsync(gathered);
        return (rows.Rows, types);
    }

    /// <summary>The same rows on every shard, one writer of the table after the other.</summary>
    private async ValueTask<long> StoreCopiesAsync(MovedRowsDraft draft, List<byte[]?[]> rows, MovedRowsText text)
    {
        await ShardFence.TakeAsync(session);
        var shards = Enumerable.Range(0, session.Database.ShardCount).ToList();
        WriterRule.CheckShards(session, shards);
        await TableLock.TakeAsync(session, draft.Table);
        await RowStore.CheckSeveralAsync(session, draft.Table, rows.Count, text.RowsAtOnce);
        var count = 0L;
        foreach (var part in rows.Chunk(text.RowsAtOnce))
        {
            var statement = text.Statement(part);
            var run = await SpreadRun.StartAsync(session, shards, _ => statement);
            await run.RunToEndAsync(new Concatenation(run.Shards));
            if (run.Shards.Any(shard => shard.AffectedCount != run.Shards[0].AffectedCount))
                throw ReferenceRunner.Differ(draft.Table);
            count += run.Shards[0].AffectedCount;
        }
        return count;
    }

    /// <summary>Puts the values of sequences behind each row's own.</summary>
    private async ValueTask DrawAsync(List<byte[]?[]> rows, ImmutableArray<OmittedColumn> drawn)
    {
        if (drawn.IsEmpty || rows.Count == 0)
            return;
        var slots = rows.SelectMany(_ => drawn.Select(static column => new DrawSlot(DrawKind.Next, column.Drawn!.Sequence, column.Drawn.Type, column.Drawn.IsIdentity))).ToList();
        var values = await IdentifierDrawing.DrawAsync(session, slots);
        var next = 0;
        for (var row = 0; row < rows.Count; row++)
            rows[row] = [.. rows[row], .. drawn.Select(column => IdentifierDrawing.Encode(values[next++], column.Drawn!.Type, binary: false))];
    }

    private async ValueTask<int[]> ShardsAsync(MovedRowsDraft draft, List<byte[]?[]> rows, string[] names, uint[] types)
    {
        if (draft.KeyType is not { } keyType)
        {
            session.Sequences.NoteServer(await session.Servers.GetAsync(Database.HomeShard));
            return new int[rows.Count];
        }
        return await NewKeys.ShardsAsync(session, keyType, ValuesOf(draft.Key!), draft.Zone is { } zone ? (zone, ValuesOf(zone.Name)) : null);

        StoredColumn ValuesOf(string column)
        {
            var ordinal = Array.IndexOf(names, column);
            return ordinal >= 0
                ? new StoredColumn(types[ordinal], [.. rows.Select(row => row[ordinal])])
                : throw new SqlErrorException(SqlStates.FeatureNotSupported, $"the query gives no value for {column}", "List the columns and give it a value.");
        }
    }

    /// <summary>The columns whose default is the time of the statement, each with its value.</summary>
    private async ValueTask<ImmutableArray<(string Column, string Value)>> ClocksAsync(WriteJob job, ImmutableArray<OmittedColumn> omitted)
    {
        var columns = omitted.RemoveAll(static column => column.Clock is null);
        if (columns.IsEmpty)
            return [];
        var values = await ShardClock.FillAsync(session, job.Shards[0], [.. columns.Select(static column => new TextEdit(0, 0, column.Clock!))]);
        return [.. columns.Select((column, index) => (column.Name, values[index].Text))];
    }
}
