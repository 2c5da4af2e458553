using ShardProxy.Planning;
using ShardProxy.Planning.Drawing;
using ShardProxy.Planning.Gathering;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Drawing;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Extended;

/// <summary>
/// The extended protocol on the general path, message by message, for any legal order. What the messages of a unit have in
/// common is <see cref="ExtendedUnit"/>'s, its transaction <see cref="UnitBlock"/>'s.
/// </summary>
/// <remarks>
/// <code>
///            any message                         error (server's or proxy's)
///   Idle ───────────────► Working ───────────────────────────► Skipping
///    ▲                     │                                     │
///    └──────── Sync ───────┘◄────────────── Sync ────────────────┘
/// </code>
/// </remarks>
public sealed class ExtendedQuery
{
    private const int NoShard = -1;

    private readonly Session _session;
    private readonly StatementRunner _runner;
    private readonly ExtendedUnit _unit;
    private readonly UnitBlock _block;
    private readonly UnitEnd _unitEnd;
    private readonly LocalPortals _local;
    private readonly ServerPortals _onServers;
    private readonly ExecutePortals _executes;
    private readonly ExtendedNames _names;
    private readonly BindShard _shards;
    private readonly NestedTypesLookup _nested;
    private readonly SpreadBinding _spreads;
    private readonly GatherBind _gathers;

    public ExtendedQuery(Session session, StatementRunner runner)
    {
        _session = session;
        _runner = runner;
        _unit = new ExtendedUnit(session, runner);
        _block = new UnitBlock(session, _unit);
        _unitEnd = new UnitEnd(session, runner, _unit);
        _local = new LocalPortals(session, runner, _unit, _block);
        _onServers = new ServerPortals(session, runner, _unit, _block);
        _executes = new ExecutePortals(session, runner, _unit);
        _names = new ExtendedNames(session);
        var types = new ParameterTypeLookup(session, _unit.UseAsync);
        _shards = new BindShard(session, types);
        _nested = new NestedTypesLookup(session, types);
        _spreads = new SpreadBinding(session, types);
        _gathers = new GatherBind(session, runner.Gathers, _unit, _block);
    }

    /// <summary>Between units: the next message starts a new one.</summary>
    public bool IsIdle => !_unit.IsStarted;

    /// <summary>
    /// Before a simple Query. In the midst of a unit the Query belongs to the unit's transaction and ends it; false when an
    /// error among the unit's messages makes the server side ignore everything until Sync.
    /// </summary>
    public async ValueTask<bool> TryEndUnitAsync()
    {
        if (IsIdle)
            return true;
        if (!_unit.IsSkipping)
            await _unit.GuardAsync(_unit.ResolveParseAsync);
        if (!_unit.IsSkipping && !_session.Transaction.IsOpen && _unit.WaitingForSync().Count > 0)
            await _unit.GuardAsync(_block.OpenAsync);
        if (_unit.IsSkipping)
            return false;
        var outcome = await _unitEnd.RunAsync(failed: false);
        _unit.IsSkipping = outcome == UnitOutcome.Failed;
        if (outcome != UnitOutcome.Succeeded)
            return false;
        await _onServers.ApplyAsync();
        Reset();
        return true;
    }

    /// <summary>A COPY that the fast path has run has swallowed the Sync of its unit: the client's next one ends it.</summary>
    public void ContinueUnit(ServerConnection server) => _unit.Continue(server);

    /// <param name="body">A copy of the message's body.</param>
    public async ValueTask HandleAsync(byte type, ReadOnlyMemory<byte> body)
    {
        if (type == FrontendMessageType.Sync)
        {
            if (!body.IsEmpty && !_unit.IsSkipping)
                await _unit.GuardAsync(static () => throw ExtendedBodies.Malformed("Sync"));
            await SyncAsync();
            return;
        }
        _unit.IsStarted = true;
        _unit.MessageType = type;
        if (!_unit.IsSkipping)
            await _unit.GuardAsync(() => DispatchAsync(type, body));
    }

    private ValueTask DispatchAsync(byte type, ReadOnlyMemory<byte> body) => type switch
    {
        FrontendMessageType.Parse => ParseAsync(body),
        FrontendMessageType.Bind => BindAsync(body),
        FrontendMessageType.Describe => DescribeAsync(body),
        FrontendMessageType.Execute => ExecuteAsync(body),
        FrontendMessageType.Close => CloseAsync(body),
        _ => FlushAsync(),
    };

    private async ValueTask FlushAsync()
    {
        await _unit.ResolveParseAsync();
        await _unit.SettleAsync();
    }

