using ShardProxy.Execution;
using ShardProxy.Planning;
using ShardProxy.Planning.Drawing;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Writing;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Drawing;
using ShardProxy.Sessions.Running.Gathering;
using ShardProxy.Sessions.Spreading;
using ShardProxy.Sessions.Writing;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// Runs one planned statement of the simple protocol to its CommandComplete: one method per kind of plan, each handed to
/// the class that knows the kind. The extended protocol comes here too for the plans that no single server can run.
/// </summary>
public sealed class StatementRunner
{
    private readonly Session _session;
    private readonly TransactionRunner _transactions;
    private readonly SettingRunner _settings;
    private readonly EveryShardRunner _everyShard;
    private readonly CopyRunner _copies;
    private readonly GeneratedRowsRunner _generatedRows;
    private readonly PreparedRunner _prepared;
    private readonly SessionCommandRunner _commands;
    private readonly ExplainShardsRunner _explain;
    private readonly Explaining.ExplainRunner _explainOverShards;

    public StatementRunner(Session session)
    {
        _session = session;
        _transactions = new TransactionRunner(session);
        CopyInput = new CopyInput(session);
        Counts = new CountRunner(session);
        Spread = new SpreadRunner(session);
        Cursors = new CursorRunner(session, this);
        _settings = new SettingRunner(session);
        _everyShard = new EveryShardRunner(session, _transactions);
        _copies = new CopyRunner(session, _transactions);
        _generatedRows = new GeneratedRowsRunner(session, _transactions);
        _prepared = new PreparedRunner(session, this);
        _commands = new SessionCommandRunner(session);
        _explain = new ExplainShardsRunner(session);
        _explainOverShards = new Explaining.ExplainRunner(session, this);
        Gathers = new GatherRunner(session, _transactions, CopyInput);
        Writes = new WriteRunner(session, _transactions, Gathers, Spread);
    }

    public TransactionRunner Transactions => _transactions;

    public SettingRunner Settings => _settings;

    public PreparedRunner Prepared => _prepared;

    public CopyInput CopyInput { get; }

    public CountRunner Counts { get; }

    public SpreadRunner Spread { get; }

    public WriteRunner Writes { get; }

    public CursorRunner Cursors { get; }

    public Explaining.ExplainRunner Explains => _explainOverShards;

    public GatherRunner Gathers { get; }

    /// <summary>Runs it and writes its replies, without ReadyForQuery. False when it failed; the error is written then.</summary>
    public ValueTask<bool> RunAsync(PlannedStatement planned, StatementText text) => RunAsync(planned, text, null);

    /// <summary>As <see cref="RunAsync(PlannedStatement, StatementText)"/>, for a portal that is on no server.</summary>
    public ValueTask<bool> RunAsync(ClientPortal portal, StatementText text) => RunAsync(portal.Planned, text, portal);

