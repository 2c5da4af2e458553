using ShardProxy.Planning;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Spreading;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Sessions.Writing;

/// <summary>
/// Runs a <see cref="KeyUpdateDraft"/> in the open block. Each shard finds its rows, locks them and computes their new values,
/// once; then rows that leave a shard are deleted, the others are changed, and those that left are stored where their new
/// keys lead, in this order, so that a row never meets one that is about to go.
/// </summary>
internal sealed class KeyUpdateRunner(Session session)
{
    /// <param name="isOwnBlock">The block ends with the statement.</param>
    /// <returns>Rows changed.</returns>
    public async ValueTask<long> RunAsync(WriteJob job, KeyUpdateDraft draft, bool isOwnBlock)
    {
        var described = await StatementCheck.AskAsync(session, job.Request, "UPDATE");
        await ShardFence.TakeAsync(session);
        await TableLock.TakeInOrderAsync(session, draft.Declared);
        var text = new KeyUpdateText(job, draft, described.ParameterTypes);
        var found = await RowsOf.AllAsync(session, job.Shards, text.Find());
        var rows = new KeyUpdateRows(draft, found.Rows, found.Types);
        if (rows.HaveChildren)
            throw Refusal($"rows of tables that inherit from \"{draft.Table.Name}\" cannot be moved through it", "UPDATE the tables that inherit by themselves.");
        var shards = await NewKeys.ShardsAsync(session, draft.KeyType, rows.NewValues(draft.Key), draft.Zone is { } zone ? (zone, rows.NewValues(zone.Name)) : null);
        var moved = rows.Select(row => shards[row] != rows.Shards[row]);
        var stay = rows.Select(row => shards[row] == rows.Shards[row]);
        if (moved.Count > 0 && await ForeignKeyFacts.HasActionsAsync(session, draft.Table))
        {
            throw Refusal(
                $"a foreign key to \"{draft.Table.Name}\" has ON UPDATE or ON DELETE actions, which a row that moves to another shard would set off differently",
                "Move the rows that refer to it in the same way, or make the foreign key one without actions.");
        }
        int[] touched = [.. moved.Concat(stay).SelectMany(row => new[] { shards[row], rows.Shards[row] }).Distinct().Order()];
        WriterRule.CheckShards(session, touched);
        var entries = job.Plan.KeepsEntries ? await EntryLog.BeginAsync(session, touched, isOwnBlock) : null;
        await DeleteAsync(text, rows, moved, entries);
        var store = new RowStore(session, job.Request, described.Frame) { SelfReferencing = draft.Table, Entries = entries };
        var changed = await store.StoreAsync(
            [.. stay.Select(rows.Changed)], [.. stay.Select(row => shards[row])], text.RowsAtOnce(rows.ChangedTypes.Length), part => text.Change(part, rows.ChangedTypes));
        var stored = await store.StoreAsync(
            [.. moved.Select(rows.Stored)], [.. moved.Select(row => shards[row])], text.RowsAtOnce(rows.StoredTypes.Length), part => text.Insert(part, rows.StoredTypes));
        if (changed != stay.Count || stored != moved.Count)
            throw Vanished();
        await store.EndAsync();
        return changed + stored;
    }

    private async ValueTask DeleteAsync(KeyUpdateText text, KeyUpdateRows rows, List<int> moved, EntryLog? entries)
    {
        if (moved.Count == 0)
            return;
        var parts = moved.GroupBy(row => rows.Shards[row]).ToDictionary(static part => part.Key, part => text.Delete([.. part.Select(rows.Place)]));
        var run = await SpreadRun.StartAsync(session, [.. parts.Keys.Order()], shard => parts[shard], entries);
        await run.RunToEndAsync(new Concatenation(run.Shards));
        if (run.AffectedCount != moved.Count)
            throw Vanished();
    }

    private static SqlErrorException Refusal(string reason, string hint) => new(SqlStates.FeatureNotSupported, reason, hint);

    // The rows are locked, so that cannot be; if it could, rows would be lost.
    private static SqlErrorException Vanished() => new(SqlStates.InternalError, "rows that were locked on a shard were not there when they were to be moved", null);
}
