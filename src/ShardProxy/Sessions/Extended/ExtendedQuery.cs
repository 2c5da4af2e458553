using ShardProxy.Execution;
using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Extended;

/// <summary>
/// The extended protocol on the general path, message by message, for any legal order. Replies come in the order of the
/// messages because only one server at a time owes any: before another is used, the one at hand is asked to flush and is
/// read until it owes nothing. A Parse is held back until the next message says which server needs it.
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
    private readonly Session _session;
    private readonly StatementRunner _runner;
    private ServerConnection? _current;
    private ClientStatement? _pendingParse;
    private bool _isSkipping;
    private readonly UnitEnd _unitEnd;
    private readonly ExtendedNames _names;
    private readonly BindShard _shards;
    private readonly NestedTypesLookup _nested;
    private int _writer = SessionTransaction.NoWriter;

    // In an implicit transaction the catalog has changed only once Sync has committed.
    private readonly List<(ServerConnection Server, PlannedStatement Planned)> _aftermath = [];

    private readonly UnitParses _parses;
    private readonly ImplicitUnit _implicit;

    public ExtendedQuery(Session session, StatementRunner runner)
    {
        _session = session;
        _runner = runner;
        _unitEnd = new UnitEnd(session, runner);
        _names = new ExtendedNames(session);
        _parses = new UnitParses(session);
        _implicit = new ImplicitUnit(session);
        var types = new ParameterTypeLookup(session, UseAsync);
        _shards = new BindShard(session, types);
        _nested = new NestedTypesLookup(session, types);
    }

    /// <summary>Between units: the next message starts a new one.</summary>
    public bool IsIdle => _current is null && _pendingParse is null && !_isSkipping;

    /// <summary>
    /// Before a simple Query. In the midst of a unit it ends the unit as Sync would, and is answered after the unit's
    /// messages; false when an error among them makes the server side ignore everything until Sync.
    /// </summary>
    public async ValueTask<bool> TryEndUnitAsync()
    {
        if (IsIdle)
            return true;
        if (!_isSkipping)
            await GuardAsync(ResolveParseAsync);
        if (_isSkipping)
            return false;
        if (await _unitEnd.RunAsync(failed: false, _writer))
            await ApplyUnitAsync();
        _isSkipping = _session.Relay.ErrorSeen;
        ResetUnit();
        return !_isSkipping;
    }

    /// <summary>A COPY that the fast path has run has swallowed the Sync of its unit: the client's next one ends it.</summary>
    public void ContinueUnit(ServerConnection server)
    {
        _current = server;
        server.NeedsSync = true;
    }

    /// <param name="body">A copy of the message's body.</param>
    public async ValueTask HandleAsync(byte type, ReadOnlyMemory<byte> body)
    {
        if (type == FrontendMessageType.Sync)
        {
            if (!body.IsEmpty && !_isSkipping)
                await GuardAsync(static () => throw ExtendedBodies.Malformed("Sync"));
            await SyncAsync();
            return;
        }
        if (!_isSkipping)
            await GuardAsync(() => DispatchAsync(type, body));
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
        await ResolveParseAsync();
        await SettleAsync();
    }

    private async ValueTask GuardAsync(Func<ValueTask> step)
    {
        try
        {
            await step();
        }
        catch (UnitSkippedException)
        {
            // The server has failed something before: its error is with the client already.
            _isSkipping = true;
            _session.Transaction.Fail();
        }
        catch (SqlErrorException exception)
        {
            await FailAsync(exception.Error);
        }
        catch (ServerLostException lost)
        {
            if (ReferenceEquals(_current, lost.Server))
                _current = null;
            await FailAsync(ServerLoss.Handle(_session, lost));
        }
    }

    private async ValueTask ParseAsync(ReadOnlyMemory<byte> body)
    {
        await ResolveParseAsync();
        var (name, sql, types) = ExtendedBodies.Parse(body.Span);
        var text = name.Length == 0
            ? PreparedText.Unnamed(sql, types)
            : _session.Database.PreparedTexts.Intern(sql, types, _session.Planning().Routing.Version);
        var statement = new ClientStatement(text, name.Length == 0);
        var planned = await PlanAsync(statement);
        CheckBlock(planned);
        if (name.Length > 0 && _session.Prepared.TryGetStatement(name, out _))
            throw new SqlErrorException(SqlStates.DuplicatePreparedStatement, $"prepared statement \"{ExtendedNames.Text(name)}\" already exists");
        if (planned.Plan is RefusedPlan refused && !Routing.TryHint(_session, sql, out _))
            throw Routing.Refuse(refused);
        _session.Prepared.SetStatement(name, statement);
        _parses.Add(name, statement);
        if (RunsOnServer(planned))
            _pendingParse = statement;
        else
            Reply(ReplyKind.Parse);
    }

    private async ValueTask BindAsync(ReadOnlyMemory<byte> body)
    {
        var (portalName, statement) = FindBound(body.Span);
        var owesParse = ReferenceEquals(_pendingParse, statement);
        if (!owesParse)
            await ResolveParseAsync();
        var planned = await PlanAsync(statement);
        CheckBlock(planned, allowsEmpty: false);
        if (!RunsOnServer(planned))
        {
            _session.Prepared.SetPortal(portalName, new ClientPortal(statement, planned, null) { ResultFormats = LocalDescription.Formats(planned, body.Span) });
            Reply(ReplyKind.Bind);
            return;
        }
        var shard = await _shards.ChooseAsync(statement, planned, body);
        CheckWriter(planned, shard);
        var nested = await _nested.ResolveAsync(shard, statement, planned, body);
        var server = await UseAsync(shard);
        _pendingParse = null;
        WriteParse(server, statement, owesParse);
        WriteBind(server, statement, body.Span, nested.Parameters);
        _session.Prepared.SetPortal(portalName, new ClientPortal(statement, planned, server) { RowTypes = nested.Rows });
    }

    private async ValueTask DescribeAsync(ReadOnlyMemory<byte> body)
    {
        var (kind, name) = ExtendedBodies.Describe(body.Span);
        if (kind == PreparedKind.Portal)
        {
            await ResolveParseAsync();
            var portal = _names.FindPortal(name);
            if (portal.Server is not { } where)
            {
                await SettleAsync();
                if (_isSkipping)
                    return;
                if (portal.Planned.Plan is CountEverywherePlan)
                    await DescribeCountAsync(portal);
                else
                    LocalDescription.Write(_session.Client.Output, portal.Planned.Plan);
                return;
            }
            await UseAsync(where.Shard);
            DescribeMessage.Write(where.Channel.Output, PreparedKind.Portal, name);
            where.Ledger.Expect(ReplyKind.DescribePortal, Disposition.Forward);
            return;
        }
        var statement = _names.FindStatement(name);
        var owesParse = ReferenceEquals(_pendingParse, statement);
        if (!owesParse)
            await ResolveParseAsync();
        var planned = await PlanAsync(statement);
        if (!RunsOnServer(planned) && planned.Plan is not CountEverywherePlan)
        {
            await SettleAsync();
            if (_isSkipping)
                return;
            ParameterDescriptionMessage.Write(_session.Client.Output, statement.Text.ParameterTypes);
            LocalDescription.Write(_session.Client.Output, planned.Plan);
            return;
        }
        // Any shard can describe it; a further one would only have to join for it.
        var server = await UseAsync(_session.Servers.AnyShard());
        _pendingParse = null;
        WriteParse(server, statement, owesParse);
        DescribeMessage.Write(server.Channel.Output, PreparedKind.Statement, statement.Text.ServerName);
        server.Ledger.Expect(ReplyKind.DescribeStatement, Disposition.Forward);
    }

    // The portal is nowhere, so its description is that of the statement, in the formats that Bind asked for.
    private async ValueTask DescribeCountAsync(ClientPortal portal)
    {
        var server = await UseAsync(_session.Servers.AnyShard());
        WriteParse(server, portal.Statement, isOwed: false);
        DescribeMessage.Write(server.Channel.Output, PreparedKind.Statement, portal.Statement.Text.ServerName);
        server.Ledger.Expect(ReplyKind.DescribeStatement, Disposition.Swallow);
        FlushMessage.Write(server.Channel.Output);
        var tap = new DescriptionTap();
        await _session.DrainAsync(server, tap);
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
        tap.WriteTo(_session.Client.Output, portal.ResultFormats);
    }

    private async ValueTask ExecuteAsync(ReadOnlyMemory<byte> body)
    {
        await ResolveParseAsync();
        var (name, maxRows) = ExtendedBodies.Execute(body.Span);
        var portal = _names.FindPortal(name);
        // A server that has failed the block knows better what has become of the portal.
        if (portal.Server is not { TransactionStatus: (byte)TransactionStatus.Failed })
            CheckBlock(portal.Planned);
        if (portal.Server is { } server)
        {
            if (server.State != ServerState.Leased || !ReferenceEquals(_session.Servers.Held(server.Shard), server))
                throw ExtendedNames.NoPortal(name);
            // Rows to be translated are taken by themselves, so that no other portal's are mistaken for them.
            if (portal.RowTypes is not null)
                await SettleAsync();
            if (_isSkipping)
                return;
            await UseAsync(server.Shard);
            ExecuteMessage.Write(server.Channel.Output, name, maxRows);
            _session.LastExecuted = portal;
            server.Ledger.Expect(ReplyKind.Execute, Disposition.Forward);
            if (portal.RowTypes is not null)
                await SettleAsync(portal.RowTypes);
            if (_isSkipping)
                return;
            if (portal.Planned.Plan is SettingPlan || portal.Planned.Traits != Traits.None)
                await ExecuteWithAftermathAsync(server, portal);
            return;
        }
        await SettleAsync();
        if (!_isSkipping)
            await RunLocallyAsync(portal, name);
    }

    // What must be known before the next message: pins, taints, settings. The reply is waited for.
    private async ValueTask ExecuteWithAftermathAsync(ServerConnection server, ClientPortal portal)
    {
        var traits = portal.Planned.Traits;
        if ((traits & Traits.Taints) != 0)
            server.IsTainted = true;
        const Traits NeedReply = Traits.Pins | Traits.Unpins | Traits.ChangesCatalog | Traits.CreatesTemporary;
        if ((traits & NeedReply) == 0 && portal.Planned.Plan is not SettingPlan)
            return;
        await SettleAsync();
        if (_isSkipping)
            return;
        if (portal.Planned.Plan is SettingPlan setting)
            await _runner.Settings.RememberFunctionAsync(setting, server);
        else if ((traits & (Traits.ChangesCatalog | Traits.CreatesTemporary)) != 0 && !_session.Transaction.IsOpen)
            _aftermath.Add((server, portal.Planned));
        else
            await Aftermath.ApplyAsync(_session, server, portal.Planned, failed: false);
    }

    private async ValueTask RunLocallyAsync(ClientPortal portal, byte[] name)
    {
        if (portal.HasRun)
            throw new SqlErrorException(SqlStates.ObjectNotInPrerequisiteState, $"portal \"{ExtendedNames.Text(name)}\" cannot be run");
        portal.HasRun = true;
        var sql = portal.Statement.Text.Sql;
        if (portal.Planned.Plan is TransactionPlan { Verb: TransactionVerb.Begin } && !_session.Transaction.IsOpen)
            await _implicit.AdoptAsync();
        else if (!_session.Transaction.IsOpen && await _implicit.EndAsync(portal.Planned.Verb, _writer))
            _current = null;
        _session.Scanner.Scan(sql, _session.StandardConformingStrings);
        var (start, end) = _session.Scanner.StatementCount == 1 ? _session.Scanner.GetStatement(0) : (0, sql.Length);
        _session.Relay.DropsRowDescription = true;
        _runner.Counts.Formats = portal.ResultFormats;
        try
        {
            _isSkipping = !await _runner.RunAsync(portal.Planned, new StatementText(sql, start, end));
        }
        finally
        {
            _session.Relay.DropsRowDescription = false;
            _runner.Counts.Formats = [];
        }
    }

    private async ValueTask CloseAsync(ReadOnlyMemory<byte> body)
    {
        await ResolveParseAsync();
        var (kind, name) = ExtendedBodies.Close(body.Span);
        if (kind == PreparedKind.Statement)
        {
            // A Close behind an error is skipped, so what went before must be known to have gone well.
            await SettleAsync();
            if (_isSkipping)
                return;
            _session.Prepared.RemoveStatement(name);
            Reply(ReplyKind.Close);
            return;
        }
        if (_session.Prepared.TryGetPortal(name, out var portal) && portal.Server is { State: ServerState.Leased } server
            && ReferenceEquals(_session.Servers.Held(server.Shard), server))
        {
            await UseAsync(server.Shard);
            CloseMessage.Write(server.Channel.Output, PreparedKind.Portal, name);
            server.Ledger.Expect(ReplyKind.Close, Disposition.Forward);
        }
        else
        {
            Reply(ReplyKind.Close);
        }
        _session.Prepared.RemovePortal(name);
    }

    private async ValueTask SyncAsync()
    {
        if (!_isSkipping)
            await GuardAsync(ResolveParseAsync);
        _pendingParse = null;
        if (!await _unitEnd.RunAsync(_isSkipping, _writer))
            return;
        await ApplyUnitAsync();
        EndUnit();
    }

    private async ValueTask ApplyUnitAsync()
    {
        if (_isSkipping || _session.Relay.ErrorSeen)
        {
            _parses.ForgetUnconfirmed();
            return;
        }
        foreach (var (server, planned) in _aftermath)
            await Aftermath.ApplyAsync(_session, server, planned, failed: false);
    }

    private void ResetUnit()
    {
        _current = null;
        _pendingParse = null;
        _aftermath.Clear();
        _parses.Clear();
        _writer = SessionTransaction.NoWriter;
    }

    private void EndUnit()
    {
        _isSkipping = false;
        ResetUnit();
        if (!_session.Transaction.IsOpen)
            _session.Prepared.ClearPortals();
        _session.WriteReady();
        _session.Servers.ReleaseIdle();
    }

    private async ValueTask FailAsync(ServerError error)
    {
        try
        {
            // The client is told of its Parse before it is told of what failed behind it; the server may say more of the text.
            await ResolveParseAsync();
            await SettleAsync();
        }
        catch (ServerLostException lost)
        {
            _current = null;
            ServerLoss.Handle(_session, lost);
        }
        catch (Exception exception) when (exception is SqlErrorException or UnitSkippedException)
        {
            // There is an error to tell already.
        }
        _pendingParse = null;
        if (_isSkipping)
            return;
        _runner.Fail(error);
        _isSkipping = true;
    }

    /// <summary>Reads everything that the current server owes, so that something else may be said to the client.</summary>
    private async ValueTask SettleAsync(uint[]? rowTypes = null)
    {
        if (_current is not { } server || server.Ledger.IsEmpty)
            return;
        FlushMessage.Write(server.Channel.Output);
        _session.StartRelay(server);
        _session.Relay.KeepsRowTypes = true;
        _session.Relay.TranslateRows(rowTypes);
        _session.StartQueryClock();
        while (await _session.PumpAsync(server) == RelayStatus.CopyIn)
            await _runner.CopyInput.RelayAsync(server);
        _session.StopClock();
        if (!_session.Relay.ErrorSeen)
            return;
        _isSkipping = true;
        server.UnnamedOwner = null;
        _session.Transaction.Fail();
    }

    private async ValueTask<ServerConnection> UseAsync(int shard)
    {
        if (_current is not null && _current.Shard != shard)
        {
            await SettleAsync();
            if (_isSkipping)
                throw new UnitSkippedException();
        }
        var server = await _session.Servers.GetAsync(shard);
        server.NeedsSync = true;
        _current = server;
        return server;
    }

    /// <summary>A Parse that no Bind followed is sent now, so that its errors come where they belong.</summary>
    private async ValueTask ResolveParseAsync()
    {
        if (_pendingParse is not { } statement)
            return;
        if (!statement.IsUnnamed && ReferenceEquals(statement.Text.AcceptedUnder, _session.Planning()))
        {
            _pendingParse = null;
            Reply(ReplyKind.Parse);
            return;
        }
        var server = await UseAsync(_session.Servers.AnyShard());
        _pendingParse = null;
        WriteParse(server, statement, isOwed: true);
    }

    private void WriteParse(ServerConnection server, ClientStatement statement, bool isOwed)
    {
        var disposition = isOwed ? Disposition.Forward : Disposition.Swallow;
        if (!statement.IsUnnamed)
        {
            if (!PreparedRunner.SendParse(server, statement.Text, _session, disposition) && isOwed)
                server.Ledger.Expect(ReplyKind.Parse, Disposition.MakeUp);
            return;
        }
        if (!isOwed && ReferenceEquals(server.UnnamedOwner, statement))
            return;
        ParseMessage.Write(server.Channel.Output, [], statement.Text.Sql, PreparedRunner.LocalTypes(_session, server, statement.Text));
        server.PendingParses.Enqueue(null);
        server.UnnamedOwner = statement;
        server.Ledger.Expect(ReplyKind.Parse, disposition);
    }

    private void WriteBind(ServerConnection server, ClientStatement statement, ReadOnlySpan<byte> body, uint[]? nested)
    {
        BindMessage.TryRead(body, out var bind);
        var output = server.Channel.Output;
        var before = output.Count;
        BindMessage.WriteRenamed(output, bind, bind.Portal, statement.Text.ServerName);
        if (nested is not null)
            NestedTypesLookup.Translate(output, output.Count - before, nested, _session.ObjectIds(server.Shard));
        server.Ledger.Expect(ReplyKind.Bind, Disposition.Forward);
    }

    // '1', '2' and '3' of the proxy's own, behind what the current server still owes.
    private void Reply(ReplyKind kind)
    {
        if (_current is { Ledger.IsEmpty: false } server)
        {
            server.Ledger.Expect(kind, Disposition.MakeUp);
            return;
        }
        switch (kind)
        {
            case ReplyKind.Parse:
                ParseCompleteMessage.Write(_session.Client.Output);
                _parses.CountAnswered();
                break;
            case ReplyKind.Bind:
                BindCompleteMessage.Write(_session.Client.Output);
                break;
            default:
                CloseCompleteMessage.Write(_session.Client.Output);
                break;
        }
    }

    private async ValueTask<PlannedStatement> PlanAsync(ClientStatement statement)
    {
        if (statement.PlanUnder(_session.Planning()) is { } planned)
            return planned;
        var sql = statement.Text.Sql;
        _session.Scanner.Scan(sql, _session.StandardConformingStrings);
        var template = await Routing.TemplateAsync(_session, sql);
        planned = template.Statements.Length switch
        {
            0 => EmptyStatement,
            1 => template.Statements[0],
            _ => throw new SqlErrorException(SqlStates.SyntaxError, "cannot insert multiple commands into a prepared statement"),
        };
        statement.SetPlan(_session.Planning(), planned);
        return planned;
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

    private void CheckWriter(PlannedStatement planned, int shard)
    {
        if (_session.Transaction.IsOpen)
        {
            WriterRule.Check(_session, planned, shard);
            return;
        }
        if ((planned.Traits & Traits.Writes) == 0 || _writer == shard)
            return;
        if (_writer != SessionTransaction.NoWriter)
        {
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                $"the pipeline has written on shard \"{_session.Database.ShardName(_writer)}\" and this statement would write on shard \"{_session.Database.ShardName(shard)}\" in the same implicit transaction",
                "Send Sync between the two: transactions that write on several shards need two-phase commit, which this version does not have.");
        }
        _writer = shard;
    }

    /// <summary>Whether one server runs it in the extended protocol itself; the other plans are the runner's.</summary>
    private static bool RunsOnServer(PlannedStatement planned) =>
        planned.Plan is OneShardPlan or SettingPlan { IsFunction: true } or RefusedPlan or UnreadPlan or CursorPlan { Verb: CursorVerb.Fetch };

    private (byte[] Portal, ClientStatement Statement) FindBound(ReadOnlySpan<byte> body)
    {
        if (!BindMessage.TryRead(body, out var bind))
            throw ExtendedBodies.MalformedBind(body);
        return (bind.Portal.ToArray(), _names.FindStatement(bind.Statement));
    }
}
