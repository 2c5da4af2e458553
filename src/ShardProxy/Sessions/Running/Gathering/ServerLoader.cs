using System.Text;
using ShardProxy.Execution.Gathering;
using ShardProxy.Planning.Gathering;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Extended;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>
/// Brings the rows of a gather together on the gather server, which has none of the tables: all are read, by the user's own connections
/// to the shards, as the block at hand sees them. The server's transaction is the statement's own.
/// </summary>
/// <remarks>
/// <code>
///   home:    describe the original · are its names PostgreSQL's own? · settings · columns of the tables
///   server:  BEGIN · settings · CREATE TEMPORARY TABLE … · describe the statement over them: the same columns?
///            up to here a "no" sends the statement home, and nothing has been read
///   shards:  COPY (…) TO STDOUT per table ──► server: COPY … FROM STDIN, in waves as on a shard
///   server:  ANALYZE
/// </code>
/// </remarks>
internal sealed class ServerLoader
{
    private readonly Session _session;
    private readonly GatherRun _run;
    private readonly GatherMover _mover;
    private readonly long[] _bytes;
    private readonly bool[] _binary;
    private readonly GatherTap _tap = new();
    private ServerConnection _home = null!;
    private ServerConnection _target = null!;

    public ServerLoader(Session session, GatherRun run)
    {
        _session = session;
        _run = run;
        _mover = new GatherMover(session, () => GatherLimit.Check(session, run.Plan, _mover!.Bytes));
        _bytes = new long[run.Plan.Reads.Length];
        _binary = [.. run.Plan.Reads.Select(read => GatherFormats.IsBinary(session, read, encoding: null))];
    }

    private GatherPlan Plan => _run.Plan;

    /// <param name="original">The statement as the client wrote it.</param>
    /// <param name="types">The declared types of its parameters.</param>
    /// <param name="bind">The body of a Bind message; empty for a statement without parameters.</param>
    /// <returns>False: the statement is to run at home; nothing has been read, and the server's connection was given back.</returns>
    public async ValueTask<bool> TryLoadAsync(ReadOnlyMemory<byte> original, uint[] types, ReadOnlyMemory<byte> bind)
    {
        await _session.MoveGate.EnterAsync(stays: false);
        _home = await _session.Servers.GetAsync(Database.HomeShard);
        for (var shard = 0; shard < _session.Database.ShardCount; shard++)
            _mover.AddSource(await _session.Servers.GetAsync(shard));
        // The last: a session that waits for a shard's connection holds none of the server's.
        if (!await TryLeaseAsync())
        {
            _session.MoveGate.Leave();
            return false;
        }
        _mover.SetTarget(_target);
        _session.StartQueryClock();
        try
        {
            var isPrepared = await TryPrepareAsync(original, types, bind);
            if (isPrepared && Plan.NeedsRows)
                await ReadAllAsync(bind);
            _session.MoveGate.Leave();
            if (!isPrepared)
                _session.Servers.ReleaseBeside();
            return isPrepared;
        }
        catch (Exception exception) when (exception is SqlErrorException or ServerLostException)
        {
            if (exception is ServerLostException lost)
                _session.Servers.Lose(lost.Server);
            await _mover.AbandonAsync();
            throw;
        }
        catch (SessionEndedException)
        {
            _mover.LoseTorn();
            throw;
        }
        finally
        {
            _session.StopClock();
        }
    }

    private async ValueTask<bool> TryLeaseAsync()
    {
        var server = _session.Database.GatherServer;
        try
        {
            _target = await _session.Servers.GetAsync(Database.Beside);
            return true;
        }
        catch (SqlErrorException exception) when (exception.Error.SqlState != SqlStates.QueryCanceled)
        {
            // That all connections are in use, or that another server has been configured, says nothing against this one.
            if (exception.Error.SqlState is not (SqlStates.TooManyConnections or SqlStates.AdminShutdown))
                server?.NoteFailure(exception.Error);
            return false;
        }
    }

    private async ValueTask<bool> TryPrepareAsync(ReadOnlyMemory<byte> original, uint[] types, ReadOnlyMemory<byte> bind)
    {
        OriginalText.Describe(_home, original.Span, types, Plan.HasParameters ? bind.Span : default);
        _home.SendQuery(ServerScript.Questions(Plan) + (HasLinks ? GatherScript.TableSizes(Plan.Reads.Select(static read => read.Table)) : ""), Disposition.Swallow);
        await _session.DrainAsync(_home, _tap);
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
        _run.Description = _tap.Description;
        var answers = _tap.Values.Take(ServerScript.QuestionCount(Plan)).Select(static value => value is null ? null : Encoding.UTF8.GetString(value)).ToList();
        return answers[0] == "1" && !answers.Contains(null) && GatherPlace.KnowsTypes(_run.Description, _tap.Parameters)
            && await TryCreateAsync(types, answers[1]!, [.. answers.Skip(2).OfType<string>()]);
    }