    private async ValueTask ParseAsync(ReadOnlyMemory<byte> body)
    {
        await _unit.ResolveParseAsync();
        var (name, sql, types) = ExtendedBodies.Parse(body.Span);
        var text = name.Length == 0
            ? PreparedText.Unnamed(sql, types)
            : _session.Database.PreparedTexts.Intern(sql, types, _session.Planning().Routing.Version);
        var statement = new ClientStatement(text, name.Length == 0);
        if (statement.IsUnnamed)
            _unit.Parses.Add(name, statement);
        var planned = await PlanAsync(statement);
        CheckBlock(planned);
        if (name.Length > 0 && _session.Prepared.TryGetStatement(name, out _))
            throw new SqlErrorException(SqlStates.DuplicatePreparedStatement, $"prepared statement \"{ExtendedNames.Text(name)}\" already exists");
        if (planned.Plan is RefusedPlan refused && !Routing.TryHint(_session, sql, out _))
            throw Routing.Refuse(refused);
        if (planned.Plan is ExecutePlan execute && _session.Prepared.TryGetStatement(System.Text.Encoding.UTF8.GetBytes(execute.Name), out var executed))
            statement.Executes = executed;
        if (!statement.IsUnnamed)
            _unit.Parses.Add(name, statement);
        if (RunsOnServer(planned) || planned.Plan is SeveralShardsPlan)
            _unit.HoldParse(statement);
        else
            _unit.Reply(ReplyKind.Parse);
    }

    private async ValueTask BindAsync(ReadOnlyMemory<byte> body)
    {
        var (portalName, statement) = FindBound(body);
        if (!_unit.Holds(statement))
            await _unit.ResolveParseAsync();
        var planned = await PlanAsync(statement);
        CheckBlock(planned, allowsEmpty: false);
        OwnDefinitions.Check(_session, planned, statement.Text.Sql);
        if (OwnRelations.MayMean(_session, planned))
        {
            await _unit.SettleAsync();
            if (_unit.IsSkipping)
                throw new UnitSkippedException();
            planned = await OwnRelations.PlaceAsync(_session, planned, statement.Text.Sql);
        }
        if (statement.Drawn is { } drawn)
            body = await drawn.ExtendAsync(_session, body);
        planned = await _spreads.ChooseAsync(statement, planned, body);
        var isHinted = planned.Plan is SeveralShardsPlan && _spreads.IsHinted(statement);
        if (planned.Plan is SeveralShardsPlan && !isHinted)
        {
            await _unit.ResolveParseAsync();
            var portal = await _spreads.BindAsync(statement, planned, body);
            _unit.Portals.Add(portalName, portal);
            _unit.Reply(ReplyKind.Bind);
            return;
        }
        if (planned.Plan is GatherPlan gather && RunsOnServer(planned) && !_spreads.IsHinted(statement))
        {
            var gathered = await _gathers.BindAsync(statement, planned, gather, body);
            _unit.Portals.Add(portalName, gathered);
            return;
        }
        if (_local.UsesMergedCursor(planned.Plan) || (!isHinted && !RunsOnServer(planned)))
        {
            await _unit.ResolveParseAsync();
            await BindLocalAsync(portalName, statement, planned, body);
            return;
        }
        ServerConnection server;
        NestedTypes nested;
        long moveNumber;
        do
        {
            moveNumber = _session.Database.Routing.Directory.MoveNumber;
            var shard = await _shards.ChooseAsync(statement, planned, body);
            CheckName(portalName, shard);
            await CheckWriterAsync(planned, shard);
            nested = await _nested.ResolveAsync(shard, statement, planned, body);
            server = await _unit.UseAsync(shard);
        }
        while (planned.Plan is OneShardPlan { Choice: KeyedShard } && Routing.HasMoved(_session, moveNumber));
        SequenceRule.Check(_session, planned, server);
        _unit.WriteParse(server, statement);
        WriteBind(server, statement.Text.ServerName, body.Span, nested.Parameters);
        _unit.Portals.Add(portalName, new ClientPortal(statement, planned, server) { RowTypes = nested.Rows, Savepoint = _session.Transaction.SavepointsMade });
    }

    private async ValueTask BindLocalAsync(byte[] portalName, ClientStatement statement, PlannedStatement planned, ReadOnlyMemory<byte> body)
    {
        var formats = LocalDescription.Formats(planned, body.Span);
        if (await _executes.TryResolveAsync(statement, planned) is { } execute)
        {
            CheckName(portalName, execute.Shard);
            await CheckWriterAsync(execute.Inner, execute.Shard);
            var nested = await _nested.ResolveAsync(execute.Shard, execute.Statement, execute.Inner, body);
            var server = await _unit.UseAsync(execute.Shard);
            SequenceRule.Check(_session, execute.Inner, server);
            _executes.WriteParse(server, execute);
            WriteBind(server, [], body.Span, nested: null);
            _unit.Portals.Add(portalName, new ClientPortal(statement, execute.Inner, server) { RowTypes = nested.Rows, Savepoint = _session.Transaction.SavepointsMade });
            return;
        }
        CheckName(portalName, NoShard);
        _unit.Portals.Add(portalName, new ClientPortal(statement, planned, null)
        {
            Bind = planned.Plan is ExplainShardsPlan or ExplainPlan ? body : default,
            ResultFormats = formats,
            Savepoint = _session.Transaction.SavepointsMade,
        });
        _unit.Reply(ReplyKind.Bind);
    }

