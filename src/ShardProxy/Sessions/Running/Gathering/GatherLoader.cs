using System.Globalization;
using ShardProxy.Execution;
using ShardProxy.Execution.Gathering;
using ShardProxy.Planning.Gathering;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>
/// Brings the rows of a gather together on the home shard, inside the open block, so that they are those that the block
/// sees. All shards read at once; their rows go into one COPY after the other, one for each table.
/// </summary>
/// <remarks>
/// <code>
///   home:    describe the original · CREATE TEMPORARY TABLE … AS own rows · COPY … FROM STDIN per table · ANALYZE
///   others:  COPY (…) TO STDOUT per table ─────────────────────────────────────▲
/// </code>
/// </remarks>
internal sealed class GatherLoader
{
    // Bytes written for the home shard and not taken by it, before the other shards are no longer read from.
    private const int HomeHighWater = 512 * 1024;

    // A table of this many bytes or more gets statistics; for a smaller one they would cost more than a plan without them.
    private const long AnalyzedFrom = 256 * 1024;

    // How often a busy loop lets others have the thread.
    private const int RoundsInARow = 16;

    // GatherSource.HeaderLength bytes: the signature, no flags, no extension.
    private static readonly byte[] BinaryHeader = [.. "PGCOPY\n"u8, 0xFF, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly Session _session;
    private readonly GatherRun _run;
    private readonly GatherTap _tap = new();
    private readonly List<GatherSource> _sources = [];
    private readonly bool[] _binary;
    private readonly string? _encoding;
    private ServerConnection _home = null!;
    private bool _isWrapped;
    private long _homeBytes;
    private GatherSource? _halfway;

    public GatherLoader(Session session, GatherRun run)
    {
        _session = session;
        _run = run;
        // Text that the client's encoding could not hold must not pass through it.
        _encoding = session.ConvertsText ? session.StartupParameters["server_encoding"] : null;
        _binary = [.. run.Plan.Reads.Select(IsBinary)];
    }

    /// <param name="original">The statement as the client wrote it.</param>
    /// <param name="types">The declared types of its parameters.</param>
    public async ValueTask LoadAsync(ReadOnlyMemory<byte> original, uint[] types)
    {
        await _session.MoveGate.EnterAsync(stays: false);
        _home = await _session.Servers.GetAsync(Database.HomeShard);
        _isWrapped = _session.Transaction.IsWrapped;
        if (_isWrapped && _session.Transaction.HasSavepoints)
            throw ReadOnlyRefusal("the block has savepoints");
        for (var shard = 1; shard < _session.Database.ShardCount && _run.Plan.NeedsRows; shard++)
            _sources.Add(new GatherSource(await _session.Servers.GetAsync(shard)));
        _session.StartQueryClock();
        try
        {
            Send(original, types);
            await PrepareHomeAsync();
            for (var read = 0; read < _run.Plan.Reads.Length && _sources.Count > 0; read++)
                await CopyAsync(read);
            await AnalyzeAsync();
            await EnterReadOnlyAsync();
            _session.MoveGate.Leave();
        }
        catch (Exception exception) when (exception is SqlErrorException or ServerLostException)
        {
            if (exception is ServerLostException lost)
                _session.Servers.Lose(lost.Server);
            await AbandonAsync();
            throw;
        }
        catch (SessionEndedException)
        {
            foreach (var source in _sources)
            {
                if (source.IsInsideRow)
                    _session.Servers.Lose(source.Server);
            }
            throw;
        }
        finally
        {
            _session.StopClock();
        }
    }

    private void Send(ReadOnlyMemory<byte> original, uint[] types)
    {
        if (_run.Plan.Extends)
            _home.SendQuery(GatherScript.Lock(_run.Plan), Disposition.Swallow);
        ParseMessage.Write(_home.Channel.Output, [], original.Span, types);
        _home.UnnamedOwner = null;
        _home.PendingParses.Enqueue(null);
        _home.Ledger.Expect(ReplyKind.Parse, Disposition.Swallow);
        DescribeMessage.Write(_home.Channel.Output, PreparedKind.Statement, []);
        _home.Ledger.Expect(ReplyKind.DescribeStatement, Disposition.Swallow);
        _home.SendSync(Disposition.Swallow);
        _home.SendQuery((_isWrapped ? $"{ReadOnlyBlock.Leave};" : "") + GatherScript.Create(_run) + GatherScript.Checks(_run), Disposition.Swallow);
        _session.Flush(_home);
        foreach (var source in _sources)
        {
            for (var read = 0; read < _run.Plan.Reads.Length; read++)
                source.Server.SendQuery(GatherScript.CopyOut(_run.Plan.Reads[read], _binary[read], _encoding), Disposition.Swallow);
            _session.Flush(source.Server);
        }
    }

    private async ValueTask PrepareHomeAsync()
    {
        await _session.DrainAsync(_home, _tap);
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(Explain(error));
        _run.Description = _tap.Description;
        GatherRights.Check(_run.Plan, _tap.Numbers);
        _homeBytes = _tap.Numbers.Take(_run.Plan.Reads.Length).Sum();
        CheckSize();
    }

    // Whoever may read a view need not be allowed to read its tables, but here the tables are read in the user's name.
    private ServerError Explain(ServerError error) => error.SqlState switch
    {
        SqlStates.InsufficientPrivilege when _run.Plan.Extends => error with { Hint = "A materialized view over sharded tables is filled by the tables' owner." },
        SqlStates.InsufficientPrivilege when !_run.Plan.Views.IsEmpty =>
            new ServerError(SqlStates.FeatureNotSupported, $"the view \"{_run.Plan.Views[0].Name}\" over several shards is read in the user's own name: {error.Message}")
            {
                Hint = "Grant SELECT on the view's tables to the user.",
            },
        SqlStates.ReadOnlySqlTransaction => ReadOnlyRefusal("the transaction was made so behind its first statement, with DEFERRABLE, or by the server's default").Error,
        _ => error,
    };

    private static SqlErrorException ReadOnlyRefusal(string reason) => new(
        SqlStates.FeatureNotSupported,
        $"the statement brings rows of several shards together in temporary tables, which this read-only transaction does not allow: {reason}",
        "Run it outside of the block, or begin the block without READ ONLY.");

    private async ValueTask EnterReadOnlyAsync()
    {
        if (!_isWrapped)
            return;
        _home.SendQuery(ReadOnlyBlock.Enter, Disposition.Swallow);
        await _session.DrainAsync(_home);
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
    }

    private async ValueTask CopyAsync(int read)
    {
        _home.SendQuery(GatherScript.CopyIn(_run, read, _binary[read], _encoding), Disposition.Swallow);
        _session.StartRelay(_home);
        if (await _session.PumpAsync(_home) != RelayStatus.CopyIn)
            throw new SqlErrorException(_session.Relay.SwallowedError ?? new ServerError(SqlStates.ProtocolViolation, "the home shard did not start the COPY"));
        _home.IsTakingCopyData = true;
        if (_binary[read])
            CopyDataMessage.Write(_home.Channel.Output, BinaryHeader);
        var before = _sources.ConvertAll(static source => source.Bytes);
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        foreach (var source in _sources)
            source.Next(_binary[read]);
        await MoveAsync();
        var took = System.Diagnostics.Stopwatch.GetElapsedTime(start);
        for (var index = 0; index < before.Count; index++)
            _run.Measures.Add(new GatherMeasure(read, _sources[index].Server.Shard, _sources[index].Bytes - before[index], took));
        if (_binary[read])
            CopyDataMessage.Write(_home.Channel.Output, [0xFF, 0xFF]);
        CopyDoneMessage.Write(_home.Channel.Output);
        EndData();
        await _session.DrainAsync(_home);
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
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
            CheckSize();
            var wasFull = _home.Channel.Output.Count >= HomeHighWater;
            _session.Flush(_home);
            // Room that came only now: the sources have not been asked for what they have, and will not say it again.
            moved |= wasFull && _home.Channel.Output.Count < HomeHighWater;
            ThrowIfHomeFailed();
            if (isDone)
                return;
            if (moved && _home.Channel.Output.Count < HomeHighWater && round % RoundsInARow != 0)
                continue;
            if (moved)
                _session.Signal.Set();
            Watch();
            await _session.WaitAsync();
            _session.CancelIfLate();
        }
    }

