using ShardProxy.Execution;
using ShardProxy.Merging;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Uniqueness;
using ShardProxy.Transport;

namespace ShardProxy.Sessions.Spreading;

/// <summary>
/// One statement at work on several shards: sent to all, its rows pulled as the client takes them. Ends in
/// <see cref="FinishAsync"/> or <see cref="AbortAsync"/>; after either the connections owe nothing.
/// </summary>
public sealed class SpreadRun : ISpreadRun
{
    private readonly Session _session;
    private readonly List<ShardRows> _shards;

    private SpreadRun(Session session, List<ShardRows> shards)
    {
        _session = session;
        _shards = shards;
    }

    public IReadOnlyList<IRowSource> Rows => _shards;

    public IReadOnlyList<ShardRows> Shards => _shards;

    /// <summary>As <see cref="System.Diagnostics.Stopwatch.GetTimestamp"/> gives it.</summary>
    public long StartedAt { get; } = System.Diagnostics.Stopwatch.GetTimestamp();

    /// <summary>A shard's description of its rows, the first there is; empty when they give none.</summary>
    public byte[] Description => _shards.Find(static shard => shard.Description.Length > 0)?.Description ?? [];

    /// <summary>Leases a connection of each shard and sends the statement. Returns once every shard has described its rows.</summary>
    /// <param name="shards">In ascending order, so that two statements which wait for connections cannot wait for each other.</param>
    /// <param name="entries">Who takes what the shards report of entries of global indexes; null: they report none.</param>
    internal static async ValueTask<SpreadRun> StartAsync(Session session, IReadOnlyList<int> shards, Func<int, ShardStatement> statementOf, EntryLog? entries = null)
    {
        await session.MoveGate.EnterAsync(stays: false);
        var servers = new List<ServerConnection>(shards.Count);
        foreach (var shard in shards)
            servers.Add(await session.Servers.GetAsync(shard));
        CheckMoves(session);
        var rows = new List<ShardRows>(shards.Count);
        session.StartQueryClock();
        foreach (var server in servers)
        {
            statementOf(server.Shard).Send(session, server);
            rows.Add(new ShardRows(session, server, ShardStatement.Replies) { Entries = entries });
        }
        var run = new SpreadRun(session, rows);
        try
        {
            foreach (var server in servers)
                session.Flush(server);
            await run.DescribeAsync();
        }
        catch (Exception exception) when (exception is SqlErrorException or ServerLostException)
        {
            await run.AbortAsync(exception);
            throw;
        }
        // A described portal was bound, and Bind has taken the snapshot.
        session.MoveGate.Leave();
        return run;
    }

    /// <summary>The shards were chosen before their connections were there: throws if a key has moved meanwhile.</summary>
    internal static void CheckMoves(Session session)
    {
        if (session.ChosenUnder is { } number && session.Database.Routing.Directory.MoveNumber != number)
        {
            throw new SqlErrorException(
                SqlStates.SerializationFailure, "a key was moved to another shard while the statement waited for its connections", "Try again.");
        }
    }

    /// <summary>Rows that the statements say they have touched, on all shards together; known at the end.</summary>
    public long AffectedCount => _shards.Sum(static shard => shard.AffectedCount);

    /// <summary>Takes all rows, and what else the shards say; what fails ends the statement on all of them.</summary>
    /// <param name="reached">Called when every shard has a row to give or has ended, which a statement that writes only has when it is done. Null: rows are taken as they come.</param>
    /// <param name="held">As for <see cref="PumpAsync(IRowPump, long, ByteBuffer?)"/>.</param>
    internal async ValueTask RunToEndAsync(IRowPump pump, Action? reached = null, ByteBuffer? held = null)
    {
        try
        {
            if (reached is not null)
            {
                await ReachRowsAsync();
                reached();
            }
            await PumpAsync(pump, maxRows: 0, held);
        }
        catch (Exception exception) when (exception is SqlErrorException or ServerLostException)
        {
            await AbortAsync(exception);
            throw;
        }
        await FinishAsync();
    }

    public ValueTask<bool> PumpAsync(IRowPump pump, long maxRows) => PumpAsync(pump, maxRows, held: null);

