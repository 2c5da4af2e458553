using System.Text;
using ShardProxy.Planning;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>
/// Runs a <see cref="StepsDraft"/> in the open block: each step is planned as a statement of its own, with the rows of earlier ones as
/// parameters. The last one's rows are the client's.
/// </summary>
internal sealed class StepsRunner(Session session, WriteRunner writes)
{
    private const string ForeignKeyViolation = "23503";

    /// <returns>Rows of the whole statement's tag.</returns>
    public async ValueTask<long> RunAsync(WriteJob job, StepsDraft draft)
    {
        var described = await StatementCheck.AskAsync(session, job.Request, draft.Command);
        var returned = new ReturnedRows[draft.Steps.Length];
        try
        {
            for (var index = 0; index < draft.Steps.Length - 1; index++)
            {
                var step = draft.Steps[index];
                var (plan, planned, bound) = await FindAsync(job, step, described, returned, formats: []);
                if (!MayRun(plan, step, isFirst: index == 0) || plan is not WritePlan { Draft: OwnRowsDraft or SplitRowsDraft or OneShardDraft } write)
                    throw Refuse(step);
                var messages = new ByteBuffer();
                await writes.StepAsync(write, planned.Verb, bound, messages);
                returned[index] = new ReturnedRows(step, messages.Unread);
            }
            return await RunLastAsync(job, draft, described, returned);
        }
        catch (SqlErrorException exception) when (draft.Steps.Length > 1 && exception.Error.SqlState == ForeignKeyViolation)
        {
            // PostgreSQL looks when all parts are done.
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported, $"a foreign key does not hold when one part of WITH is done, and the parts run one after the other: {exception.Error.Message}", "Run the parts as statements of one transaction, in the order that the foreign key needs.");
        }
    }

    private async ValueTask<long> RunLastAsync(WriteJob job, StepsDraft draft, ShardDescription described, ReturnedRows[] returned)
    {
        var last = draft.Steps[^1];
        var (plan, planned, bound) = await FindAsync(job, last, described, returned, job.Request.Formats);
        if (plan is WritePlan { Draft: not StepsDraft } write && MayRun(plan, last, isFirst: draft.Steps.Length == 1))
            return await writes.StepAsync(write, planned.Verb, bound, sink: null, job.Request.IsDescribed);
        // Of the shards in the transaction any will do; it reads nothing there.
        if (plan is not OneShardPlan { Choice: not KeyedShard } || draft.Command != "SELECT")
            throw Refuse(last);
        var statement = new ShardStatement(bound.Sql) { Bind = bound.Body, ParameterTypes = bound.Types, NestedParameterTypes = bound.NestedTypes };
        var run = await SpreadRun.StartAsync(session, [session.Servers.AnyShard()], _ => statement);
        var pump = new Concatenation(run.Shards);
        await run.RunToEndAsync(pump, () =>
        {
            if (job.Request.IsDescribed)
                session.Client.Output.Write(job.Request.Describe(described.Frame, int.MaxValue));
        });
        return run.AffectedCount;
    }

    private async ValueTask<(Plan Plan, PlannedStatement Planned, BoundStatement Bound)> FindAsync(
        WriteJob job, WriteStep step, ShardDescription described, ReturnedRows[] returned, IReadOnlyList<short> formats)
    {
        var (plan, planned, bound) = await BoundPlans.FindAsync(session, Bind(job.Request, step, described.ParameterTypes, returned, formats));
        return (plan is RefusedPlan refused ? throw Routing.Refuse(refused) : BoundPlans.AsWrite(plan), planned, bound);
    }

    /// <summary>Only the first step may look at tables: the others would see what it has done.</summary>
    private static bool MayRun(Plan plan, WriteStep step, bool isFirst) =>
        isFirst || step.HasValues || plan is WritePlan { Draft: MovedRowsDraft { Select: OneShardPlan { Choice: not KeyedShard } } };

    private static BoundStatement Bind(ClientRequest request, WriteStep step, uint[] types, ReturnedRows[] returned, IReadOnlyList<short> resultFormats)
    {
        var values = new List<byte[]?>();
        var formats = new List<short>();
        if (BindMessage.TryRead(request.Bind.Span, out var bind))
        {
            for (var parameter = 0; parameter < bind.ParameterCount; parameter++)
            {
                values.Add(bind.TryGetParameter(parameter, out var value, out var isNull) && !isNull ? value.ToArray() : null);
                formats.Add(bind.ParameterFormat(parameter));
            }
        }
        var parts = new List<string>();
        foreach (var table in step.Tables)
        {
            if (table.Text is { } text)
            {
                parts.Add(text);
                continue;
            }
            parts.Add(returned[table.Step].Text(values.Count + 1));
            values.AddRange(returned[table.Step].Values);
        }
        formats.AddRange(Enumerable.Repeat((short)0, values.Count - formats.Count));
        var sql = parts.Count == 0 ? step.Before + step.After : $"{step.Before}WITH {string.Join(", ", parts)} {step.After}";
        var body = new ByteBuffer();
        BindMessage.Write(body, [], [], [.. formats], [.. values], [.. resultFormats]);
        return new BoundStatement(Encoding.UTF8.GetBytes(sql), body.Unread[Frame.HeaderLength..].ToArray(), [.. types, .. new uint[values.Count - types.Length]], resultFormats)
        {
            NestedTypes = request.NestedParameterTypes.Length == 0 ? [] : [.. request.NestedParameterTypes, .. new uint[values.Count - request.NestedParameterTypes.Length]],
        };
    }

    private static SqlErrorException Refuse(WriteStep step) => new(
        SqlStates.FeatureNotSupported,
        $"{(step.Name.Length == 0 ? "the statement behind WITH" : $"the part \"{step.Name}\" of WITH")} reads tables beside the rows that another part returns, or moves rows in a way that cannot be done in parts",
        "Run the parts as statements of one transaction.");
}
