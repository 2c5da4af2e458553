using System.Text;
using ShardProxy.Merging;
using ShardProxy.Planning;
using ShardProxy.Planning.Merging;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Uniqueness;
using ShardProxy.Sessions.Writing;

namespace ShardProxy.Sessions.Spreading;

/// <summary>Runs a <see cref="SpreadPlan"/>: the shards' rows become the client's.</summary>
public sealed class SpreadRunner
{
    private readonly Session _session;
    private long _cursors;

    public SpreadRunner(Session session) => _session = session;

    /// <summary>A statement of a simple Query.</summary>
    /// <param name="otherwise">Runs the plan's fallback.</param>
    public async ValueTask<bool> RunAsync(SpreadPlan plan, StatementText text, Func<Plan, ValueTask<bool>> otherwise)
    {
        var shards = Shards(plan, new StatementValues(text.Whole.Span, _session.Scanner) { IsConverted = _session.ConvertsText, Places = _session.Places });
        var entry = plan.Lookup is { } lookup
            ? EntrySearch.Locate(_session, lookup, new StatementValues(text.Whole.Span, _session.Scanner) { IsConverted = _session.ConvertsText, Places = EntrySearch.Places() })
            : null;
        try
        {
            return await RunAsync(plan, shards, entry, new ClientRequest(text.Whole[text.Start..text.End], default, [], [], IsDescribed: true) { IsScanned = _session.Scanner.StatementCount == 1 });
        }
        catch (NotMergeableException) when (plan.Fallback is not null)
        {
            return await otherwise(plan.Fallback);
        }
        catch (SqlErrorException exception) when (exception.Error.Position is { } position && text.PositionOffset > 0)
        {
            throw new SqlErrorException(exception.Error with { Position = position + text.PositionOffset });
        }
    }

    /// <summary>A statement with parameters whose values are known.</summary>
    /// <param name="otherwise">Runs the plan's fallback.</param>
    public async ValueTask<bool> RunAsync(SpreadPlan plan, BoundStatement bound, Func<Plan, ValueTask<bool>> otherwise)
    {
        try
        {
            return await RunAsync(plan, Shards(plan, bound.Values(_session)), new ClientRequest(bound.Sql, bound.Body, bound.Types, bound.Formats, IsDescribed: !_session.Relay.DropsRowDescription) { IsScanned = true });
        }
        catch (NotMergeableException) when (plan.Fallback is not null)
        {
            return await otherwise(plan.Fallback);
        }
    }

    /// <summary>An Execute of a portal of the extended protocol. Where it stops at its limit, the portal keeps what is left.</summary>
    /// <param name="otherwise">Runs the plan's fallback.</param>
    public async ValueTask<bool> RunAsync(SpreadPlan plan, ClientPortal portal, Func<Plan, ValueTask<bool>> otherwise)
    {
        if (portal.Suspended is { } suspended)
            return await TakeAsync(suspended.Run, suspended.Pump, portal);
        var text = portal.Statement.Text;
        _session.Scanner.Scan(text.Sql, _session.StandardConformingStrings);
        if (Routing.NeedsPlaces(_session, plan, Values(portal)))
            await Routing.PlaceAsync(_session);
        var shards = Shards(plan, Values(portal));
        var entry = plan.Lookup is { } lookup ? EntrySearch.Locate(_session, lookup, Values(portal, EntrySearch.Places())) : null;
        var request = new ClientRequest(text.Sql, portal.Bind, text.ParameterTypes, portal.ResultFormats, IsDescribed: false)
        {
            NestedParameterTypes = portal.NestedParameterTypes,
            Portal = portal,
            IsScanned = true,
        };
        try
        {
            return await RunAsync(plan, shards, entry, request);
        }
        catch (NotMergeableException) when (plan.Fallback is not null)
        {
            return await otherwise(plan.Fallback);
        }
    }

    /// <summary>The shards of a statement of a simple Query.</summary>
    public List<int> ShardsOf(SpreadPlan plan, StatementText text) =>
        Shards(plan, new StatementValues(text.Whole.Span, _session.Scanner) { IsConverted = _session.ConvertsText, Places = _session.Places });

    public List<int> ShardsOf(SpreadPlan plan, in StatementValues values) => Shards(plan, values);

