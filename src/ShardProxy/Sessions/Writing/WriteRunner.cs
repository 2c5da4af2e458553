using System.Collections.Immutable;
using System.Text;
using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Spreading;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Sessions.Writing;

/// <summary>
/// Runs a <see cref="WritePlan"/>: on all shards concerned at once, in the client's block or in one of its own, so that it
/// is done on all of them or on none. The client is told of success when the block has committed.
/// </summary>
public sealed class WriteRunner
{
    private readonly Session _session;
    private readonly TransactionRunner _transactions;
    private readonly ReferenceRunner _references;
    private readonly MovedRowsRunner _movedRows;
    private readonly KeyUpdateRunner _keyUpdates;
    private readonly PickedRowsRunner _pickedRows;

    public WriteRunner(Session session, TransactionRunner transactions, Running.Gathering.GatherRunner gathers, SpreadRunner spread)
    {
        _session = session;
        _transactions = transactions;
        _references = new ReferenceRunner(session);
        _movedRows = new MovedRowsRunner(session, gathers);
        _keyUpdates = new KeyUpdateRunner(session);
        _pickedRows = new PickedRowsRunner(session, spread, gathers);
    }

    /// <summary>A statement of a simple Query.</summary>
    public async ValueTask<bool> RunAsync(WritePlan plan, PlannedStatement planned, StatementText text)
    {
        var request = new ClientRequest(text.Whole[text.Start..text.End], default, [], [], IsDescribed: true);
        if (Routing.NeedsPlaces(_session, plan, Values(text)))
            await Routing.PlaceAsync(_session);
        var job = Assign(plan, planned.Verb, request, text.Start, Values(text)) with { Entry = LookupOf(plan) is { } lookup ? EntrySearch.Locate(_session, lookup, Values(text, EntrySearch.Places())) : null };
        try
        {
            return await RunAsync(job);
        }
        catch (SqlErrorException exception) when (exception.Error.Position is { } position && (text.PositionOffset > 0 || plan.IsForOneText))
        {
            // A rewritten text has its places elsewhere.
            throw new SqlErrorException(exception.Error with { Position = plan.IsForOneText ? null : position + text.PositionOffset });
        }
    }

    /// <summary>A portal of the extended protocol.</summary>
    public async ValueTask<bool> RunAsync(WritePlan plan, ClientPortal portal)
    {
        var text = portal.Statement.Text;
        _session.Scanner.Scan(text.Sql, _session.StandardConformingStrings);
        if (Routing.NeedsPlaces(_session, plan, Values(portal)))
            await Routing.PlaceAsync(_session);
        var request = new ClientRequest(text.Sql, portal.Bind, portal.ParameterTypes, portal.ResultFormats, IsDescribed: false)
        {
            NestedParameterTypes = portal.NestedParameterTypes,
        };
        if (plan.ReadsTimes && BindMessage.TryRead(portal.Bind.Span, out var bind))
            ClockWordCheck.Check(bind);
        return await RunAsync(Assign(plan, portal.Planned.Verb, request, 0, Values(portal)) with
        {
            Entry = LookupOf(plan) is { } lookup ? EntrySearch.Locate(_session, lookup, Values(portal, EntrySearch.Places())) : null,
        });
    }

    /// <summary>What an SQL EXECUTE runs, with the places of its keys.</summary>
    internal async ValueTask<bool> RunAsync(WritePlan plan, string verb, BoundStatement bound)
    {
        if (plan.ReadsTimes && BindMessage.TryRead(bound.Body, out var bind))
            ClockWordCheck.Check(bind);
        var entry = LookupOf(plan) is { } lookup ? EntrySearch.Locate(_session, lookup, bound.Values(_session) with { Places = EntrySearch.Places() }) : null;
        var request = new ClientRequest(bound.Sql, bound.Body, bound.Types, bound.Formats, IsDescribed: !_session.Relay.DropsRowDescription);
        return await RunAsync(Assign(plan, verb, request, 0, bound.Values(_session)) with { Entry = entry });
    }

    /// <summary>A statement that is a part of the client's, in the open block.</summary>
    /// <param name="sink">Takes its description and rows; null: the client does.</param>
    /// <param name="isDescribed">The client is told of its columns.</param>
    /// <returns>Rows for the tag.</returns>
    internal async ValueTask<long> StepAsync(WritePlan plan, string verb, BoundStatement bound, ByteBuffer? sink, bool isDescribed = true)
    {
        var request = new ClientRequest(bound.Sql, bound.Body, bound.Types, bound.Formats, isDescribed) { NestedParameterTypes = bound.NestedTypes, Sink = sink };
        return await ExecuteAsync(Assign(plan, verb, request, 0, bound.Values(_session)), isOwnBlock: false);
    }

    private StatementValues Values(StatementText text, KeyPlaces? places = null) =>
        new(text.Whole.Span, _session.Scanner) { IsConverted = _session.ConvertsText, Places = places ?? _session.Places };