    /// <param name="held">Takes the rows in the client's stead; those that go beyond <see cref="ReplyRelay.ClientHighWater"/> bytes go to the client, behind what it held. Null: the client takes all.</param>
    internal async ValueTask<bool> PumpAsync(IRowPump pump, long maxRows, ByteBuffer? held)
    {
        var output = _session.Client.Output;
        while (true)
        {
            var state = Pump(_session, pump, maxRows, held ?? output);
            if (state is MergeState.Done or MergeState.Suspended)
                return state == MergeState.Done;
            if (held is not null && state == MergeState.WantRoom)
            {
                output.Write(held.Unread);
                held.Consume(held.Count);
                held = null;
            }
            _session.Client.TryFlush();
            if (state == MergeState.WantRoom && output.Count < ReplyRelay.ClientHighWater)
                continue;
            if (state == MergeState.WantRows)
                LookForErrors();
            Watch(state == MergeState.WantRoom ? Readiness.None : Readiness.Readable);
            await _session.WaitAsync();
            _session.CancelIfLate();
        }
    }

    /// <summary>Takes what is left of the shards' replies. Rows that nobody wants any more are thrown away.</summary>
    public async ValueTask FinishAsync()
    {
        try
        {
            foreach (var shard in _shards)
            {
                shard.Release();
                await _session.DrainAsync(shard.Server);
                if (_session.Relay.SwallowedError is { } error)
                    throw new SqlErrorException(error);
                Aftermath.FollowServer(_session, shard.Server);
            }
            _session.StopClock();
        }
        catch (Exception exception) when (exception is SqlErrorException or ServerLostException)
        {
            await AbortAsync(exception);
            throw;
        }
    }

    /// <summary>Cancels what still runs and takes its replies.</summary>
    public async ValueTask AbortAsync(Exception? cause = null)
    {
        _session.StopClock();
        foreach (var shard in _shards)
        {
            if (!IsLost(shard, cause) && !shard.Server.Ledger.IsEmpty && !shard.HasEnded)
                _ = shard.Server.Pool.Opener.CancelAsync(shard.Server);
        }
        foreach (var shard in _shards)
        {
            if (IsLost(shard, cause))
                continue;
            try
            {
                shard.Release();
                await _session.DrainAsync(shard.Server);
                // A cancel request that comes late must not hit what runs here next.
                while (shard.Server.HasCancelInFlight)
                    await _session.WaitAsync();
                Aftermath.FollowServer(_session, shard.Server);
            }
            catch (ServerLostException lost)
            {
                _session.Servers.Lose(lost.Server);
            }
        }
    }

    /// <summary>One turn of a pump; what it finds wrong becomes the statement's error.</summary>
    internal static MergeState Pump(Session session, IRowPump pump, long maxRows, ByteBuffer? output = null)
    {
        try
        {
            return pump.Pump(output ?? session.Client.Output, ReplyRelay.ClientHighWater, maxRows);
        }
        catch (MergeException exception)
        {
            throw new SqlErrorException(exception.SqlState, exception.Message, exception.Hint);
        }
        catch (Exception exception) when (exception is FormatException or OverflowException or ArgumentException or IndexOutOfRangeException)
        {
            // The bytes are not what a value of the column's type looks like.
            throw new SqlErrorException(SqlStates.ProtocolViolation, "a shard has sent a row that cannot be read", null);
        }
    }

    /// <summary>
    /// Returns once every shard has a row to give or has ended. A statement that writes is done by then: PostgreSQL runs it to
    /// its end before it gives the first row of RETURNING.
    /// </summary>
    public ValueTask ReachRowsAsync() => ReachAsync(static shard => shard.TryReachRows());

    private ValueTask DescribeAsync() => ReachAsync(static shard => shard.TryDescribe());

    private async ValueTask ReachAsync(Func<ShardRows, bool> tryReach)
    {
        while (true)
        {
            var reached = true;
            foreach (var shard in _shards)
                reached &= tryReach(shard);
            // A shard that has failed is not waited past: the pump finds the error, behind the description.
            if (reached || _shards.Exists(static shard => shard.FailsNext()))
                return;
            Watch(Readiness.Readable);
            await _session.WaitAsync();
            _session.CancelIfLate();
        }
    }

    // A shard that waits for its turn may have failed meanwhile.
    private void LookForErrors()
    {
        foreach (var shard in _shards)
        {
            if (shard.FailsNext())
                shard.TryNext();
        }
    }

    private void Watch(Readiness interest)
    {
        foreach (var shard in _shards)
        {
            var channel = shard.Server.Channel;
            channel.Connection.Interest = channel.Output.IsEmpty ? interest : interest | Readiness.Writable;
        }
    }

    private static bool IsLost(ShardRows shard, Exception? cause) =>
        cause is ServerLostException lost && ReferenceEquals(lost.Server, shard.Server);
}
