using System.Globalization;
using System.Text;
using ShardProxy.Execution;
using ShardProxy.Merging;
using ShardProxy.Pooling;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Spreading;

/// <summary>
/// One statement whose rows the client takes in several Executes: each shard has a portal, and gives a portion at a time.
/// Lives in a block, and ends with it.
/// </summary>
public sealed class SpreadCursor : ISpreadRun
{
    // Rows of a portion: as many as the client asks for, within reason. A row is kept for each shard at least.
    private const int LeastPortion = 50;
    private const int GreatestPortion = 1000;

    private readonly Session _session;
    private readonly List<ShardCursor> _shards;

    private SpreadCursor(Session session, List<ShardCursor> shards)
    {
        _session = session;
        _shards = shards;
    }

    /// <summary>Where its rows go.</summary>
    public Protocol.Framing.ByteBuffer Output => _session.Client.Output;

    public IReadOnlyList<IRowSource> Rows => _shards;

    public byte[] Description => _shards[0].Description;

    /// <param name="shards">In ascending order, so that two statements which wait for connections cannot wait for each other.</param>
    /// <param name="number">Tells the session's portals apart.</param>
    /// <param name="maxRows">What the client asks for first.</param>
    /// <param name="locks">Only rows that are given are to stay locked (<see cref="LockingShardCursor"/>).</param>
    public static async ValueTask<SpreadCursor> StartAsync(Session session, IReadOnlyList<int> shards, ShardStatement statement, long number, int maxRows, bool locks)
    {
        var portal = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"shardproxy {number}"));
        var portion = locks ? 1 : Math.Clamp(maxRows, LeastPortion, GreatestPortion);
        await session.MoveGate.EnterAsync(stays: false);
        var servers = new List<ServerConnection>(shards.Count);
        foreach (var shard in shards)
            servers.Add(await session.Servers.GetAsync(shard));
        SpreadRun.CheckMoves(session);
        var cursors = servers.ConvertAll(server => locks ? new LockingShardCursor(session, server, portal) : new ShardCursor(session, server, portal, portion));
        session.StartQueryClock();
        foreach (var shard in cursors)
        {
            (shard as LockingShardCursor)?.Begin();
            (statement with { Portal = portal, MaxRows = portion }).Send(session, shard.Server);
        }
        var cursor = new SpreadCursor(session, cursors);
        await cursor.DrainAsync(cursors);
        session.MoveGate.Leave();
        return cursor;
    }

    /// <summary>A cursor on each shard, with its snapshot, and no row yet.</summary>
    /// <param name="query">For the shards.</param>
    public static async ValueTask<SpreadCursor> DeclareAsync(Session session, IReadOnlyList<int> shards, ReadOnlyMemory<byte> query, long number)
    {
        var name = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"shardproxy cursor {number}"));
        await session.MoveGate.EnterAsync(stays: false);
        var cursors = new List<ShardCursor>(shards.Count);
        foreach (var shard in shards)
            cursors.Add(new DeclaredShardCursor(session, await session.Servers.GetAsync(shard), name));
        SpreadRun.CheckMoves(session);
        session.StartQueryClock();
        foreach (DeclaredShardCursor shard in cursors)
            shard.Declare(query.Span);
        var cursor = new SpreadCursor(session, cursors);
        await cursor.DrainAsync(cursors);
        session.StopClock();
        session.MoveGate.Leave();
        return cursor;
    }

    /// <summary>How many rows the client wants next, and, for a declared cursor, in which formats.</summary>
    public void Expect(long rows, short[] formats)
    {
        foreach (var shard in _shards)
        {
            shard.Portion = (int)Math.Clamp(rows, LeastPortion, GreatestPortion);
            if (shard is DeclaredShardCursor declared)
                declared.Formats = formats;
        }
    }

    public async ValueTask<bool> PumpAsync(IRowPump pump, long maxRows)
    {
        var output = _session.Client.Output;
        while (true)
        {
            var state = SpreadRun.Pump(_session, pump, maxRows);
            switch (state)
            {
                case MergeState.Done or MergeState.Suspended:
                    if (state == MergeState.Suspended)
                        await SettleAsync();
                    _session.StopClock();
                    return state == MergeState.Done;
                case MergeState.WantRows:
                    var empty = _shards.FindAll(static shard => shard.IsEmpty);
                    foreach (var shard in empty)
                        shard.Ask();
                    await DrainAsync(empty);
                    break;
                default:
                    _session.Client.TryFlush();
                    if (output.Count < ReplyRelay.ClientHighWater)
                        break;
                    await _session.WaitAsync();
                    _session.CancelIfLate();
                    break;
            }
        }
    }

    // What the client sends next must not stand within savepoints of the proxy's.
    private async ValueTask SettleAsync()
    {
        var open = _shards.FindAll(static shard => shard is LockingShardCursor { HasSavepoint: true });
        foreach (LockingShardCursor shard in open)
            shard.Settle();
        await DrainAsync(open);
    }

    public async ValueTask FinishAsync()
    {
        // A block that has failed or ended has no portals any more.
        var open = _shards.FindAll(shard => shard.Server.State == ServerState.Leased && shard.Server.TransactionStatus == (byte)'T' && ReferenceEquals(_session.Servers.Held(shard.Server.Shard), shard.Server));
        foreach (var shard in open)
            shard.Close();
        await DrainAsync(open);
        _session.StopClock();
    }

    /// <summary>Nothing is owed between portions, and what a failed portion left was read to its end.</summary>
    public ValueTask AbortAsync(Exception? cause = null)
    {
        _session.StopClock();
        return ValueTask.CompletedTask;
    }

    // All are asked before one is waited for, and all are read to the end even if one has failed.
    private async ValueTask DrainAsync(List<ShardCursor> shards)
    {
        Exception? failure = null;
        foreach (var shard in shards)
        {
            try
            {
                _session.Flush(shard.Server);
            }
            catch (ServerLostException lost)
            {
                failure ??= lost;
            }
        }
        foreach (var shard in shards)
        {
            if (failure is ServerLostException known && ReferenceEquals(known.Server, shard.Server))
                continue;
            try
            {
                await _session.DrainAsync(shard.Server, shard);
                if (_session.Relay.SwallowedError is { } error)
                    failure ??= new SqlErrorException(error);
                Aftermath.FollowServer(_session, shard.Server);
            }
            catch (ServerLostException lost)
            {
                if (failure is not null)
                    _session.Servers.Lose(lost.Server);
                failure ??= lost;
            }
        }
        if (failure is not null)
            throw failure;
    }
}
