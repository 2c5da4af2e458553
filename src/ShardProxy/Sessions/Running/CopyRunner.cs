using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Drawing;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Sessions.Running;

/// <summary>COPY of a declared table. FROM goes to all shards in one block, each row to its shard or, for a reference table, to all; TO is the shards' streams one after the other.</summary>
public sealed class CopyRunner
{
    private readonly Session _session;
    private readonly TransactionRunner _transactions;

    public CopyRunner(Session session, TransactionRunner transactions)
    {
        _session = session;
        _transactions = transactions;
    }

    public ValueTask<bool> RunAsync(CopyPlan plan, PlannedStatement planned, StatementText text)
    {
        CheckBinary(plan);
        return plan.From
            ? CopyInAsync(plan, text)
            : CopyOutAsync(plan, planned, text);
    }

    // Arrays and composites of users' types carry object ids in the binary format, and those differ from shard to shard.
    private void CheckBinary(CopyPlan plan)
    {
        if (plan.Options.Format != CopyFormat.Binary || _session.Planning().Routing.Catalog.FindRelation(plan.Table.Table) is not { } relation)
            return;
        for (var shard = 0; shard < _session.Database.ShardCount; shard++)
        {
            var objectIds = _session.ObjectIds(shard);
            if (!objectIds.IsIdentity && relation.Columns.Any(column => objectIds.HoldsObjectIds(column.TypeOid)))
            {
                throw new SqlErrorException(
                    SqlStates.FeatureNotSupported,
                    $"COPY of \"{plan.Table.Table.Name}\" in the binary format is not supported, because a column holds values of users' types whose object ids differ between shards",
                    "Use the text or CSV format.");
            }
        }
    }

    // The rows are stored when the block is committed, and not before that is the client told of them.
    private async ValueTask<bool> CopyInAsync(CopyPlan plan, StatementText text)
    {
        var rows = 0L;
        var isOwnBlock = !_session.Transaction.IsOpen;
        if (!await ImplicitBlock.RunAsync(_session, _transactions, async () => (rows = await SpreadAsync(plan, text, isOwnBlock)) >= 0))
            return false;
        _session.WriteTag(System.Text.Encoding.ASCII.GetBytes($"COPY {rows}"));
        return true;
    }

    private async ValueTask<long> SpreadAsync(CopyPlan plan, StatementText text, bool isOwnBlock)
    {
        if (plan.KeyType is null)
            await ShardFence.TakeAsync(_session);
        var servers = new ServerConnection[_session.Database.ShardCount];
        for (var shard = 0; shard < servers.Length; shard++)
            servers[shard] = await _session.Servers.GetAsync(shard);
        WriterRule.CheckEveryShard(_session);
        if (plan.KeyType is null)
            await Writing.TableLock.TakeAsync(_session, plan.Table.Table);
        var entries = _session.Planning().Routing.Catalog.FindRelation(plan.Table.Table) is { GlobalIndexes.Count: > 0 }
            ? await EntryLog.BeginAsync(_session, [.. Enumerable.Range(0, servers.Length)], isOwnBlock)
            : null;
        var input = new SpreadCopyInput(_session, plan, servers) { Entries = entries, Times = await CopyClock.FieldsAsync(_session, plan) };
        var rows = await CopyAsync(input, text);
        if (entries is not null)
            await entries.ApplyAsync();
        return rows;
    }

    private static async ValueTask<long> CopyAsync(SpreadCopyInput input, StatementText text)
    {
        try
        {
            await input.StartAsync(text);
            await input.MoveAsync();
            return await input.CompleteAsync();
        }
        catch (SqlErrorException)
        {
            await input.AbandonAsync();
            throw;
        }
    }

    private async ValueTask<bool> CopyOutAsync(CopyPlan plan, PlannedStatement planned, StatementText text)
    {
        var rows = 0L;
        await _session.MoveGate.EnterAsync(stays: false);
        var shards = _session.Database.ShardCount;
        for (var shard = 0; shard < shards; shard++)
        {
            var server = await _session.Servers.GetAsync(shard);
            server.SendQuery(text.Bytes, Disposition.Forward);
            var tap = new CopyOutTap(plan.Options, isFirst: shard == 0, isLast: shard == shards - 1, _session.Client.Output);
            _session.StartRelay(server);
            _session.Relay.PositionOffset = text.PositionOffset;
            _session.Relay.Tap = tap;
            await _session.PumpAsync(server);
            _session.Relay.Tap = null;
            if (!await Aftermath.ApplyAsync(_session, server, planned, _session.Relay.ErrorSeen))
                return false;
            rows += tap.Rows;
        }
        _session.WriteTag(System.Text.Encoding.ASCII.GetBytes($"COPY {rows}"));
        return true;
    }
}
