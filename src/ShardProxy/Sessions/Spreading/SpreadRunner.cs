using System.Text;
using ShardProxy.Merging;
using ShardProxy.Planning;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Uniqueness;

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
            return await RunAsync(plan, shards, entry, new ClientRequest(text.Whole[text.Start..text.End], default, [], [], IsDescribed: true));
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
            return await RunAsync(plan, Shards(plan, bound.Values(_session)), new ClientRequest(bound.Sql, bound.Body, bound.Types, bound.Formats, IsDescribed: !_session.Relay.DropsRowDescription));
        }
        catch (NotMergeableException) when (plan.Fallback is not null)
        {
            return await otherwise(plan.Fallback);
        }
    }

    /// <summary>An Execute of a portal of the extended protocol. Where it stops at its limit, the portal keeps what is left.</summary>
    public async ValueTask<bool> RunAsync(SpreadPlan plan, ClientPortal portal)
    {
        if (portal.Suspended is { } suspended)
            return await TakeAsync(suspended.Run, suspended.Pump, portal);
        var text = portal.Statement.Text;
        _session.Scanner.Scan(text.Sql, _session.StandardConformingStrings);
        if (Routing.NeedsPlaces(_session, plan, Values(portal)))
            await Routing.PlaceAsync(_session);
        var shards = Shards(plan, Values(portal));
        var entry = plan.Lookup is { } lookup ? EntrySearch.Locate(_session, lookup, Values(portal, EntrySearch.Places())) : null;
        return await RunAsync(plan, shards, entry, new ClientRequest(text.Sql, portal.Bind, text.ParameterTypes, portal.ResultFormats, IsDescribed: false)
        {
            NestedParameterTypes = portal.NestedParameterTypes,
            Portal = portal,
        });
    }

    /// <summary>The shards of a statement of a simple Query.</summary>
    public List<int> ShardsOf(SpreadPlan plan, StatementText text) =>
        Shards(plan, new StatementValues(text.Whole.Span, _session.Scanner) { IsConverted = _session.ConvertsText, Places = _session.Places });

    /// <summary>Runs a statement without parameters for its figures.</summary>
    public async ValueTask MeasureAsync(SpreadPlan plan, List<int> shards, byte[] sql, SpreadMeasure measure) =>
        await RunAsync(plan, shards, new ClientRequest(sql, default, [], [], IsDescribed: false) { Measure = measure });

    /// <summary>First where a global index says that the row is, and then, should it not be there, on the other shards.</summary>
    private async ValueTask<bool> RunAsync(SpreadPlan plan, List<int> shards, (int Shard, ulong Hash)? entry, ClientRequest request)
    {
        if (entry is null || shards.Count == 1 || await EntrySearch.FindAsync(_session, plan.Lookup!, entry.Value) is not { Count: > 0 } first)
            return await RunAsync(plan, shards, request);
        var others = shards.Except(first).ToList();
        return await RunAsync(plan, first, others.Count == 0 ? request : request with { Elsewhere = () => RunAsync(plan, others, request with { IsDescribed = false }) });
    }

    private async ValueTask<bool> RunAsync(SpreadPlan plan, List<int> shards, ClientRequest request)
    {
        try
        {
            return plan.Merge switch
            {
                RowsDraft rows => await MergeRowsAsync(rows, shards, request),
                GroupDraft groups => await GroupAsync(groups, shards, request),
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

    private async ValueTask<bool> ConcatenateAsync(List<int> shards, ClientRequest request)
    {
        var statement = Statement(request.Sql, request);
        var run = await StartAsync(shards, statement, request);
        return await FinishAsync(run, request, run.Description, () => new Concatenation(run.Rows));
    }

    private async ValueTask<bool> MergeRowsAsync(RowsDraft draft, List<int> shards, ClientRequest request)
    {
        var limit = request.Count(draft.Limit, isLimit: true);
        var offset = request.Count(draft.Offset, isLimit: false) ?? 0;
        // The client's text is judged as it stands, so that errors are told in its terms; nothing runs before the types are known.
        var described = await ShardDescription.AskAsync(_session, shards[0], request.Sql, request.ParameterTypes);
        var shardText = Encoding.UTF8.GetBytes(draft.ShardText);
        var probe = await ShardDescription.AskAsync(_session, shards[0], shardText, described.ParameterTypes);
        var spec = Mergeable(draft.Complete(probe.ColumnTypes));
        var formats = new short[draft.VisibleCount + draft.HiddenCount];
        for (var column = 0; column < formats.Length; column++)
            formats[column] = column < draft.VisibleCount ? request.Format(column) : (short)1;
        var statement = Statement(shardText, request) with { ParameterTypes = described.ParameterTypes, Formats = formats };
        var run = await StartAsync(shards, statement, request);
        return await FinishAsync(run, request, request.Describe(run.Description, draft.VisibleCount), () =>
            new MergedRows(new RowMerge(spec, Binding(request) with { Limit = limit, Offset = offset }, run.Rows)));
    }

    private async ValueTask<bool> GroupAsync(GroupDraft draft, List<int> shards, ClientRequest request)
    {
        var described = await ShardDescription.AskAsync(_session, shards[0], request.Sql, request.ParameterTypes);
        var probe = await ShardDescription.AskAsync(_session, shards[0], Encoding.UTF8.GetBytes(draft.Probe), described.ParameterTypes);
        var shape = draft.Complete(probe.ColumnTypes, described.ParameterTypes.Length)
            ?? throw new NotMergeableException();
        Mergeable(shape.Spec);
        var statement = Statement(Encoding.UTF8.GetBytes(shape.ShardText), request) with { ParameterTypes = described.ParameterTypes, Formats = [1] };
        var run = await SpreadRun.StartAsync(_session, shards, _ => statement);
        ArrayCollector arrays;
        CollectedRows merged;
        try
        {
            var binding = Binding(request);
            var merge = new RowMerge(shape.Spec, binding, run.Shards);
            arrays = new ArrayCollector(merge.Columns, binding);
            merged = new CollectedRows(merge, arrays);
            await run.PumpAsync(merged, maxRows: 0);
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
        var last = Statement(Encoding.UTF8.GetBytes(shape.Spec.Finish!.Text), request) with
        {
            ParameterTypes = described.ParameterTypes,
            Formats = [.. request.Formats],
            Arrays = values,
        };
        var finish = await StartAsync([shards[0]], last, request);
        return await FinishAsync(finish, request, request.Describe(described.Frame, int.MaxValue), () => new Concatenation(finish.Rows));
    }

    private async ValueTask<ISpreadRun> StartAsync(List<int> shards, ShardStatement statement, ClientRequest request) =>
        request.Portal is { MaxRows: > 0 and var maxRows }
            ? await SpreadCursor.StartAsync(_session, shards, statement, ++_cursors, maxRows)
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

    private List<int> Shards(SpreadPlan plan, in StatementValues values) =>
        ShardBinder.Shards(plan.Keys, _session.Planning().Routing.Directory, _session.Database.ShardCount, values, _session.Servers.AnyShard());
}