    private async ValueTask<bool> TryCreateAsync(uint[] types, string settings, List<string> columns)
    {
        _target.SendQuery(ServerScript.Prepare(_run, _session, settings, columns, isOpen: _target.TransactionStatus == (byte)TransactionStatus.InTransaction), Disposition.Swallow);
        // As it will be parsed to run: what the client has not declared is to be found as at home.
        ExtendedUnit.WriteUnnamed(_target, _run.Text(), types, Disposition.Swallow);
        DescribeMessage.Write(_target.Channel.Output, PreparedKind.Statement, []);
        _target.Ledger.Expect(ReplyKind.DescribeStatement, Disposition.Swallow);
        _target.SendSync(Disposition.Swallow);
        var tap = new StatementTap();
        try
        {
            await _session.DrainAsync(_target, tap);
        }
        catch (ServerLostException lost) when (ReferenceEquals(lost.Server, _target))
        {
            _session.Servers.Lose(_target);
            _session.Database.GatherServer?.NoteFailure(lost.Farewell ?? new ServerError(SqlStates.ConnectionFailure, "it ended a connection"));
            return false;
        }
        if (_session.Relay.SwallowedError is { SqlState: SqlStates.QueryCanceled } cancelled)
            throw new SqlErrorException(cancelled);
        return _session.Relay.SwallowedError is null && tap.GivesWhat(_run.Description) && tap.Parameters.AsSpan().SequenceEqual(_tap.Parameters);
    }

    private bool HasLinks => Plan.NeedsRows && !Plan.Links.IsEmpty;

    private async ValueTask ReadAllAsync(ReadOnlyMemory<byte> bind)
    {
        GatherParameters? parameters = null;
        if (Plan.HasParameters && !bind.IsEmpty)
            _run.Bind(parameters = new GatherParameters(bind, _tap.Parameters, _session.Planning().Routing.Catalog.AreShardsAlike, IsConverted: false));
        var first = ServerScript.QuestionCount(Plan);
        var sizes = Enumerable.Range(0, HasLinks ? Plan.Reads.Length : 0).Select(read => _tap.Number(first + 1 + read)).ToArray();
        var waves = HasLinks
            ? ReadOrder.Of(
                Plan, sizes, new Dictionary<Directory.QualifiedName, long>(), _session.Database.ShardCount, _session.Database.Config.Gather.KeyListsFrom,
                isOneSnapshot: _tap.Number(first) != 0)
            : [[.. Enumerable.Range(0, Plan.Reads.Length).Select(static read => new ReadStep(read, []))]];
        var keys = new GatherKeys(_session, _run, parameters);
        foreach (var wave in waves)
        {
            await keys.RestrictAsync(_target, wave, sizes, read => _bytes[read]);
            await ReadAsync([.. wave.Select(static step => step.Read)]);
        }
        await GatherScript.AnalyzeAsync(_session, _target, _run, _bytes);
    }

    private async ValueTask ReadAsync(List<int> reads)
    {
        foreach (var source in _mover.Sources)
        {
            foreach (var read in reads)
            {
                if (_run.IsRead(read, source.Server.Shard, _session.Database.ShardCount))
                    source.Server.SendQuery(GatherScript.CopyOut(_run.Query(read), _binary[read], encoding: null), Disposition.Swallow);
            }
            _session.Flush(source.Server);
        }
        foreach (var read in reads)
            await CopyAsync(read);
    }

    private async ValueTask CopyAsync(int read)
    {
        List<(GatherSource Source, long Rows, long Bytes)> before =
            [.. _mover.Sources.Where(source => _run.IsRead(read, source.Server.Shard, _session.Database.ShardCount)).Select(static source => (source, source.Rows, source.Bytes))];
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        await _mover.CopyAsync(GatherScript.CopyIn(_run, read, _binary[read], encoding: null), _binary[read], source => before.Exists(each => ReferenceEquals(each.Source, source)));
        var took = System.Diagnostics.Stopwatch.GetElapsedTime(start);
        foreach (var (source, rows, bytes) in before)
        {
            _bytes[read] += source.Bytes - bytes;
            _run.Measures.Add(new GatherMeasure(read, source.Server.Shard, source.Rows - rows, source.Bytes - bytes, took));
        }
    }
}
