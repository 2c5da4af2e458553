using System.Globalization;
using ShardProxy.Execution;
using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// Runs what PostgreSQL forbids in a block on one shard after the other, the home shard last, because its answer is the
/// client's. There is no undo: it stops at the first failure, says where it stands, and goes on there when the statement is
/// run again. While an index is made, notices tell of each shard that is done.
/// </summary>
internal sealed class ShardByShardRunner(Session session)
{
    private readonly List<string> _done = [];
    private DefinitionRun? _progress;

    /// <returns>The CommandComplete for the client; null when there is none.</returns>
    public async ValueTask<byte[]?> RunAsync(PlannedStatement planned, ConcurrentIndex? index, NewIndex? name, ReadOnlyMemory<byte> sql, int offset)
    {
        if (session.Transaction.IsOpen)
            throw new SqlErrorException(SqlStates.ActiveSqlTransaction, $"{planned.Verb.ToUpperInvariant()} cannot run inside a transaction block");
        _done.Clear();
        using var progress = _progress = session.Database.Definitions.Begin(session, planned.Verb, index?.Index.ToString() ?? (planned.Plan as EveryShardPlan)?.Subject, isOneByOne: true);
        try
        {
            return await RunEverywhereAsync(planned, index, name, sql, offset);
        }
        catch (SqlErrorException exception)
        {
            progress.Fail(exception.Error);
            throw;
        }
    }

    private async ValueTask<byte[]?> RunEverywhereAsync(PlannedStatement planned, ConcurrentIndex? index, NewIndex? name, ReadOnlyMemory<byte> sql, int offset)
    {
        var fence = await ShardFence.TakeForSessionAsync(session);
        var count = session.Database.ShardCount;
        var home = await session.Servers.GetAsync(Database.HomeShard);
        var atHome = index is null ? null : await StateAsync(home, index);
        var skipped = new List<(ServerConnection Server, string Definition)>();
        // Nothing is left to do elsewhere when the home shard refuses the name or passes over it.
        if (await EveryShardRunner.IsTakenAsync(session, name, home))
            count = 1;
        for (var shard = 1; shard < count; shard++)
        {
            var server = await session.Servers.GetAsync(shard);
            if (index is not null && await IsDoneAsync(server, index, atHome, skipped))
            {
                _progress!.Done(shard);
                Tell(server, planned, "has it already");
                continue;
            }
            await RunAsync(server, planned, sql, offset, new ErrorHold());
            if (index is not null)
                Tell(server, planned, "is done");
        }
        if (index is { IsDrop: false } && atHome?.StartsWith("invalid", StringComparison.Ordinal) == true)
            await CommandAsync(home, index.DropStatement, planned);
        var hold = new ErrorHold { Forwards = true };
        await RunAsync(home, planned, sql, offset, hold);
        foreach (var (server, definition) in skipped)
        {
            // Made by an earlier try of another statement.
            if (await StateAsync(home, index!) is not { } state || Definition(state) == definition)
                continue;
            await CommandAsync(server, index!.DropStatement, planned);
            await RunAsync(server, planned, sql, offset, new ErrorHold());
        }
        await ShardFence.ReleaseAsync(session, fence);
        if (!await Aftermath.ApplyAsync(session, home, planned, failed: false))
            return null;
        _progress!.Succeed();
        return hold.Tag;
    }

    private async ValueTask<bool> IsDoneAsync(ServerConnection server, ConcurrentIndex index, string? atHome, List<(ServerConnection, string)> skipped)
    {
        var state = await StateAsync(server, index);
        // What home says of itself, it says to the client.
        if (index.IsDrop)
            return state is null && atHome is not null;
        if (state is null || atHome?.StartsWith("valid", StringComparison.Ordinal) == true)
            return false;
        if (state.StartsWith("made", StringComparison.Ordinal))
        {
            throw new SqlErrorException(
                SqlStates.ObjectInUse,
                $"index \"{index.Index.Name}\" is being made on shard \"{server.Pool.ShardName}\" by another session",
                "Wait for its end and run the statement again.");
        }
        if (state.StartsWith("valid", StringComparison.Ordinal))
        {
            skipped.Add((server, Definition(state)));
            return true;
        }
        await CommandAsync(server, index.DropStatement, null);
        return false;
    }

    private static string Definition(string state) => state[(state.IndexOf(' ', StringComparison.Ordinal) + 1)..];

    private async ValueTask<string?> StateAsync(ServerConnection server, ConcurrentIndex index) =>
        await ServerValues.ReadAsync(session, server, index.StateQuery) is { } values
            ? values.Count == 0 ? null : values[0]
            : throw new SqlErrorException(session.Relay.SwallowedError!);

    private async ValueTask CommandAsync(ServerConnection server, string command, PlannedStatement? planned)
    {
        server.SendQuery(command, Disposition.Swallow);
        await session.DrainAsync(server);
        if (session.Relay.SwallowedError is { } error)
            throw Explain(error, server, planned, 0);
    }

    private async ValueTask RunAsync(ServerConnection server, PlannedStatement planned, ReadOnlyMemory<byte> sql, int offset, ErrorHold hold)
    {
        _progress!.At(server.Shard);
        server.SendQuery(sql.Span, hold.Forwards ? Disposition.Forward : Disposition.Swallow);
        session.StartRelay(server);
        session.Relay.Tap = hold;
        await session.PumpAsync(server);
        session.Relay.Tap = null;
        if ((hold.Error ?? session.Relay.SwallowedError) is { } error)
            throw Explain(error, server, planned, offset);
        _done.Add(server.Pool.ShardName);
        _progress.Done(server.Shard);
    }

    private SqlErrorException Explain(ServerError error, ServerConnection server, PlannedStatement? planned, int offset)
    {
        var left = Enumerable.Range(1, session.Database.ShardCount)
            .Select(index => session.Database.ShardName(index % session.Database.ShardCount))
            .Where(name => !_done.Contains(name));
        return new SqlErrorException(error with
        {
            Where = $"{error.Where}\nshard \"{server.Pool.ShardName}\"".Trim(),
            Position = error.Position is null ? null : error.Position + offset,
            Detail = _done.Count == 0 ? error.Detail : $"{error.Detail} It has been done on: {string.Join(", ", _done)}; not on: {string.Join(", ", left)}.".Trim(),
            Hint = _done.Count == 0 || planned is null ? error.Hint : $"{error.Hint} When the reason is gone, run it again: it goes on where it stopped.".Trim(),
        });
    }

    private void Tell(ServerConnection server, PlannedStatement planned, string what)
    {
        if (!_done.Contains(server.Pool.ShardName))
            _done.Add(server.Pool.ShardName);
        session.WriteNotice("NOTICE", SqlStates.SuccessfulCompletion, string.Create(
            CultureInfo.InvariantCulture, $"{planned.Verb.ToUpperInvariant()}: shard \"{server.Pool.ShardName}\" {what} ({_done.Count} of {session.Database.ShardCount})"));
        session.Client.TryFlush();
    }

    /// <summary>Keeps errors and the CommandComplete back, so that both can be told when all is known.</summary>
    private sealed class ErrorHold : IReplyTap
    {
        public bool Forwards { get; init; }

        public ServerError? Error { get; private set; }

        public byte[] Tag { get; private set; } = [];

        public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
        {
            if (!forward)
                return false;
            if (type == BackendMessageType.CommandComplete)
                Tag = frame.ToArray();
            else if (type == BackendMessageType.ErrorResponse && ErrorResponseMessage.TryRead(frame[Frame.HeaderLength..], out var message))
                Error = ServerError.From(message.Fields);
            else
                return true;
            return false;
        }
    }
}
