using ShardProxy.Execution;
using ShardProxy.Planning;
using ShardProxy.Planning.Commands;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Uniqueness;
using ShardProxy.Sessions.Writing;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// Runs a statement on every shard: all of it in one block on each, begun here if the client has none, so that an error
/// on any shard undoes it on all. The home shard comes last, because its replies are the client's and must not speak of
/// success before the others have succeeded. The block's commit is two-phase commit, so a crash leaves the change on all
/// shards or on none.
/// </summary>
public sealed class EveryShardRunner
{
    private readonly Session _session;
    private readonly TransactionRunner _transactions;

    public EveryShardRunner(Session session, TransactionRunner transactions)
    {
        _session = session;
        _transactions = transactions;
    }

    public async ValueTask<bool> RunAsync(EveryShardPlan plan, PlannedStatement planned, StatementText text)
    {
        ReadOnlyMemory<byte> sql = plan.Text is null ? text.Whole[text.Start..text.End] : System.Text.Encoding.UTF8.GetBytes(plan.Text);
        var offset = plan.Text is null ? text.PositionOffset : 0;
        // The block around a statement by itself would end with it, and so would what it holds.
        if ((planned.Traits & Traits.OnlyInTransaction) != 0 && !_session.Transaction.IsOpen)
            throw new SqlErrorException(SqlStates.NoActiveSqlTransaction, $"{planned.Verb.ToUpperInvariant()} TABLE can only be used in transaction blocks");
        if ((planned.Traits & Traits.NotInTransaction) != 0)
            return await RunOneByOneAsync(plan, planned, sql, offset);
        var elsewhere = plan.Elsewhere is null ? sql : System.Text.Encoding.UTF8.GetBytes(plan.Elsewhere);
        // The client hears of success when the block around the statement is committed.
        var tag = new TagHold();
        if (!await ImplicitBlock.RunAsync(_session, _transactions, async () =>
            {
                if (!plan.ReadsClock)
                    return await RunInBlockAsync(plan, planned, sql, elsewhere, offset, tag);
                var timed = System.Text.Encoding.UTF8.GetBytes(await ShardClock.FillAsync(_session, Database.HomeShard, plan.Text!));
                return await RunInBlockAsync(plan with { Numbering = null }, planned, timed, timed, offset, tag);
            }))
        {
            return false;
        }
        _session.Client.Output.Write(tag.Frame);
        return true;
    }

    private async ValueTask<bool> RunInBlockAsync(EveryShardPlan plan, PlannedStatement planned, ReadOnlyMemory<byte> sql, ReadOnlyMemory<byte> elsewhere, int offset, TagHold tag)
    {
        using var progress = _session.Database.Definitions.Begin(_session, planned.Verb, plan.Subject, isOneByOne: false);
        try
        {
            var succeeded = await RunOnAllAsync(plan, planned, sql, elsewhere, offset, tag, progress);
            if (succeeded)
                progress.Succeed();
            return succeeded;
        }
        catch (SqlErrorException exception)
        {
            progress.Fail(exception.Error);
            throw;
        }
    }

    private async ValueTask<bool> RunOnAllAsync(
        EveryShardPlan plan, PlannedStatement planned, ReadOnlyMemory<byte> sql, ReadOnlyMemory<byte> elsewhere, int offset, TagHold tag, DefinitionRun progress)
    {
        var writes = (planned.Traits & (Traits.Writes | Traits.ChangesCatalog)) != 0;
        if (writes)
            await ShardFence.TakeAsync(_session);
        var servers = new ServerConnection[_session.Database.ShardCount];
        for (var shard = 0; shard < servers.Length; shard++)
            servers[shard] = await _session.Servers.GetAsync(shard);
        if (writes)
            WriterRule.CheckEveryShard(_session);
        var numbers = plan.Numbering is null ? null : new NumberingRunner(_session, servers, plan.Numbering);
        if (numbers is not null && !await numbers.PrepareAsync())
            numbers = null;
        var entries = EmptiesEntries(planned) ? await EntryLog.BeginAsync(_session, [.. Enumerable.Range(0, servers.Length)], isOwnBlock: false) : null;
        if (numbers is null && !await IsTakenAsync(_session, plan.NewIndex, servers[0]) && await RunElsewhereAsync(servers, elsewhere, offset, progress) is { } error)
            throw new SqlErrorException(await HomeErrorAsync(error, servers[0], sql, offset) ?? error);
        progress.At(Database.HomeShard);
        servers[0].SendQuery(sql.Span, Disposition.Forward);
        _session.StartRelay(servers[0]);
        _session.Relay.PositionOffset = offset;
        _session.Relay.Tap = tag;
        await _session.PumpAsync(servers[0]);
        _session.Relay.Tap = null;
        if (!await Aftermath.ApplyAsync(_session, servers[0], planned, _session.Relay.ErrorSeen))
            return false;
        progress.Done(Database.HomeShard);
        if (numbers is not null)
            await numbers.FollowAsync(sql, progress);
        if (entries is not null)
            await entries.ApplyAsync();
        if ((planned.Traits & Traits.ChangesCatalog) != 0)
            await UniqueKeeper.FollowAsync(_session);
        return true;
    }