    private void CheckName(byte[] portal, int shard)
    {
        if (portal.Length > 0)
            _session.CheckCursorName(ExtendedNames.Text(portal), shard);
    }

    private async ValueTask DescribeAsync(ReadOnlyMemory<byte> body)
    {
        var (kind, name) = ExtendedBodies.Describe(body.Span);
        if (kind == PreparedKind.Portal)
        {
            await _unit.ResolveParseAsync();
            var portal = _names.FindPortal(name);
            CheckBlock(portal.Planned);
            if (portal.Server is not { } where || portal.Description is not null)
            {
                await _local.DescribeAsync(portal);
                return;
            }
            await _unit.UseAsync(where.Shard);
            DescribeMessage.Write(where.Channel.Output, PreparedKind.Portal, name);
            where.Ledger.Expect(ReplyKind.DescribePortal, Disposition.Forward);
            return;
        }
        var statement = _names.FindStatement(name);
        if (!_unit.Holds(statement))
            await _unit.ResolveParseAsync();
        var planned = await PlanAsync(statement);
        if (RunsOnServer(planned) || planned.Plan is ExecutePlan)
            CheckBlock(planned);
        if (statement.Drawn is { } drawn)
        {
            await _local.DescribeAsync(statement, drawn);
            return;
        }
        if (_local.UsesMergedCursor(planned.Plan) || (!RunsOnServer(planned) && !LocalPortals.GivesRows(planned.Plan)))
        {
            await _unit.ResolveParseAsync();
            if (!await _executes.TryDescribeAsync(statement, planned))
                await _local.DescribeAsync(statement, planned);
            return;
        }
        // Any shard can describe it, except what reads a cursor; a further one would only have to join for it.
        var shard = planned.Plan is CursorPlan { Name: { } cursor } && _session.TryFindCursor(cursor, out var standing) ? standing : _session.Servers.AnyShard();
        var server = await _unit.UseAsync(shard);
        _unit.WriteParse(server, statement);
        DescribeMessage.Write(server.Channel.Output, PreparedKind.Statement, statement.Text.ServerName);
        server.Ledger.Expect(ReplyKind.DescribeStatement, Disposition.Forward);
    }

    private async ValueTask ExecuteAsync(ReadOnlyMemory<byte> body)
    {
        await _unit.ResolveParseAsync();
        var (name, maxRows) = ExtendedBodies.Execute(body.Span);
        var portal = _names.FindPortal(name);
        // Never the server's to say: PostgreSQL 15 can crash on portals of a block that has failed.
        CheckBlock(portal.Planned);
        if (portal.Server is { } server)
            await _onServers.ExecuteAsync(portal, server, name, maxRows);
        else
            await _local.RunAsync(portal, name, maxRows);
    }

    private async ValueTask CloseAsync(ReadOnlyMemory<byte> body)
    {
        await _unit.ResolveParseAsync();
        var (kind, name) = ExtendedBodies.Close(body.Span);
        if (kind == PreparedKind.Statement)
        {
            // A Close behind an error is skipped, so what went before must be known to have gone well.
            await _unit.SettleAsync();
            if (_unit.IsSkipping)
                return;
            _session.Prepared.RemoveStatement(name);
            _unit.Reply(ReplyKind.Close);
            return;
        }
        if (_session.Prepared.TryGetPortal(name, out var portal) && portal.Server is { State: ServerState.Leased } server
            && ReferenceEquals(_session.Servers.Held(server.Shard), server))
        {
            await _unit.UseAsync(server.Shard);
            CloseMessage.Write(server.Channel.Output, PreparedKind.Portal, name);
            server.Ledger.Expect(ReplyKind.Close, Disposition.Forward);
        }
        else
        {
            await _unit.SettleAsync();
            if (_unit.IsSkipping)
                return;
            if (portal?.Suspended is { } suspended)
                await suspended.Run.FinishAsync();
            _unit.Reply(ReplyKind.Close);
        }
        _session.Prepared.RemovePortal(name);
    }

