using ShardProxy.Execution;
using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Extended;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>Runs a <see cref="GatherPlan"/>: in the client's block, or in one of its own in which every shard has one snapshot.</summary>
public sealed class GatherRunner
{
    private readonly Session _session;
    private readonly TransactionRunner _transactions;
    private readonly CopyInput _copyInput;
    private long _count;

    public GatherRunner(Session session, TransactionRunner transactions, CopyInput copyInput)
    {
        _session = session;
        _transactions = transactions;
        _copyInput = copyInput;
    }

    /// <summary>The simple protocol, and what the proxy runs itself of the extended one.</summary>
    public ValueTask<bool> RunAsync(GatherPlan plan, PlannedStatement planned, StatementText text) =>
        ImplicitBlock.RunAsync(_session, _transactions, () => RunInBlockAsync(plan, planned, text), BeginText(planned));

    /// <summary>
    /// Opens the block of a gather where none is open: one snapshot for all tables, as a statement has one. A statement
    /// that may write runs as it would by itself, so that it does not fail for what others have written meanwhile.
    /// </summary>
    public byte[] BeginText(PlannedStatement planned)
    {
        // CREATE TABLE … AS changes no row that others could have changed, and what fills materialized views waits for others first.
        if ((planned.Traits & (Traits.Writes | Traits.ChangesCatalog)) == Traits.Writes && planned.Plan is not GatherPlan { Extends: true })
            return "BEGIN READ WRITE"u8.ToArray();
        return _session.Settings.Find("default_transaction_isolation") is "serializable"
            ? "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE"u8.ToArray()
            : "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE"u8.ToArray();
    }

