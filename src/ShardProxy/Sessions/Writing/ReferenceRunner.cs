using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>Runs a <see cref="ReferenceDraft"/> in the open block: afterwards every shard holds the same rows, or the statement has failed.</summary>
internal sealed class ReferenceRunner(Session session)
{
    /// <returns>Rows touched.</returns>
    public async ValueTask<long> RunAsync(WriteJob job, ReferenceDraft draft)
    {
        await ShardFence.TakeAsync(session);
        var shards = Enumerable.Range(0, session.Database.ShardCount).ToList();
        WriterRule.CheckShards(session, shards);
        await TableLock.TakeAsync(session, draft.Table);
        if (draft.IsFromHome)
            StoredRows.CheckText(session);
        var statement = job.WholeStatement();
        var visible = 0;
        if (draft.Returns)
        {
            var described = await ShardDescription.AskAsync(session, Database.HomeShard, statement.Sql, statement.ParameterTypes);
            visible = described.ColumnTypes.Length - draft.Columns.Length;
        }
        var formats = new short[visible + draft.Columns.Length];
        for (var column = 0; column < visible; column++)
            formats[column] = job.Request.Format(column);
        statement = statement with { Formats = formats };
        var first = draft.IsFromHome ? shards.GetRange(0, 1) : shards;
        var run = await SpreadRun.StartAsync(session, first, _ => statement);
        var rows = new HiddenColumns(run.Shards, visible, draft.Returns, keepsRows: draft.IsFromHome);
        await run.RunToEndAsync(rows, () =>
        {
            if (job.Request.IsDescribed && draft.Returns)
                session.Client.Output.Write(job.Request.Describe(run.Description, visible));
        });
        if (!rows.AreAlike || run.Shards.Any(shard => shard.AffectedCount != run.Shards[0].AffectedCount))
            throw Differ(draft.Table);
        if (draft.IsFromHome && rows.Rows.Count > 0 && shards.Count > 1)
            await new StoredRows(session, draft.Table, draft.Columns).StoreAsync(shards.GetRange(1, shards.Count - 1), rows.Rows);
        return run.Shards[0].AffectedCount;
    }

    // Under READ COMMITTED that means that somebody has written to one copy without the proxy.
    internal static SqlErrorException Differ(Directory.QualifiedName table) => new(
        SqlStates.SerializationFailure,
        $"the statement would change other rows of the reference table \"{table.Name}\" on one shard than on another",
        "Try the transaction again. If that does not help, its copies differ: load the table anew with COPY.");
}