    private async ValueTask SyncAsync()
    {
        if (!_unit.IsSkipping)
            await _unit.GuardAsync(_unit.ResolveParseAsync);
        _unit.DropParse();
        var outcome = await _unitEnd.RunAsync(_unit.IsSkipping);
        if (outcome == UnitOutcome.GoesOn)
            return;
        var failed = outcome == UnitOutcome.Failed;
        if (failed)
            _unit.ForgetUnconfirmed(atSync: !_unit.IsSkipping);
        await _runner.Transactions.EndImplicitAsync(succeeded: !failed);
        if (!failed)
            await _onServers.ApplyAsync();
        Reset();
        if (!_session.Transaction.IsOpen)
            _session.Prepared.ClearPortals();
        _session.WriteReady();
        _session.Servers.ReleaseIdle();
    }

    private void Reset()
    {
        _unit.IsSkipping = false;
        _unit.Reset();
        _onServers.Reset();
    }

    private void WriteBind(ServerConnection server, ReadOnlySpan<byte> statement, ReadOnlySpan<byte> body, uint[]? nested)
    {
        BindMessage.TryRead(body, out var bind);
        var output = server.Channel.Output;
        var before = output.Count;
        BindMessage.WriteRenamed(output, bind, bind.Portal, statement);
        if (nested is not null)
            NestedTypesLookup.Translate(output, output.Count - before, nested, _session.ObjectIds(server.Shard));
        server.Ledger.Expect(ReplyKind.Bind, Disposition.Forward);
    }

    private async ValueTask<PlannedStatement> PlanAsync(ClientStatement statement)
    {
        if (statement.PlanUnder(_session.Planning()) is { } planned)
            return planned;
        if (statement.Drawn is not null)
            statement.Rewrite(statement.Written, null);
        planned = await PlanTextAsync(statement.Text.Sql);
        if (planned.Plan is DrawPlan { Otherwise: { } onServer } && _session.Sequences.LastIsOnServer)
        {
            planned = planned with { Plan = onServer };
        }
        else if (planned.Plan is DrawPlan draw)
        {
            DrawnStatement.Rewrite(_session, statement, draw);
            planned = await PlanTextAsync(statement.Text.Sql);
            if (planned.Plan is DrawPlan)
                throw DrawnStatement.NotReadable();
        }
        statement.SetPlan(_session.Planning(), planned);
        return planned;
    }

    private async ValueTask<PlannedStatement> PlanTextAsync(byte[] sql)
    {
        _session.Scanner.Scan(sql, _session.StandardConformingStrings);
        var template = await Routing.TemplateAsync(_session, sql);
        return template.Statements.Length switch
        {
            0 => EmptyStatement,
            1 => template.Statements[0],
            _ => throw new SqlErrorException(SqlStates.SyntaxError, "cannot insert multiple commands into a prepared statement"),
        };
    }

    private static PlannedStatement EmptyStatement { get; } = new(EmptyPlan.Instance, Traits.None, "");

    // The proxy itself may have failed the block, and then the servers know nothing of it.
    private void CheckBlock(PlannedStatement planned, bool allowsEmpty = true)
    {
        // PostgreSQL parses an empty text in a failed block, but does not bind it.
        if (_session.Transaction.Status == TransactionStatus.Failed
            && (!StatementRunner.EndsFailedBlock(planned.Plan) || (planned.Plan is EmptyPlan && !allowsEmpty)))
        {
            throw new SqlErrorException(
                SqlStates.InFailedSqlTransaction,
                "current transaction is aborted, commands ignored until end of transaction block");
        }
    }

    // Each server commits its own implicit transaction at Sync; two that write need a block, which commits them together.
    private async ValueTask CheckWriterAsync(PlannedStatement planned, int shard)
    {
        if (!_session.Transaction.IsOpen && (planned.Traits & Traits.Writes) != 0)
        {
            if (_unit.Writer == SessionTransaction.NoWriter)
                _unit.Writer = shard;
            if (_unit.Writer == shard)
                return;
            await _block.OpenAsync();
        }
        WriterRule.Check(_session, planned, shard);
    }

    /// <summary>Whether one server runs it in the extended protocol itself; the other plans are the runner's.</summary>
    private static bool RunsOnServer(PlannedStatement planned) =>
        planned.Plan is OneShardPlan or GatherPlan { Cursor: null } or SettingPlan { IsFunction: true } or RefusedPlan or UnreadPlan or CursorPlan { Verb: CursorVerb.Fetch };

    private (byte[] Portal, ClientStatement Statement) FindBound(ReadOnlyMemory<byte> body)
    {
        if (!BindMessage.TryRead(body.Span, out var bind))
            throw ExtendedBodies.MalformedBind(body.Span);
        return (bind.Portal.ToArray(), _names.FindStatement(bind.Statement));
    }
}
