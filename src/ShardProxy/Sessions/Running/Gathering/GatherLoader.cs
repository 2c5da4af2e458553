using System.Collections.Immutable;
using System.Text.Json;
using ShardProxy.Planning.Gathering;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>
/// Brings the rows of a gather together on one shard, inside the open block, so that they are those that the block sees.
/// All shards read at once; their rows go into one COPY after the other, one for each table.
/// </summary>
/// <remarks>
/// <code>
///   home:    describe the original (and bind it, if its parameters are to go to the shards)
///   once, or in waves, each with the keys that the ones before have found:
///   target:  CREATE TEMPORARY TABLE … AS own rows · COPY … FROM STDIN per table
///   others:  COPY (…) TO STDOUT per table ──────────▲
///   target:  ANALYZE
/// </code>
/// </remarks>
internal sealed class GatherLoader
{
    private readonly Session _session;
    private readonly GatherRun _run;
    private readonly GatherMover _mover;
    private readonly GatherTap _tap = new();
    private readonly string? _encoding;
    private readonly bool[] _binary;
    private readonly long[] _bytes;
    private ServerConnection _home = null!;
    private ServerConnection _target = null!;
    private GatherParameters? _parameters;
    private bool _isWrapped;
    private long _ownBytes;

    public GatherLoader(Session session, GatherRun run)
    {
        _session = session;
        _run = run;
        _mover = new GatherMover(session, CheckSize);
        // Text that the client's encoding could not hold must not pass through it.
        _encoding = session.ConvertsText ? session.StartupParameters["server_encoding"] : null;
        _binary = [.. run.Plan.Reads.Select(read => GatherFormats.IsBinary(session, read, _encoding))];
        _bytes = new long[run.Plan.Reads.Length];
    }

    private GatherPlan Plan => _run.Plan;