    private StatementValues Values(ClientPortal portal, KeyPlaces? places = null)
    {
        BindMessage.TryRead(portal.Bind.Span, out var bind);
        return new StatementValues(portal.Statement.Text.Sql, _session.Scanner, bind, portal.ParameterTypes) { IsConverted = _session.ConvertsText, Places = places ?? _session.Places };
    }

    /// <summary>By which entry the one row is looked for; read before anything is sent, as a wait would overwrite what the scanner has read.</summary>
    private static EntryLookup? LookupOf(WritePlan plan) => plan.Draft is OwnRowsDraft { Lookup: { } lookup } ? lookup : null;

    private async ValueTask<bool> RunAsync(WriteJob job)
    {
        var rows = 0L;
        var isOwnBlock = !_session.Transaction.IsOpen;
        if (!await ImplicitBlock.RunAsync(_session, _transactions, async () =>
            {
                rows = await ExecuteAsync(job, isOwnBlock);
                return true;
            },
            BeginText(job)))
        {
            return false;
        }
        CommandCompleteMessage.Write(_session.Client.Output, job.Tag, rows);
        return true;
    }

    /// <summary>
    /// What gathers rows of several tables reads them in one snapshot. Where rows of others could be in the way of storing,
    /// the statement must see those too, as it would by itself.
    /// </summary>
    private static byte[]? BeginText(WriteJob job) => job is { Source: GatherPlan { Reads.Length: > 1 }, Plan.Draft: MovedRowsDraft { HasConflictClause: false } }
        ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE"u8.ToArray()
        : null;

    private async ValueTask<long> ExecuteAsync(WriteJob job, bool isOwnBlock)
    {
        if (job.Edits.Any(static edit => ShardClock.IsNeeded(edit.Text)))
            job = job with { Edits = await ShardClock.FillAsync(_session, job.Shards[0], job.Edits) };
        if (job.Plan.Draft is StepsDraft steps)
            return await new StepsRunner(_session, this).RunAsync(job, steps);
        if (job.Plan.Draft is ReferenceDraft reference)
            return await _references.RunAsync(job, reference);
        if (job.Plan.Draft is MovedRowsDraft or KeyUpdateDraft or PickedRowsDraft)
            await _session.MoveGate.EnterAsync(stays: true);
        if (job.Plan.Draft is MovedRowsDraft moved)
            return await _movedRows.RunAsync(job, moved, isOwnBlock);
        if (job.Plan.Draft is KeyUpdateDraft keyUpdate)
            return await _keyUpdates.RunAsync(job, keyUpdate, isOwnBlock);
        if (job.Plan.Draft is PickedRowsDraft picked)
            return await ExecuteAsync(await PickAsync(job, picked), isOwnBlock);
        if (job.Plan.Draft is SplitRowsDraft { Conflict: { } conflict } proposed)
            return await new ConflictRunner(_session, job.Request, conflict, new GivenProposal(job, proposed), isOwnBlock).RunAsync();
        await _session.MoveGate.EnterAsync(stays: true);
        if (await TryWhereEntrySaysAsync(job, isOwnBlock) is > 0 and var found)
            return found;
        WriterRule.CheckShards(_session, job.Shards);
        foreach (var table in job.Plan.Draft is OwnRowsDraft own ? own.Changed : [])
            await TableLock.ShareAsync(_session, job.Shards, table);
        var entries = job.Plan.KeepsEntries ? await EntryLog.BeginAsync(_session, job.Shards, isOwnBlock) : null;
        // PostgreSQL gives no rows of a statement that fails in the end.
        var held = entries is null ? null : new ByteBuffer();
        var run = await SpreadRun.StartAsync(_session, job.Shards, job.Statements(), entries);
        IRowPump pump = job.Order is { } order ? new OrderedRows(run.Shards, order) : new Concatenation(run.Shards);
        if (job.Request.Sink is { } sink)
        {
            var kept = new KeptRows(pump, _session.Database.Limits.MergeBytes);
            await run.RunToEndAsync(kept);
            sink.Write(run.Description);
            sink.Write(kept.Messages);
            if (entries is not null)
                await entries.ApplyAsync();
            return run.AffectedCount;
        }
        await run.RunToEndAsync(
            pump,
            () =>
            {
                if (job.Request.IsDescribed)
                    (held ?? _session.Client.Output).Write(DescriptionOf(job, run));
            },
            held);
        if (entries is not null)
            await entries.ApplyAsync();
        if (held is not null)
            _session.Client.Output.Write(held.Unread);
        return run.AffectedCount;
    }

