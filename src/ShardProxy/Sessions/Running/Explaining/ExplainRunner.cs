using System.Text;
using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Running.Explaining;

/// <summary>Runs an <see cref="ExplainPlan"/>: what the proxy would do, with what each shard says of its part.</summary>
public sealed class ExplainRunner(Session session, StatementRunner runner)
{
    private const uint JsonType = 114;

    /// <summary>The one column that EXPLAIN has.</summary>
    public static FieldDescription Field(ExplainPlan plan) => new("QUERY PLAN", plan.IsJson ? JsonType : TypeOid.Text, -1);

    public async ValueTask<bool> RunAsync(ExplainPlan plan, PlannedStatement planned, StatementText text)
    {
        ExplainNode? node = null;
        try
        {
            node = plan.Inner is GatherPlan gather ? await GatherAsync(gather, plan, planned) : await SpreadAsync(plan, text);
        }
        catch (NotMergeableException) when (plan.Inner is SpreadPlan { Fallback: GatherPlan fallback })
        {
            node = await GatherAsync(fallback with { NeedsRows = plan.Analyzes }, plan, planned);
        }
        catch (SqlErrorException exception) when (exception.Error.Position is { } position)
        {
            throw new SqlErrorException(exception.Error with { Position = position + text.PositionOffset + plan.Head.EnumerateRunes().Count() });
        }
        if (node is null)
            return false;
        if (!session.Relay.DropsRowDescription)
            RowDescriptionMessage.Write(session.Client.Output, Field(plan));
        foreach (var line in plan.IsJson ? [node.Json()] : node.Lines().SelectMany(static line => line.Split('\n')))
            DataRowMessage.Write(session.Client.Output, [line]);
        session.WriteTag("EXPLAIN"u8);
        return true;
    }

    private async ValueTask<ExplainNode> SpreadAsync(ExplainPlan plan, StatementText text)
    {
        var spread = plan.Inner as SpreadPlan ?? new SpreadPlan(SpreadKeys.All);
        var values = new StatementValues(text.Whole.Span, session.Scanner) { IsConverted = session.ConvertsText };
        var needsPlaces = Routing.NeedsPlaces(session, spread, values);
        if (needsPlaces)
            await Routing.PlaceAsync(session);
        var shards = runner.Spread.ShardsOf(spread, text);
        var body = Encoding.UTF8.GetBytes(plan.Body);
        var shape = await SpreadShape.AskAsync(session, spread, shards[0], body);
        SpreadMeasure? measure = null;
        if (plan.Analyzes)
            await runner.Spread.MeasureAsync(spread, shards, body, measure = new SpreadMeasure());
        var answers = await ServerExplain.AskAsync(session, shards, plan.Head + shape.ShardText);
        return SpreadExplain.Node(session.Database, plan, shards, shape, answers, measure);
    }

    private async ValueTask<ExplainNode?> GatherAsync(GatherPlan gather, ExplainPlan plan, PlannedStatement planned)
    {
        ExplainNode? node = null;
        var body = Encoding.UTF8.GetBytes(plan.Body);
        await runner.Gathers.ExplainAsync(gather, planned, body, plan.Head, async (run, answer) =>
        {
            var shards = Enumerable.Range(0, session.Database.ShardCount).ToList();
            var reads = new List<IReadOnlyList<string>[]>();
            foreach (var read in gather.Reads)
                reads.Add(await ServerExplain.AskAsync(session, shards, plan.Head + read.Query));
            node = GatherExplain.Node(session.Database, run, reads, answer);
        });
        return node;
    }
}