    private bool Pump(GatherSource source)
    {
        try
        {
            var moved = source.Pump(_home.Channel.Output, HomeHighWater);
            return source.Error is null
                ? moved
                : throw new SqlErrorException(source.Error with { Position = null, Where = $"{source.Error.Where}\nshard \"{source.Server.Pool.ShardName}\"".Trim() });
        }
        catch (Exception exception) when (exception is PeerClosedException or MalformedFrameException)
        {
            throw new ServerLostException(source.Server, source.Error, exception);
        }
    }

    private void Watch()
    {
        var isFull = _home.Channel.Output.Count >= HomeHighWater;
        _home.Channel.Connection.Interest = _home.Channel.Output.IsEmpty ? Readiness.Readable : Readiness.Readable | Readiness.Writable;
        foreach (var source in _sources)
        {
            source.Server.Channel.Connection.Interest = (isFull ? Readiness.None : Readiness.Readable)
                | (source.Server.Channel.Output.IsEmpty ? Readiness.None : Readiness.Writable);
        }
    }

    // Whatever the home shard says before the end of the data says that it has failed.
    private void ThrowIfHomeFailed()
    {
        if ((_home.Channel.Connection.Ready & Readiness.Readable) == 0)
            return;
        _session.StartRelay(_home);
        try
        {
            _session.Relay.Pump();
        }
        catch (IOException exception)
        {
            throw _session.Translate(exception, _home);
        }
        if (_session.Relay.SwallowedError is not { } error)
            return;
        _home.IsTakingCopyData = false;
        throw new SqlErrorException(error);
    }