    private async ValueTask<bool> RunAsync(PlannedStatement planned, StatementText text, ClientPortal? portal)
    {
        try
        {
            if (_session.Transaction.Status == TransactionStatus.Failed && !EndsFailedBlock(planned.Plan))
            {
                throw new SqlErrorException(
                    SqlStates.InFailedSqlTransaction,
                    "current transaction is aborted, commands ignored until end of transaction block");
            }
            OwnDefinitions.Check(_session, planned, portal is null ? text.Bytes : portal.Statement.Text.Sql);
            if (portal is null && OwnRelations.MayMean(_session, planned))
                planned = await OwnRelations.PlaceAsync(_session, planned, text.Whole[text.Start..text.End]);
            if (portal is null)
                await StrayParameters.CheckAsync(_session, planned, text);
            if (portal is null && Routing.NeedsPlaces(_session, planned.Plan, new StatementValues(text.Whole.Span, _session.Scanner) { IsConverted = _session.ConvertsText }))
                await Routing.PlaceAsync(_session, mayPlace: planned.Plan is not ExplainShardsPlan);
            var slow = _session.Database.Slow;
            var start = planned.Plan is EveryShardPlan or GatherPlan or CountEverywherePlan or SeveralShardsPlan or CopyPlan or TransactionPlan ? slow.Start() : 0;
            var succeeded = (planned.Plan, portal) switch
            {
                (SpreadPlan spread, not null) => await Spread.RunAsync(spread, portal, other => other is GatherPlan gather
                    ? Gathers.RunAsync(gather, planned, portal.Statement.Text.Sql, portal.Bind, portal.Statement.Text.ParameterTypes)
                    : DispatchAsync(planned with { Plan = other }, text)),
                (WritePlan write, not null) => await Writes.RunAsync(write, portal),
                (CursorPlan { Verb: CursorVerb.Fetch, Name: { } name }, not null) when _session.Cursors.TryFindMerged(name, out var cursor) =>
                    await Cursors.FetchAsync(name, cursor, planned, text, portal),
                (ExplainPlan explained, not null) => await _explainOverShards.RunAsync(explained, planned, text, portal.Bind, portal.Statement.Text.ParameterTypes),
                (ExplainShardsPlan explain, not null) => await _explain.RunAsync(explain, portal, text),
                _ => await DispatchAsync(planned, text),
            };
            if (slow.IsSlow(start))
                slow.Report(_session, start, planned.Verb, shard: -1, text.Whole.Span[text.Start..text.End]);
            return succeeded;
        }
        catch (SqlErrorException exception)
        {
            Fail(exception.Error);
            return false;
        }
        catch (ServerLostException lost)
        {
            Fail(ServerLoss.Handle(_session, lost));
            return false;
        }
    }

    /// <summary>Tells the client and puts an open block into the failed state.</summary>
    public void Fail(ServerError error)
    {
        error.WriteError(_session.Client.Output);
        // The servers do not know of it yet, and have reported what is undone now.
        if (_session.Transaction.IsOpen)
            _session.Relay.DropHeldParameters();
        _session.FailBlock();
    }

    /// <summary>Runs a text on one shard.</summary>
    public async ValueTask<bool> RunOnAsync(int shard, PlannedStatement planned, ReadOnlyMemory<byte> sql, int positionOffset)
    {
        WriterRule.Check(_session, planned, shard);
        var server = await _session.Servers.GetAsync(shard);
        SequenceRule.Check(_session, planned, server);
        server.SendQuery(sql.Span, Disposition.Forward);
        _session.StartRelay(server);
        _session.Relay.PositionOffset = positionOffset;
        _session.StartQueryClock();
        var slow = _session.Database.Slow;
        var start = slow.Start();
        while (await _session.PumpAsync(server) == RelayStatus.CopyIn)
            await CopyInput.RelayAsync(server);
        _session.StopClock();
        if (slow.IsSlow(start))
            slow.Report(_session, start, planned.Verb, shard, sql.Span);
        return await Aftermath.ApplyAsync(_session, server, planned, failed: _session.Relay.ErrorSeen);
    }

    /// <summary>The protocol's function call (libpq's large objects): on the home shard, where functions without a key live.</summary>
    public async ValueTask CallFunctionAsync(ReadOnlyMemory<byte> body)
    {
        var succeeded = false;
        try
        {
            if (_session.Transaction.Status == TransactionStatus.Failed)
                throw new SqlErrorException(SqlStates.InFailedSqlTransaction, "current transaction is aborted, commands ignored until end of transaction block");
            if (!FunctionCallMessage.TryRead(body.Span, out _))
                throw new SqlErrorException(SqlStates.ProtocolViolation, "invalid message format: FunctionCall");
            // Of large objects, so it may write.
            if (_session.Transaction.IsOpen)
                WriterRule.CheckShard(_session, Database.HomeShard);
            var server = await _session.Servers.GetAsync(Database.HomeShard);
            var output = server.Channel.Output;
            output.Write([FrontendMessageType.FunctionCall]);
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(output.GetSpan(4), body.Length + 4);
            output.Advance(4);
            output.Write(body.Span);
            server.Ledger.Expect(ReplyKind.FunctionCall, Disposition.Forward);
            await _session.DrainAsync(server);
            succeeded = !_session.Relay.ErrorSeen;
            Aftermath.FollowServer(_session, server);
        }
        catch (SqlErrorException exception)
        {
            Fail(exception.Error);
        }
        catch (ServerLostException lost)
        {
            Fail(ServerLoss.Handle(_session, lost));
        }
        await _transactions.EndImplicitAsync(succeeded);
        _session.WriteReady();
        _session.Servers.ReleaseIdle();
    }