    /// <summary>What only the home shard has is in the way of a new index there: its answer is that of all.</summary>
    public static async ValueTask<bool> IsTakenAsync(Session session, NewIndex? index, ServerConnection home) =>
        index is not null && await ServerValues.ReadAsync(session, home, index.TakenQuery) is { Count: > 0 };

    private async ValueTask<ServerError?> RunElsewhereAsync(ServerConnection[] servers, ReadOnlyMemory<byte> sql, int offset, DefinitionRun progress)
    {
        for (var shard = 1; shard < servers.Length; shard++)
        {
            servers[shard].SendQuery(sql.Span, Disposition.Swallow);
            _session.Flush(servers[shard]);
            progress.At(shard);
        }
        ServerError? error = null;
        for (var shard = 1; shard < servers.Length; shard++)
        {
            await _session.DrainAsync(servers[shard]);
            if (_session.Relay.SwallowedError is { } failure)
                error ??= OnShard(failure, servers[shard], offset);
            else
                progress.Done(shard);
        }
        return error;
    }

    /// <summary>
    /// Where definitions are wrong (class 42), the home shard, which has all relations, says what one PostgreSQL would say of them.
    /// The block has failed on another shard: nothing of it stays.
    /// </summary>
    private async ValueTask<ServerError?> HomeErrorAsync(ServerError elsewhere, ServerConnection home, ReadOnlyMemory<byte> sql, int offset)
    {
        if (!elsewhere.SqlState.StartsWith("42", StringComparison.Ordinal))
            return null;
        home.SendQuery(sql.Span, Disposition.Swallow);
        await _session.DrainAsync(home);
        return _session.Relay.SwallowedError is { } error ? OnShard(error, home, offset) : null;
    }

    // Each shard empties its part of them.
    private bool EmptiesEntries(PlannedStatement planned) =>
        planned.Verb == "truncate" && _session.Planning().Routing.Catalog.Relations.Values.Any(static relation => relation.GlobalIndexes.Count > 0);

    private async ValueTask<bool> RunOneByOneAsync(EveryShardPlan plan, PlannedStatement planned, ReadOnlyMemory<byte> sql, int offset)
    {
        if (await new ShardByShardRunner(_session).RunAsync(planned, plan.Index, plan.NewIndex, sql, offset) is not { } tag)
            return false;
        var follows = (planned.Traits & Traits.ChangesCatalog) != 0;
        if (follows && !await ImplicitBlock.RunAsync(_session, _transactions, async () =>
            {
                await UniqueKeeper.FollowAsync(_session);
                return true;
            }))
        {
            return false;
        }
        _session.Client.Output.Write(tag);
        return true;
    }

    private static ServerError OnShard(ServerError error, ServerConnection server, int offset) => error with
    {
        Where = $"{error.Where}\nshard \"{server.Pool.ShardName}\"".Trim(),
        Position = error.Position is null ? null : error.Position + offset,
    };

    /// <summary>Keeps the CommandComplete back.</summary>
    private sealed class TagHold : IReplyTap
    {
        public byte[] Frame { get; private set; } = [];

        public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
        {
            if (type != BackendMessageType.CommandComplete || !forward)
                return forward;
            Frame = frame.ToArray();
            return false;
        }
    }
}