    private async ValueTask AnalyzeAsync()
    {
        var reads = Enumerable.Range(0, _run.Plan.Reads.Length).Where(_ => _homeBytes + GatheredBytes >= AnalyzedFrom);
        if (!_run.Plan.NeedsRows || !reads.Any())
            return;
        _home.SendQuery(GatherScript.Analyze(_run, reads), Disposition.Swallow);
        await _session.DrainAsync(_home);
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
    }

    private long GatheredBytes => _sources.Sum(static source => source.Bytes);

    private void CheckSize()
    {
        var limit = _session.Database.Config.Gather.MaxBytes;
        var bytes = _homeBytes + GatheredBytes;
        if (bytes <= limit)
            return;
        var tables = string.Join(", ", _run.Plan.Reads.Select(static read => read.Table.Name).Distinct());
        throw new SqlErrorException(
            SqlStates.ProgramLimitExceeded,
            string.Create(CultureInfo.InvariantCulture, $"the statement needs more than {limit} bytes of rows brought together from {tables}: {bytes} bytes so far"),
            "Add conditions on the tables, confine the statement to one shard by the key, or raise gather.max_bytes.");
    }

    private void EndData()
    {
        _home.IsTakingCopyData = false;
        _home.Ledger.OnCopyInputSent();
    }

    /// <summary>The first error stops all: the others are cancelled and read to their end, so that every connection is as a failed block leaves it.</summary>
    private async ValueTask AbandonAsync()
    {
        if (_home.State == ServerState.Leased && _home.IsTakingCopyData)
        {
            CopyFailMessage.Write(_home.Channel.Output, "the statement failed elsewhere"u8);
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
                await _session.WaitAsync();
            }
        }
        if (_home.State != ServerState.Leased)
            return;
        try
        {
            await _session.DrainAsync(_home);
        }
        catch (ServerLostException)
        {
            _session.Servers.Lose(_home);
        }
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
            _session.Servers.Lose(source.Server);
            return true;
        }
    }

    // Some types have no binary form, and binary values of some users' types hold object ids, which are other ones on the home shard.
    private bool IsBinary(GatherRead read)
    {
        if (_encoding is not null)
            return false;
        var relation = _session.Planning().Routing.Catalog.FindRelation(read.Table);
        if (read.Columns.Any(name => relation?.FindColumn(name) is not { HasBinaryForm: true }))
            return false;
        for (var shard = 1; shard < _session.Database.ShardCount; shard++)
        {
            var objectIds = _session.ObjectIds(shard);
            foreach (var name in read.Columns)
            {
                if (relation!.FindColumn(name) is not { } column || (!objectIds.IsIdentity && objectIds.HoldsObjectIds(column.TypeOid)))
                    return false;
            }
        }
        return true;
    }
}