    /// <summary>The statement with rows in the place of its subqueries.</summary>
    private async ValueTask<WriteJob> PickAsync(WriteJob job, PickedRowsDraft draft)
    {
        var described = await StatementCheck.AskAsync(_session, job.Request, Encoding.ASCII.GetString(job.Tag).TrimEnd());
        var sql = await _pickedRows.RewriteAsync(job, draft, described.ParameterTypes);
        var request = job.Request with { Sql = sql, ParameterTypes = described.ParameterTypes, Description = described.Frame };
        var planned = Routing.Replan(_session, sql, 0);
        var plan = planned.Plan switch
        {
            WritePlan write => write,
            OneShardPlan one => new WritePlan(SpreadKeys.All, new OneShardDraft(one)),
            _ => throw Routing.Refuse(ShardBinder.SeveralShards),
        };
        StatementValues Values() => BindMessage.TryRead(request.Bind.Span, out var bind)
            ? new StatementValues(sql, _session.Scanner, bind, request.ParameterTypes) { IsConverted = _session.ConvertsText, Places = _session.Places }
            : new StatementValues(sql, _session.Scanner) { IsConverted = _session.ConvertsText, Places = _session.Places };
        if (Routing.NeedsPlaces(_session, plan, Values()))
            await Routing.PlaceAsync(_session);
        return Assign(plan, planned.Verb, request, 0, Values());
    }

    /// <summary>
    /// Where a global index says that the one row is. When it is not there, nothing is done and all shards are asked: the row may
    /// be on its way, and so the <see cref="TableLock"/> is for them only.
    /// </summary>
    /// <returns>Rows changed.</returns>
    private async ValueTask<long> TryWhereEntrySaysAsync(WriteJob job, bool isOwnBlock)
    {
        if (job is not { Entry: { } entry, Request.Sink: null, Plan.Draft: OwnRowsDraft { Lookup: { } lookup } } || job.Shards.Count == 1)
            return 0;
        SpreadRun.CheckMoves(_session);
        if (await EntrySearch.FindAsync(_session, lookup, entry) is not [var shard])
            return 0;
        WriterRule.CheckShard(_session, shard);
        var entries = job.Plan.KeepsEntries ? await EntryLog.BeginAsync(_session, [shard], isOwnBlock) : null;
        var run = await SpreadRun.StartAsync(_session, [shard], job.Statements(), entries);
        var kept = new KeptRows(new Concatenation(run.Shards), _session.Database.Limits.MergeBytes);
        await run.RunToEndAsync(kept);
        if (entries is not null)
            await entries.ApplyAsync();
        if (run.AffectedCount == 0)
            return 0;
        if (job.Request.IsDescribed)
            _session.Client.Output.Write(DescriptionOf(job, run));
        _session.Client.Output.Write(kept.Messages);
        return run.AffectedCount;
    }

    private static byte[] DescriptionOf(WriteJob job, SpreadRun run) =>
        job.Request.Description is { Length: > 0 } frame ? job.Request.Describe(frame, int.MaxValue) : run.Description;

    /// <summary>Which shard gets what.</summary>
    private WriteJob Assign(WritePlan plan, string verb, ClientRequest request, int offset, in StatementValues values)
    {
        if (plan.ReadsTimes)
            ClockWordCheck.Check(values);
        var directory = _session.Planning().Routing.Directory;
        var any = _session.Servers.AnyShard();
        if (plan.Keys.Sets is null && plan.Draft is not (SplitRowsDraft or OneShardDraft))
            _session.ChosenUnder = null;
        var job = new WriteJob(plan, request, offset) { Edits = plan.Draft.Edits, Tag = WriteJob.TagOf(verb) };
        if (plan.Draft is OneShardDraft one)
            return job with { Shards = [Routing.Choose(_session, one.One.Choice, values)] };
        if (plan.Draft is MovedRowsDraft moved)
            return AssignSource(job, moved.Select, values);
        if (plan.Draft is not SplitRowsDraft split)
            return job with { Shards = ShardBinder.Shards(plan.Keys, directory, _session.Database.ShardCount, values, any) };
        var shardOfRow = new int[split.Rows.Length];
        for (var row = 0; row < shardOfRow.Length; row++)
        {
            if (ShardBinder.Choose(new KeyedShard([split.Rows[row].Key], RequireKey: true), directory, values, any, out shardOfRow[row], out var refusal) != BindResult.Bound)
                throw Routing.Refuse(refusal!);
        }
        var shards = shardOfRow.Distinct().Order().ToList();
        return job with { Shards = shards, Order = [.. shardOfRow.Select(shard => shards.IndexOf(shard))] };
    }

    /// <summary>Where the query of an INSERT … SELECT runs.</summary>
    private WriteJob AssignSource(WriteJob job, Plan select, in StatementValues values)
    {
        if (select is OneShardPlan one)
        {
            var chosen = Routing.Choose(_session, one, values, out var shard);
            if (ReferenceEquals(chosen, one))
                return job with { Shards = [shard], Source = one };
            select = chosen;
        }
        return select switch
        {
            SpreadPlan spread => job with
            {
                Shards = ShardBinder.Shards(spread.Keys, _session.Planning().Routing.Directory, _session.Database.ShardCount, values, _session.Servers.AnyShard()),
                Source = spread,
            },
            GatherPlan gather => job with { Shards = [Database.HomeShard], Source = gather },
            _ => throw Routing.Refuse(ShardBinder.SeveralShards),
        };
    }
}