    /// <param name="original">The statement as the client wrote it.</param>
    /// <param name="types">The declared types of its parameters.</param>
    /// <param name="bind">The body of a Bind message; empty for a statement without parameters.</param>
    public async ValueTask LoadAsync(ReadOnlyMemory<byte> original, uint[] types, ReadOnlyMemory<byte> bind)
    {
        await _session.MoveGate.EnterAsync(stays: Plan.Locks);
        _home = await _session.Servers.GetAsync(Database.HomeShard);
        _isWrapped = _session.Transaction.IsWrapped;
        if (_isWrapped && Plan is { Locks: true, NeedsRows: true })
            throw new SqlErrorException(SqlStates.ReadOnlySqlTransaction, $"cannot execute SELECT {Plan.Reads.First(static read => read.Lock is not null).Lock} in a read-only transaction");
        if (_isWrapped && _session.Transaction.HasSavepoints)
            throw ReadOnlyRefusal("the block has savepoints");
        await ReadyAsync();
        if (Plan is { Locks: true, NeedsRows: true })
            await GatherLocks.BeforeAsync(_session, Plan);
        _session.StartQueryClock();
        try
        {
            if (_session.Transaction.ChangedCatalog && !Plan.Extends)
                await RedefineAsync();
            await ReadAllAsync(original, types, bind);
            if (Plan.NeedsRows)
                await GatherScript.AnalyzeAsync(_session, _target, _run, _bytes);
            await EnterReadOnlyAsync();
            _session.MoveGate.Leave();
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

    // The catalog from which statements are planned does not have what the open block has changed.
    private async ValueTask RedefineAsync()
    {
        if (Plan.Locks)
        {
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                "the transaction has changed definitions, so which rows the statement would lock is not known before its COMMIT",
                "Commit first, or lock the rows by their keys.");
        }
        var tap = new GatherTap();
        _home.SendQuery(GatherScript.Columns(Plan), Disposition.Swallow);
        await _session.DrainAsync(_home, tap);
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
        _run.Redefine(tap.Values.ConvertAll(static value => value is null ? (ImmutableArray<string>?)null : [.. JsonSerializer.Deserialize<string[]>(value)!]));
        // Types of users' may have come to be held by columns, and they go as text.
        Array.Clear(_binary);
    }

    private async ValueTask ReadyAsync()
    {
        _target = await _session.Servers.GetAsync(_run.Shard);
        _mover.SetTarget(_target);
        for (var shard = 0; shard < _session.Database.ShardCount && Plan.NeedsRows; shard++)
        {
            if (shard != _run.Shard)
                _mover.AddSource(await _session.Servers.GetAsync(shard));
        }
    }

    private async ValueTask ReadAllAsync(ReadOnlyMemory<byte> original, uint[] types, ReadOnlyMemory<byte> bind)
    {
        var binds = Plan.HasParameters && !bind.IsEmpty;
        var links = Plan.NeedsRows && !Plan.Links.IsEmpty;
        var tables = links ? Plan.Links.Select(static link => link.Source.Table).OfType<Directory.QualifiedName>().Distinct().ToList() : [];
        SendDescribe(original, types, binds ? bind : default);
        var questions = (_isWrapped ? $"{ReadOnlyBlock.Leave};" : "") + GatherScript.Rights(Plan) + (links ? GatherScript.TableSizes([.. Plan.Reads.Select(static read => read.Table), .. tables]) : "");
        if (questions.Length > 0)
            _home.SendQuery(questions, Disposition.Swallow);
        if (!binds && !links && ReferenceEquals(_home, _target))
        {
            // Nothing has to be known first: all in one round trip.
            await ReadAsync([.. Enumerable.Range(0, Plan.Reads.Length).Select(static read => new ReadStep(read, []))], isDescribed: false);
            return;
        }
        await DescribeAsync();
        if (!ReferenceEquals(_home, _target) && !GatherPlace.KnowsTypes(_run.Description, _tap.Parameters))
        {
            // Types have other object ids on other shards, and values can have such ids inside.
            _run.MoveTo(Database.HomeShard);
            _mover.ClearSources();
            await ReadyAsync();
        }
        if (binds)
            _run.Bind(_parameters = new GatherParameters(bind, _tap.Parameters, _session.Planning().Routing.Catalog.AreShardsAlike, _session.ConvertsText));
        var sizes = Enumerable.Range(0, links ? Plan.Reads.Length + tables.Count : 0).Select(index => _tap.Number(GatherRights.Count(Plan) + 1 + index)).ToArray();
        var isOneSnapshot = links && _tap.Number(GatherRights.Count(Plan)) != 0;
        var waves = links
            ? ReadOrder.Of(
                isOneSnapshot ? Plan : WithoutTables(),
                sizes,
                Enumerable.Range(0, tables.Count).ToDictionary(index => tables[index], index => sizes[Plan.Reads.Length + index]),
                _session.Database.ShardCount,
                _session.Database.Config.Gather.KeyListsFrom,
                isOneSnapshot)
            : [[.. Enumerable.Range(0, Plan.Reads.Length).Select(static read => new ReadStep(read, []))]];
        var keys = new GatherKeys(_session, _run, _parameters);
        foreach (var wave in waves)
        {
            await keys.RestrictAsync(_target, wave, sizes, read => _bytes[read]);
            await ReadAsync(wave, isDescribed: true);
        }
    }

    // The rows of a table that is not brought together must be those that the statement will see.
    private GatherPlan WithoutTables() => Plan with { Links = [.. Plan.Links.Where(static link => link.Source.Read >= 0)] };

    private void SendDescribe(ReadOnlyMemory<byte> original, uint[] types, ReadOnlyMemory<byte> bind)
    {
        if (Plan.Extends)
            _home.SendQuery(GatherScript.Lock(Plan), Disposition.Swallow);
        OriginalText.Describe(_home, original.Span, types, bind.Span);
    }

    private async ValueTask DescribeAsync()
    {
        await _session.DrainAsync(_home, _tap);
        TakeDescription();
    }

    private void TakeDescription()
    {
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(Explain(error));
        _run.Description = _tap.Description;
        GatherRights.Check(Plan, _tap);
    }

    private async ValueTask ReadAsync(IReadOnlyList<ReadStep> wave, bool isDescribed)
    {
        var reads = wave.Select(static step => step.Read).ToList();
        var tap = isDescribed ? new GatherTap() : _tap;
        _target.SendQuery(GatherScript.Create(_run, reads) + GatherScript.Sizes(_run, reads), Disposition.Swallow);
        _session.Flush(_target);
        foreach (var source in _mover.Sources)
        {
            foreach (var read in reads)
                source.Server.SendQuery(GatherScript.CopyOut(_run.Query(read), _binary[read], _encoding), Disposition.Swallow);
            _session.Flush(source.Server);
        }
        await _session.DrainAsync(_target, tap);
        if (!isDescribed)
            TakeDescription();
        else if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(Explain(error));
        NoteOwn(reads, tap);
        foreach (var read in reads)
        {
            if (_mover.Sources.Count > 0)
                await CopyAsync(read);
        }
    }

    // The sizes come last, and behind the count of each CREATE TABLE AS that of their own rows.
    private void NoteOwn(List<int> reads, GatherTap tap)
    {
        for (var index = 0; index < reads.Count; index++)
        {
            var bytes = tap.Number(tap.Values.Count - reads.Count + index);
            _bytes[reads[index]] = bytes;
            _ownBytes += bytes;
            if (Plan is { NeedsRows: true, Extends: false })
                _run.Measures.Add(new GatherMeasure(reads[index], _run.Shard, tap.Counts[tap.Counts.Count - 1 - reads.Count + index], 0, TimeSpan.Zero));
        }
        CheckSize();
    }

    private async ValueTask CopyAsync(int read)
    {
        var before = _mover.Sources.Select(static source => (source.Rows, source.Bytes)).ToArray();
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        await _mover.CopyAsync(GatherScript.CopyIn(_run, read, _binary[read], _encoding), _binary[read]);
        var took = System.Diagnostics.Stopwatch.GetElapsedTime(start);
        for (var index = 0; index < before.Length; index++)
        {
            var source = _mover.Sources[index];
            _bytes[read] += source.Bytes - before[index].Bytes;
            _run.Measures.Add(new GatherMeasure(read, source.Server.Shard, source.Rows - before[index].Rows, source.Bytes - before[index].Bytes, took));
        }
    }

    // Whoever may read a view need not be allowed to read its tables, but here the tables are read in the user's name.
    private ServerError Explain(ServerError error) => error.SqlState switch
    {
        SqlStates.InsufficientPrivilege when Plan.Extends => error with { Hint = "A materialized view over sharded tables is filled by the tables' owner." },
        SqlStates.InsufficientPrivilege when !Plan.Views.IsEmpty =>
            new ServerError(SqlStates.FeatureNotSupported, $"the view \"{Plan.Views[0].Name}\" over several shards is read in the user's own name: {error.Message}")
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
        _target.SendQuery(ReadOnlyBlock.Enter, Disposition.Swallow);
        await _session.DrainAsync(_target);
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
    }

    private void CheckSize() => GatherLimit.Check(_session, Plan, _ownBytes + _mover.Bytes);
}