    private ValueTask<bool> DispatchAsync(PlannedStatement planned, StatementText text)
    {
        if (Routing.IsForHint(planned.Plan, _session) && Routing.TryHint(_session, text, out var hinted))
            return RunOnAsync(hinted, planned, text.Whole[text.Start..text.End], text.PositionOffset);
        switch (planned.Plan)
        {
            case OneShardPlan one:
                var chosen = Routing.Choose(_session, one, ValuesOf(text), out var shard);
                return ReferenceEquals(chosen, one)
                    ? MovesKeys(one) ? RunFencedAsync(planned, text) : RunOnAsync(shard, planned, text.Whole[text.Start..text.End], text.PositionOffset)
                    : DispatchAsync(planned with { Plan = chosen }, text);
            case DrawPlan draw:
                return RunDrawnAsync(draw, planned, text);
            case ReplanPlan:
                return DispatchAsync(planned with { Plan = Routing.Replan(_session, text.Whole.Span, text.IndexIn(_session.Scanner)).Plan }, text);
            // The template was made for other literals.
            case SpreadPlan or CountEverywherePlan when ClockValues.AreInLiterals(text.Whole.Span, _session.Scanner):
                return DispatchAsync(planned with { Plan = Routing.Replan(_session, text.Whole.Span, text.IndexIn(_session.Scanner), hasClockValues: true).Plan }, text);
            case SpreadPlan spread:
                return Spread.RunAsync(spread, text, other => DispatchAsync(planned with { Plan = other }, text));
            case WritePlan { Draft: OneShardDraft draft } when Routing.Choose(_session, draft.One, ValuesOf(text), out _) is var other && !ReferenceEquals(other, draft.One):
                return DispatchAsync(planned with { Plan = other }, text);
            case WritePlan write:
                return Writes.RunAsync(write, planned, text);
            case TransactionPlan transaction:
                return _transactions.RunAsync(transaction, text);
            case EmptyPlan:
                EmptyQueryResponseMessage.Write(_session.Client.Output);
                return ValueTask.FromResult(true);
            case SettingPlan setting:
                return _settings.RunAsync(setting, planned, text);
            case EveryShardPlan everyShard:
                return _everyShard.RunAsync(everyShard, planned, text);
            case CountEverywherePlan:
                return Counts.RunAsync(planned, text);
            case GatherPlan gather:
                return Gathers.RunAsync(gather, planned, text);
            case InsertEverywherePlan insert:
                return _generatedRows.RunAsync(insert);
            case ExplainPlan explained:
                return _explainOverShards.RunAsync(explained, planned, text);
            case CopyPlan copy:
                return _copies.RunAsync(copy, planned, text);
            case PreparePlan or ExecutePlan or DeallocatePlan:
                return _prepared.RunAsync(planned, text);
            case CursorPlan cursor:
                return Cursors.RunAsync(cursor, planned, text, other => DispatchAsync(planned with { Plan = other }, text));
            case DeclarePlan declare:
                return Cursors.DeclareAsync(declare, text, other => DispatchAsync(planned with { Plan = other }, text));
            case DiscardPlan discard:
                return _commands.DiscardAsync(discard);
            case DistributePlan distribute:
                return _commands.DistributeAsync(distribute);
            case ExplainShardsPlan explain:
                return ValueTask.FromResult(_explain.Run(explain, text));
            case MoveKeyPlan move:
                return _commands.MoveKeyAsync(move);
            case AddShardPlan added:
                return _commands.AddShardAsync(added);
            case PlacementPlan placement:
                return _commands.ChangePlacementAsync(placement);
            case UnreadPlan unread:
                return RunUnreadAsync(unread, planned, text);
            case RefusedPlan refused:
                throw Routing.Refuse(refused);
            default:
                throw new InvalidOperationException($"No way to run {planned.Plan.GetType().Name}.");
        }
    }

    private StatementValues ValuesOf(StatementText text) =>
        new(text.Whole.Span, _session.Scanner) { IsConverted = _session.ConvertsText, Places = _session.Places };

