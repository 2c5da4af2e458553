using ShardProxy.Execution;
using ShardProxy.Execution.Gathering;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>Moves the rows of one COPY after the other from all other shards to the one where they are brought together.</summary>
/// <param name="checkSize">Throws when there are too many bytes.</param>
internal sealed class GatherMover(Session session, Action checkSize)
{
    // Bytes written for the target and not taken by it, before the other shards are no longer read from.
    private const int HighWater = 512 * 1024;

    // How often a busy loop lets others have the thread.
    private const int RoundsInARow = 16;

    // GatherSource.HeaderLength bytes: the signature, no flags, no extension.
    private static readonly byte[] BinaryHeader = [.. "PGCOPY\n"u8, 0xFF, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly List<GatherSource> _sources = [];
    private ServerConnection _target = null!;
    private GatherSource? _halfway;

    public IReadOnlyList<GatherSource> Sources => _sources;

    /// <summary>Of rows that the other shards have sent.</summary>
    public long Bytes => _sources.Sum(static source => source.Bytes);

    public void SetTarget(ServerConnection server) => _target = server;

    public void AddSource(ServerConnection server) => _sources.Add(new GatherSource(server));

    public void ClearSources() => _sources.Clear();

    /// <summary>The sources have been asked for the rows; the target has not.</summary>
    /// <param name="isAsked">Who of the sources was.</param>
    public async ValueTask CopyAsync(string copyIn, bool isBinary, Predicate<GatherSource>? isAsked = null)
    {
        _target.SendQuery(copyIn, Disposition.Swallow);
        session.StartRelay(_target);
        if (await session.PumpAsync(_target) != RelayStatus.CopyIn)
            throw new SqlErrorException(session.Relay.SwallowedError ?? new ServerError(SqlStates.ProtocolViolation, "the shard did not start the COPY"));
        _target.IsTakingCopyData = true;
        if (isBinary)
            CopyDataMessage.Write(_target.Channel.Output, BinaryHeader);
        foreach (var source in _sources)
        {
            if (isAsked?.Invoke(source) != false)
                source.Next(isBinary);
        }
        await MoveAsync();
        if (isBinary)
            CopyDataMessage.Write(_target.Channel.Output, [0xFF, 0xFF]);
        CopyDoneMessage.Write(_target.Channel.Output);
        EndData();
        await session.DrainAsync(_target);
        if (session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
    }

    /// <summary>The first error stops all: the others are cancelled and read to their end, so that every connection is as a failed block leaves it.</summary>
    public async ValueTask AbandonAsync()
    {
        if (_target.State == ServerState.Leased && _target.IsTakingCopyData)
        {
            CopyFailMessage.Write(_target.Channel.Output, "the statement failed elsewhere"u8);
            EndData();
        }
        foreach (var source in _sources)
        {
            if (source.Server.State == ServerState.Leased && !source.Server.Ledger.IsEmpty)
                _ = source.Server.Pool.Opener.CancelAsync(source.Server);
        }
        foreach (var source in _sources)
        {
            while (source.Server.State == ServerState.Leased && !TryDiscard(source))
            {
                source.Server.Channel.Connection.Interest = Readiness.Readable | (source.Server.Channel.Output.IsEmpty ? Readiness.None : Readiness.Writable);
                await session.WaitAsync();
            }
        }
        if (_target.State != ServerState.Leased)
            return;
        try
        {
            await session.DrainAsync(_target);
        }
        catch (ServerLostException)
        {
            session.Servers.Lose(_target);
        }
    }

    /// <summary>The client has gone: nobody could follow a shard that is in the midst of a row.</summary>
    public void LoseTorn()
    {
        foreach (var source in _sources)
        {
            if (source.IsInsideRow)
                session.Servers.Lose(source.Server);
        }
    }

    private async ValueTask MoveAsync()
    {
        for (var round = 1; ; round++)
        {
            var moved = false;
            var isDone = true;
            foreach (var source in _sources)
            {
                // Rows come one after the other, so one that has not arrived as a whole holds up the other shards'.
                if (_halfway is null || ReferenceEquals(_halfway, source))
                {
                    moved |= Pump(source);
                    _halfway = source.IsInsideRow ? source : null;
                }
                isDone &= source.IsDone;
            }
            checkSize();
            var wasFull = _target.Channel.Output.Count >= HighWater;
            session.Flush(_target);
            // Room that came only now: the sources have not been asked for what they have, and will not say it again.
            moved |= wasFull && _target.Channel.Output.Count < HighWater;
            ThrowIfTargetFailed();
            if (isDone)
                return;
            if (moved && _target.Channel.Output.Count < HighWater && round % RoundsInARow != 0)
                continue;
            if (moved)
                session.Signal.Set();
            Watch();
            await session.WaitAsync();
            session.CancelIfLate();
        }
    }

    private bool Pump(GatherSource source)
    {
        try
        {
            var moved = source.Pump(_target.Channel.Output, HighWater);
            return source.Error is null ? moved : throw Failure(source);
        }
        catch (Exception exception) when (exception is PeerClosedException or MalformedFrameException)
        {
            throw new ServerLostException(source.Server, source.Error, exception);
        }
    }

    private static SqlErrorException Failure(GatherSource source) =>
        new(source.Error! with { Position = null, Where = $"{source.Error!.Where}\nshard \"{source.Server.Pool.ShardName}\"".Trim() });

    private void Watch()
    {
        var isFull = _target.Channel.Output.Count >= HighWater;
        _target.Channel.Connection.Interest = _target.Channel.Output.IsEmpty ? Readiness.Readable : Readiness.Readable | Readiness.Writable;
        foreach (var source in _sources)
        {
            source.Server.Channel.Connection.Interest = (isFull ? Readiness.None : Readiness.Readable)
                | (source.Server.Channel.Output.IsEmpty ? Readiness.None : Readiness.Writable);
        }
    }

    // Whatever the target says before the end of the data says that it has failed.
    private void ThrowIfTargetFailed()
    {
        if ((_target.Channel.Connection.Ready & Readiness.Readable) == 0)
            return;
        session.StartRelay(_target);
        try
        {
            session.Relay.Pump();
        }
        catch (IOException exception)
        {
            throw session.Translate(exception, _target);
        }
        if (session.Relay.SwallowedError is not { } error)
            return;
        _target.IsTakingCopyData = false;
        throw new SqlErrorException(error);
    }

    private void EndData()
    {
        _target.IsTakingCopyData = false;
        _target.Ledger.OnCopyInputSent();
    }

    private bool TryDiscard(GatherSource source)
    {
        try
        {
            return source.Discard();
        }
        catch (Exception exception) when (exception is PeerClosedException or MalformedFrameException)
        {
            // There is an error to tell already.
            session.Servers.Lose(source.Server);
            return true;
        }
    }
}