    /// <summary>Runs a statement for its rows.</summary>
    /// <returns>The RowDescription message, and the rows in the formats that the request asks for.</returns>
    public async ValueTask<(byte[] Frame, List<byte[]?[]> Rows)> ReadAsync(SpreadPlan plan, List<int> shards, ClientRequest request)
    {
        var kept = new KeptAnswer();
        await RunAsync(plan, shards, request with { Kept = kept });
        return (kept.Description, kept.Rows());
    }

    /// <summary>Runs a statement for its figures.</summary>
    public async ValueTask MeasureAsync(SpreadPlan plan, List<int> shards, ClientRequest request) => await RunAsync(plan, shards, request);

    /// <summary>Declares a cursor on each shard. The types are known before.</summary>
    /// <exception cref="NotMergeableException">Nothing is declared.</exception>
    public async ValueTask<MergedCursor> DeclareAsync(DeclarePlan plan, List<int> shards, long number)
    {
        var request = new ClientRequest(Encoding.UTF8.GetBytes(plan.Body), default, [], [], IsDescribed: false);
        await BeforeLocksAsync(plan.Query, shards);
        if (plan.Query.Merge is not RowsDraft draft)
        {
            // Errors are told in the client's terms.
            await ShardDescription.AskAsync(_session, shards[0], request.Sql, []);
            var plain = await SpreadCursor.DeclareAsync(_session, shards, request.Sql, number);
            return new MergedCursor(plan, plain, int.MaxValue, _ => new Concatenation(plain.Rows));
        }
        var spec = Mergeable(draft.Complete((await AskAsync(draft, shards[0], request)).ColumnTypes));
        var run = await SpreadCursor.DeclareAsync(_session, shards, Encoding.UTF8.GetBytes(draft.ShardText), number);
        return new MergedCursor(plan, run, draft.VisibleCount, formats =>
        {
            // A count that is wrong is the first FETCH's error.
            var binding = Binding(request) with { Formats = formats, Limit = request.Count(draft.Limit, isLimit: true), Offset = request.Count(draft.Offset, isLimit: false) ?? 0 };
            return new MergedRows(new RowMerge(spec, binding, run.Rows));
        });
    }

    /// <summary>First where a global index says that the row is, and then, should it not be there, on the other shards.</summary>
    private async ValueTask<bool> RunAsync(SpreadPlan plan, List<int> shards, (int Shard, ulong Hash)? entry, ClientRequest request)
    {
        if (entry is null || shards.Count == 1 || await EntrySearch.FindAsync(_session, plan.Lookup!, entry.Value) is not { Count: > 0 } first)
            return await RunAsync(plan, shards, request);
        var others = shards.Except(first).ToList();
        // No key may move between the two.
        await _session.MoveGate.EnterAsync(stays: true);
        return await RunAsync(plan, first, others.Count == 0 ? request : request with { Elsewhere = () => RunAsync(plan, others, request with { IsDescribed = false }) });
    }