    /// <summary>Brings the rows together, in the open block.</summary>
    /// <param name="bind">The body of a Bind message; empty for a statement without parameters.</param>
    public async ValueTask<GatherRun> LoadAsync(GatherPlan plan, PlannedStatement planned, ReadOnlyMemory<byte> original, uint[] types, ReadOnlyMemory<byte> bind)
    {
        if (plan.RestsOnDefinitions && _session.Transaction.ChangedCatalog)
        {
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                "the transaction has changed definitions, so what the materialized view is made of is not known before its COMMIT",
                "Commit first, and fill the materialized view in another transaction.");
        }
        if (GatherPlace.OnServer(_session, plan, planned) is { } beside)
        {
            var there = new GatherRun(beside, ++_count, Database.Beside);
            if (await new ServerLoader(_session, there).TryLoadAsync(original, types, bind))
                return there;
        }
        WriterRule.Check(_session, planned, Database.HomeShard);
        var run = new GatherRun(plan, ++_count, GatherPlace.Of(_session, plan, planned));
        await new GatherLoader(_session, run).LoadAsync(original, types, bind);
        return run;
    }

    /// <summary>A statement with parameters whose values are known, for a client that is told of its columns with the rows (unless that is dropped).</summary>
    public ValueTask<bool> RunAsync(GatherPlan plan, PlannedStatement planned, ReadOnlyMemory<byte> sql, ReadOnlyMemory<byte> body, uint[] types) =>
        ImplicitBlock.RunAsync(_session, _transactions, () => RunBoundAsync(plan, planned, sql, body, types), BeginText(planned));

    private async ValueTask<bool> RunBoundAsync(GatherPlan plan, PlannedStatement planned, ReadOnlyMemory<byte> sql, ReadOnlyMemory<byte> body, uint[] types)
    {
        var run = await LoadAsync(plan, planned, sql, types, body);
        var server = _session.Servers.Held(run.Shard)!;
        BindMessage.TryRead(body.Span, out var bind);
        ExtendedUnit.WriteUnnamed(server, run.Text(), types, Disposition.Swallow);
        BindMessage.WriteRenamed(server.Channel.Output, bind, [], []);
        server.Ledger.Expect(ReplyKind.Bind, Disposition.Swallow);
        ExecuteMessage.Write(server.Channel.Output, [], 0);
        server.Ledger.Expect(ReplyKind.Execute, Disposition.Forward);
        server.SendSync(Disposition.Swallow);
        if (!_session.Relay.DropsRowDescription)
            LocalDescription.Write(_session.Client.Output, run.Description, LocalDescription.FormatsOf(bind));
        _session.StartQueryClock();
        await _session.DrainAsync(server, new DescriptionSwap(_session.Relay, _session.Client.Output, []));
        _session.StopClock();
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error with { Position = null });
        if (!await Aftermath.ApplyAsync(_session, server, planned, failed: _session.Relay.ErrorSeen))
            return false;
        if (!_session.Transaction.IsImplicit)
            await DropAsync(run);
        return true;
    }

    /// <summary>EXPLAIN of a statement that is gathered.</summary>
    /// <param name="head">EXPLAIN with its options.</param>
    /// <param name="take">Gets the home shard's answer, while the block is open.</param>
    internal ValueTask<bool> ExplainAsync(
        GatherPlan plan, PlannedStatement planned, BoundText original, string head, Func<GatherRun, IReadOnlyList<string>, ValueTask> take) =>
        ImplicitBlock.RunAsync(
            _session,
            _transactions,
            async () =>
            {
                var run = await LoadAsync(plan, planned, original.Sql, original.Types, original.Bind);
                var server = _session.Servers.Held(run.Shard)!;
                byte[] text = [.. System.Text.Encoding.UTF8.GetBytes(head), .. run.Text()];
                if (original.Bind.IsEmpty)
                    server.SendQuery(text, Disposition.Swallow);
                else
                    new Spreading.ShardStatement(text) { Bind = original.Bind, ParameterTypes = original.Types, Formats = [0] }.Send(_session, server);
                var answer = await new Explaining.ServerExplain().TakeAsync(_session, server);
                if (_session.Relay.SwallowedError is { } error)
                    throw new SqlErrorException(error with { Position = null });
                await take(run, answer);
                if (!_session.Transaction.IsImplicit)
                    await DropAsync(run);
                return true;
            },
            BeginText(planned));

    private async ValueTask<bool> RunInBlockAsync(GatherPlan plan, PlannedStatement planned, StatementText text)
    {
        if (plan.Cursor is not null && _session.Transaction.IsImplicit && !plan.WithHold)
            throw new SqlErrorException(SqlStates.NoActiveSqlTransaction, "DECLARE CURSOR can only be used in transaction blocks");
        GatherRun run;
        try
        {
            run = await LoadAsync(plan, planned, text.Whole[text.Start..text.End], [], default);
        }
        catch (SqlErrorException exception) when (exception.Error.Position is not null)
        {
            throw new SqlErrorException(exception.Error with { Position = exception.Error.Position + text.PositionOffset });
        }
        var server = _session.Servers.Held(run.Shard)!;
        server.SendQuery(run.Text(), Disposition.Forward);
        _session.StartRelay(server);
        _session.Relay.Tap = new DescriptionSwap(_session.Relay, _session.Client.Output, run.Description);
        _session.StartQueryClock();
        while (await _session.PumpAsync(server) == RelayStatus.CopyIn)
            await _copyInput.RelayAsync(server);
        _session.StopClock();
        _session.Relay.Tap = null;
        if (!await Aftermath.ApplyAsync(_session, server, planned, failed: _session.Relay.ErrorSeen))
            return false;
        if (plan.Cursor is not null)
            _session.Cursors.Add(plan.Cursor, Database.HomeShard, _session.Transaction, plan.WithHold);
        else if (!_session.Transaction.IsImplicit)
            await DropAsync(run);
        return true;
    }

    /// <summary>In a block of the client's: the tables would stand until its end, or the gather server's connection be kept.</summary>
    public async ValueTask DropAsync(GatherRun run)
    {
        if (run.Shard == Database.Beside)
        {
            _session.Servers.ReleaseBeside();
            return;
        }
        var server = _session.Servers.Held(run.Shard)!;
        server.SendQuery(_session.Transaction.IsWrapped ? $"{ReadOnlyBlock.Leave};{run.DropText()};{ReadOnlyBlock.Enter}" : run.DropText(), Disposition.Swallow);
        await _session.DrainAsync(server);
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
    }
}
