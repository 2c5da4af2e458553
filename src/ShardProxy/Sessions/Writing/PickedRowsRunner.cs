using System.Text;
using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Running.Gathering;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>Runs the subqueries of a <see cref="PickedRowsDraft"/> in the open block, and puts their rows into the statement's text.</summary>
internal sealed class PickedRowsRunner(Session session, SpreadRunner spread, GatherRunner gathers)
{
    /// <param name="types">Of the client's parameters.</param>
    public async ValueTask<byte[]> RewriteAsync(WriteJob job, PickedRowsDraft draft, uint[] types)
    {
        var edits = job.Edits.Select(edit => edit with { Start = edit.Start - job.Offset, End = edit.End - job.Offset }).ToList();
        var text = new PickedRowsText(session);
        var request = job.Request with { ParameterTypes = types, Formats = [0], IsDescribed = false, Portal = null, Elsewhere = null, IsScanned = false };
        foreach (var pick in draft.Picks)
        {
            var (start, end) = (pick.Start - job.Offset, pick.End - job.Offset);
            var sql = TextEdits.Apply(job.Request.Sql.Span, start, end, [.. edits.OrderBy(static edit => edit.Start)]);
            var (frame, rows) = await ReadAsync(request with { Sql = sql });
            edits.Add(new TextEdit(start, end, await text.WriteAsync(frame, rows, pick.Form)));
        }
        // A subquery's own edits begin behind it, and are passed over.
        return TextEdits.Apply(job.Request.Sql.Span, 0, job.Request.Sql.Length, [.. edits.OrderBy(static edit => edit.Start)]);
    }

    private async ValueTask<(byte[] Frame, List<byte[]?[]> Rows)> ReadAsync(ClientRequest request)
    {
        session.Scanner.Scan(request.Sql.Span, session.StandardConformingStrings);
        var template = await Routing.TemplateAsync(session, request.Sql);
        if (template.Statements is not [var planned])
            throw CannotRead();
        if (Routing.NeedsPlaces(session, planned.Plan, Values(request)))
            await Routing.PlaceAsync(session, mayPlace: false);
        var plan = planned.Plan;
        if (plan is OneShardPlan one)
        {
            plan = Routing.Choose(session, one, Values(request), out var shard);
            if (ReferenceEquals(plan, one))
                return await OnAsync([shard], Statement(request));
        }
        if (plan is ReplanPlan)
            plan = Routing.Replan(session, request.Sql.Span, 0).Plan;
        if (plan is SpreadPlan several)
        {
            try
            {
                return await spread.ReadAsync(several, spread.ShardsOf(several, Values(request)), request);
            }
            catch (NotMergeableException) when (several.Fallback is not null)
            {
                plan = several.Fallback;
            }
        }
        return plan switch
        {
            GatherPlan gather => await GatherAsync(gather, request),
            CountEverywherePlan => await CountAsync(request),
            RefusedPlan refused => throw Routing.Refuse(refused),
            _ => throw CannotRead(),
        };
    }

    private async ValueTask<(byte[] Frame, List<byte[]?[]> Rows)> GatherAsync(GatherPlan gather, ClientRequest request)
    {
        var run = await gathers.LoadAsync(gather with { MayRunAnywhere = false }, new PlannedStatement(gather, Traits.None, "select"), request.Sql, request.ParameterTypes, request.Bind);
        var answer = await OnAsync([Database.HomeShard], Statement(request with { Sql = run.Text() }));
        if (!session.Transaction.IsImplicit)
            await gathers.DropAsync(run);
        return answer;
    }

    private async ValueTask<(byte[] Frame, List<byte[]?[]> Rows)> CountAsync(ClientRequest request)
    {
        var (frame, rows) = await OnAsync([.. Enumerable.Range(0, session.Database.ShardCount)], Statement(request));
        var count = rows.Sum(static row => long.Parse(Encoding.ASCII.GetString(row[0]!), System.Globalization.CultureInfo.InvariantCulture));
        return (frame, [[Encoding.ASCII.GetBytes(count.ToString(System.Globalization.CultureInfo.InvariantCulture))]]);
    }

    private async ValueTask<(byte[] Frame, List<byte[]?[]> Rows)> OnAsync(IReadOnlyList<int> shards, ShardStatement statement)
    {
        var run = await SpreadRun.StartAsync(session, shards, _ => statement);
        var rows = new CollectedValues(run.Shards, session.Database.Limits.MergeBytes);
        await run.RunToEndAsync(rows);
        return (run.Description, rows.Rows);
    }

    private StatementValues Values(ClientRequest request) => BindMessage.TryRead(request.Bind.Span, out var bind)
        ? new StatementValues(request.Sql.Span, session.Scanner, bind, request.ParameterTypes) { IsConverted = session.ConvertsText, Places = session.Places }
        : new StatementValues(request.Sql.Span, session.Scanner) { IsConverted = session.ConvertsText, Places = session.Places };

    private static ShardStatement Statement(ClientRequest request) => new(request.Sql)
    {
        Bind = request.Bind,
        ParameterTypes = request.ParameterTypes,
        NestedParameterTypes = request.NestedParameterTypes,
        Formats = [0],
    };

    private static SqlErrorException CannotRead() => new(
        SqlStates.FeatureNotSupported, "a subquery of the statement does not run by itself over several shards", "Run it first, and give its rows to the statement.");
}