    private async ValueTask<bool> RunAsync(SpreadPlan plan, List<int> shards, ClientRequest request)
    {
        await BeforeLocksAsync(plan, shards);
        // Other sessions have used the scanner while this one waited.
        if (plan.Locks && request.IsScanned)
            _session.Scanner.Scan(request.Sql.Span, _session.StandardConformingStrings);
        if (plan.ClockText is not null)
            (plan, request) = await FillAsync(plan, shards[0], request);
        // Outside of a block nothing stays locked.
        request = request with { Locks = plan.Locks && _session.Transaction.IsOpen && shards.Count > 1 && request.Measure is null };
        try
        {
            return plan.Merge switch
            {
                RowsDraft rows => await MergeRowsAsync(rows, shards, request),
                CombinedDraft groups => await GroupAsync(groups, shards, request),
                _ => await ConcatenateAsync(shards, request),
            };
        }
        catch (NotMergeableException) when (plan.Fallback is null)
        {
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                "the rows of several shards cannot be ordered or combined exactly here: a type or collation of the statement's keys is not one that the proxy compares as PostgreSQL does",
                "Confine the statement to one shard by the key.");
        }
    }

    /// <summary>A row that moves while its shards look for it would be locked on none of them, so statements that move rows are waited for, in a block, where a lock lasts.</summary>
    private async ValueTask BeforeLocksAsync(SpreadPlan plan, List<int> shards)
    {
        if (!plan.Locks)
            return;
        await _session.MoveGate.EnterAsync(stays: true);
        if (!_session.Transaction.IsOpen || shards.Count < 2)
            return;
        foreach (var shard in shards)
            _session.Transaction.AddLocker(shard);
        foreach (var table in plan.Locked)
            await TableLock.ShareAsync(_session, shards, table);
    }

    /// <summary>Puts the time of one shard into the texts.</summary>
    public async ValueTask<(SpreadPlan Plan, ClientRequest Request)> FillAsync(SpreadPlan plan, int shard, ClientRequest request)
    {
        var rows = plan.Merge as RowsDraft;
        var texts = await ShardClock.FillAsync(_session, shard, [new TextEdit(0, 0, plan.ClockText!), new TextEdit(0, 0, rows?.ShardText ?? "")]);
        return (
            plan with { ClockText = null, Merge = rows is null ? null : rows with { ShardText = texts[1].Text } },
            request with { Sql = Encoding.UTF8.GetBytes(texts[0].Text), IsScanned = false });
    }

    private async ValueTask<bool> ConcatenateAsync(List<int> shards, ClientRequest request)
    {
        var statement = Statement(request.Sql, request);
        var run = await StartAsync(shards, statement, request with { Locks = false });
        return await FinishAsync(run, request, run.Description, () => new Concatenation(run.Rows));
    }

    private async ValueTask<bool> MergeRowsAsync(RowsDraft draft, List<int> shards, ClientRequest request)
    {
        var limit = request.Count(draft.Limit, isLimit: true);
        request = request with { Locks = request.Locks && limit is not null };
        var offset = request.Count(draft.Offset, isLimit: false) ?? 0;
        var shape = _session.Scanner.Hash;
        var known = SpreadTypes.Find(_session, request);
        if (known is not null && draft.Complete(known.ColumnTypes) is null)
            known = null;
        var isKnown = known is not null;
        var types = known ?? await AskAsync(draft, shards[0], request);
        var spec = Mergeable(draft.Complete(types.ColumnTypes));
        var formats = new short[draft.VisibleCount + draft.HiddenCount];
        for (var column = 0; column < formats.Length; column++)
            formats[column] = column < draft.VisibleCount ? request.Format(column) : (short)1;
        var statement = Statement(Encoding.UTF8.GetBytes(draft.ShardText), request) with { ParameterTypes = types.ParameterTypes, Formats = formats };
        if (await StartAsync(shards, statement, request, isKnown) is not { } run)
            return await MergeRowsAsync(draft, shards, request with { IsScanned = false });
        if (isKnown && IsOtherwise(run.Description, ShardDescription.TypesOf, types.ColumnTypes))
        {
            await DropAsync(run);
            return await MergeRowsAsync(draft, shards, request with { IsScanned = false });
        }
        if (!isKnown)
            types.Remember(_session, request, shape);
        return await FinishAsync(run, request, request.Describe(run.Description, draft.VisibleCount), () =>
            new MergedRows(new RowMerge(spec, Binding(request) with { Limit = limit, Offset = offset }, run.Rows)));
    }

    private async ValueTask<bool> GroupAsync(CombinedDraft draft, List<int> shards, ClientRequest request)
    {
        var hash = _session.Scanner.Hash;
        var known = SpreadTypes.Find(_session, request);
        if (known is not null && draft.Complete(known.ColumnTypes, known.ParameterTypes.Length) is null)
            known = null;
        var isKnown = known is not null;
        var types = known ?? await AskAsync(draft, shards[0], request);
        var shape = draft.Complete(types.ColumnTypes, types.ParameterTypes.Length)
            ?? throw new NotMergeableException();
        Mergeable(shape.Spec);
        var statement = Statement(Encoding.UTF8.GetBytes(shape.ShardText), request) with { ParameterTypes = types.ParameterTypes, Formats = [1] };
        if (await StartAsync(shards, statement, request with { Portal = null }, isKnown) is not SpreadRun run)
            return await GroupAsync(draft, shards, request with { IsScanned = false });
        if (isKnown && IsOtherwise(run.Description, SpreadTypes.ColumnsOf, types.ShardColumns))
        {
            await DropAsync(run);
            return await GroupAsync(draft, shards, request with { IsScanned = false });
        }
        types = types with { ShardColumns = SpreadTypes.ColumnsOf(run.Description) };
        var arrays = await CollectAsync(run, shape.Spec, request, mayBeTooLarge: draft is CollectDraft);
        var last = Statement(Encoding.UTF8.GetBytes(shape.Spec.Finish!.Text), request) with
        {
            ParameterTypes = types.ParameterTypes,
            Formats = [.. request.Formats],
            Arrays = arrays,
        };
        var finish = await StartAsync([shards[0]], last, request);
        if (isKnown && IsOtherwise(finish.Description, SpreadTypes.ColumnsOf, types.FinishColumns))
        {
            await DropAsync(finish);
            types = await AskAsync(draft, shards[0], request) with { ShardColumns = types.ShardColumns };
            isKnown = false;
            finish = await StartAsync([shards[0]], last, request);
        }
        if (!isKnown && finish.Description.Length > 0)
            (types with { FinishColumns = SpreadTypes.ColumnsOf(finish.Description) }).Remember(_session, request, hash);
        return await FinishAsync(finish, request, request.Describe(types.Frame, int.MaxValue), () => new Concatenation(finish.Rows));
    }

    /// <param name="mayBeTooLarge">What the merge has no room for is left to the plan's fallback.</param>
    private async ValueTask<byte[][]> CollectAsync(SpreadRun run, MergeSpec spec, ClientRequest request, bool mayBeTooLarge)
    {
        ArrayCollector arrays;
        CollectedRows merged;
        try
        {
            var binding = Binding(request);
            var merge = new RowMerge(spec, binding, run.Shards);
            arrays = new ArrayCollector(merge.Columns, binding);
            merged = new CollectedRows(merge, arrays);
            await run.PumpAsync(merged, maxRows: 0);
        }
        catch (SqlErrorException exception) when (mayBeTooLarge && request.Portal is not { MaxRows: > 0 } && exception.Error.SqlState == SqlStates.ProgramLimitExceeded)
        {
            await DropAsync(run);
            throw new NotMergeableException();
        }
        catch (Exception exception) when (exception is SqlErrorException or ServerLostException)
        {
            await run.AbortAsync(exception);
            throw;
        }
        request.Measure?.Note(run, merged.RowCount);
        await run.FinishAsync();
        var values = new byte[arrays.Count][];
        for (var column = 0; column < values.Length; column++)
            values[column] = arrays.Array(column).ToArray();
        return values;
    }

    // The client's text is judged as it stands, so that errors are told in its terms; nothing runs before the types are known.
    private async ValueTask<SpreadTypes> AskAsync(MergeDraft draft, int shard, ClientRequest request)
    {
        var described = await ShardDescription.AskAsync(_session, shard, request.Sql, request.ParameterTypes);
        var probe = await ShardDescription.AskAsync(_session, shard, Encoding.UTF8.GetBytes(draft.Probe), described.ParameterTypes);
        return new SpreadTypes(described.ParameterTypes, probe.ColumnTypes, described.Frame);
    }

    /// <returns>Null when the statement should be asked about after all: it fails, and not in the client's terms.</returns>
    private async ValueTask<ISpreadRun?> StartAsync(List<int> shards, ShardStatement statement, ClientRequest request, bool isKnown)
    {
        try
        {
            return await StartAsync(shards, statement, request);
        }
        catch (SqlErrorException exception) when (isKnown && exception.Error.Position is not null)
        {
            if (_session.Transaction.IsOpen)
                throw new SqlErrorException(exception.Error with { Position = null });
            return null;
        }
    }

    private static bool IsOtherwise<T>(byte[] description, Func<byte[], T[]> read, T[] expected) =>
        description.Length > 0 && !read(description).AsSpan().SequenceEqual(expected);

    // A statement that is cancelled fails its block.
    private ValueTask DropAsync(ISpreadRun run) => _session.Transaction.IsOpen ? run.FinishAsync() : run.AbortAsync();

    private async ValueTask<ISpreadRun> StartAsync(List<int> shards, ShardStatement statement, ClientRequest request) =>
        request.Portal is { MaxRows: > 0 } || request.Locks
            ? await SpreadCursor.StartAsync(_session, shards, statement, ++_cursors, request.Portal?.MaxRows ?? 0, request.Locks)
            : await SpreadRun.StartAsync(_session, shards, _ => statement);

    private async ValueTask<bool> TakeAsync(ISpreadRun run, IRowPump pump, ClientPortal portal, Func<ValueTask<bool>>? elsewhere = null)
    {
        var before = pump.RowCount;
        portal.Suspended = null;
        bool isDone;
        try
        {
            isDone = await run.PumpAsync(pump, portal.MaxRows == 0 ? 0 : before + portal.MaxRows);
        }
        catch (Exception exception) when (exception is SqlErrorException or ServerLostException)
        {
            await run.AbortAsync(exception);
            throw;
        }
        if (!isDone)
        {
            portal.Suspended = new SpreadPortal(run, pump);
            PortalSuspendedMessage.Write(_session.Client.Output);
            return true;
        }
        await run.FinishAsync();
        if (pump.RowCount == 0 && elsewhere is not null)
            return await elsewhere();
        CommandCompleteMessage.Write(_session.Client.Output, "SELECT "u8, pump.RowCount - before);
        return true;
    }

    private async ValueTask<bool> FinishAsync(ISpreadRun run, ClientRequest request, byte[] description, Func<IRowPump> rows)
    {
        IRowPump pump;
        try
        {
            pump = request.Measure is null ? rows() : new DiscardedRows(rows());
            if (request.Kept is { } kept)
                pump = kept.Take(description, pump, _session.Database.Limits.MergeBytes);
            if (request.IsDescribed)
                _session.Client.Output.Write(description);
            if (request.Portal is null)
                await run.PumpAsync(pump, maxRows: 0);
        }
        catch (Exception exception) when (exception is SqlErrorException or ServerLostException)
        {
            await run.AbortAsync(exception);
            throw;
        }
        if (request.Portal is not null)
            return await TakeAsync(run, pump, request.Portal, request.Elsewhere);
        if (request.Measure is { } measure && run is SpreadRun measured)
        {
            measure.Note(measured, pump.RowCount);
            await run.FinishAsync();
            return true;
        }
        await run.FinishAsync();
        if (request.Kept is not null)
            return true;
        if (pump.RowCount == 0 && request.Elsewhere is { } elsewhere)
            return await elsewhere();
        CommandCompleteMessage.Write(_session.Client.Output, "SELECT "u8, pump.RowCount);
        return true;
    }

    private static ShardStatement Statement(ReadOnlyMemory<byte> sql, ClientRequest request) => new(sql)
    {
        Bind = request.Bind,
        ParameterTypes = request.ParameterTypes,
        NestedParameterTypes = request.NestedParameterTypes,
    };

    private MergeBinding Binding(ClientRequest request) => new()
    {
        Formats = request.Formats,
        MaxBytes = _session.Database.Limits.MergeBytes,
        ExtraFloatDigits = int.TryParse(_session.Settings.Find("extra_float_digits"), out var digits) ? digits : 1,
    };

    /// <summary>Text arrives in the client's encoding, whose bytes may be in another order than the server's.</summary>
    public static bool IsMergeable(Session session, MergeSpec? spec) => spec is not null && !(session.ConvertsText && ComparesText(spec));

    private MergeSpec Mergeable(MergeSpec? spec) => IsMergeable(_session, spec) ? spec! : throw new NotMergeableException();

    private static bool ComparesText(MergeSpec spec) =>
        spec.Columns.Any(static column => column.Type is Protocol.Values.TypeOid.Text or Protocol.Values.TypeOid.Varchar or Protocol.Values.TypeOid.Bpchar or Protocol.Values.TypeOid.Name);

    private StatementValues Values(ClientPortal portal) => Values(portal, _session.Places);

    private StatementValues Values(ClientPortal portal, KeyPlaces? places)
    {
        BindMessage.TryRead(portal.Bind.Span, out var bind);
        return new StatementValues(portal.Statement.Text.Sql, _session.Scanner, bind, portal.ParameterTypes) { IsConverted = _session.ConvertsText, Places = places };
    }

    private List<int> Shards(SpreadPlan plan, in StatementValues values)
    {
        if (plan.Keys.Sets is null)
            _session.ChosenUnder = null;
        return ShardBinder.Shards(plan.Keys, _session.Planning().Routing.Directory, _session.Database.ShardCount, values, _session.Servers.AnyShard());
    }
}