    private bool MovesKeys(OneShardPlan plan) => plan.Choice is KeyedShard && _session.Planning().Routing.Directory.HasLookups;

    // While the session waits for its connection the key may move, and then the connection is of the wrong shard.
    private async ValueTask<bool> RunFencedAsync(PlannedStatement planned, StatementText text)
    {
        while (true)
        {
            var number = _session.Database.Routing.Directory.MoveNumber;
            if (Routing.NeedsPlaces(_session, planned.Plan, new StatementValues(text.Whole.Span, _session.Scanner) { IsConverted = _session.ConvertsText }))
                await Routing.PlaceAsync(_session);
            var shard = Routing.Choose(_session, ((OneShardPlan)planned.Plan).Choice, text);
            WriterRule.Check(_session, planned, shard);
            await _session.Servers.GetAsync(shard);
            if (!Routing.HasMoved(_session, number))
                return await RunOnAsync(shard, planned, text.Whole[text.Start..text.End], text.PositionOffset);
            _session.Servers.ReleaseIdle();
        }
    }

    /// <summary>Draws the statement's identifiers, writes them into its text and runs that.</summary>
    private async ValueTask<bool> RunDrawnAsync(DrawPlan draw, PlannedStatement planned, StatementText text)
    {
        if (draw.Otherwise is { } onServer && _session.Sequences.LastIsOnServer)
            return await DispatchAsync(planned with { Plan = onServer }, text);
        var start = _session.Scanner.StatementCount == 1 ? 0 : text.Start;
        if (DrawText.Cut(text.Whole.Span, start, text.End, draw) is not { } cut)
            throw DrawnStatement.NotReadable();
        var sql = cut.WithValues(await IdentifierDrawing.DrawAsync(_session, cut.Slots));
        _session.Scanner.Scan(sql, _session.StandardConformingStrings);
        var template = await Routing.TemplateAsync(_session, sql);
        if (template.Statements is not [{ Plan: not DrawPlan } rewritten])
            throw DrawnStatement.NotReadable();
        return await DispatchAsync(rewritten, new StatementText(sql, 0, sql.Length));
    }

    // PostgreSQL itself is the judge of a text that the grammar here does not know: what it rejects is the client's
    // error, in its words; what it accepts is syntax of a newer server, which nobody here can route.
    private async ValueTask<bool> RunUnreadAsync(UnreadPlan unread, PlannedStatement planned, StatementText text)
    {
        var sql = text.Whole[text.Start..text.End];
        var isFailed = _session.Transaction.Status == TransactionStatus.Failed;
        if (!isFailed && Routing.TryHint(_session, text, out var shard))
            return await RunOnAsync(shard, planned, sql, text.PositionOffset);
        if (!isFailed && !_session.Planning().Routing.Directory.HasShardedTables)
            return await RunOnAsync(Database.HomeShard, planned, sql, text.PositionOffset);
        var server = await _session.Servers.GetAsync(_session.Servers.AnyShard());
        ParseMessage.Write(server.Channel.Output, [], sql.Span);
        server.UnnamedOwner = null;
        server.PendingParses.Enqueue(null);
        server.Ledger.Expect(ReplyKind.Parse, Disposition.Swallow);
        server.SendSync(Disposition.Swallow);
        await _session.DrainAsync(server);
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error.Position is null ? error : error with { Position = error.Position + text.PositionOffset });
        if (isFailed)
            throw new SqlErrorException(SqlStates.InFailedSqlTransaction, "current transaction is aborted, commands ignored until end of transaction block");
        throw new SqlErrorException(
            SqlStates.FeatureNotSupported,
            $"the statement could not be read, so its shard is not known: {unread.Message}",
            "It is probably syntax newer than PostgreSQL 15. Say where it belongs with a leading comment /* shardproxy: key=… */ or /* shardproxy: shard=… */.");
    }

    /// <summary>What a failed block still allows.</summary>
    public static bool EndsFailedBlock(Plan plan) =>
        plan is EmptyPlan or UnreadPlan or TransactionPlan { Verb: TransactionVerb.Commit or TransactionVerb.Rollback or TransactionVerb.RollbackTo or TransactionVerb.PrepareTransaction };
}
