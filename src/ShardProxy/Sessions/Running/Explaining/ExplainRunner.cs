using System.Text;
using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;
using ShardProxy.Sessions.Running.Gathering;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Running.Explaining;

/// <summary>Runs an <see cref="ExplainPlan"/>: what the proxy would do, with what each shard says of its part.</summary>
public sealed class ExplainRunner(Session session, StatementRunner runner)
{
    // pg_type.dat.
    private const uint XmlType = 142;

    /// <summary>The one column that EXPLAIN has.</summary>
    public static FieldDescription Field(ExplainPlan plan) => new(
        "QUERY PLAN",
        plan.Format switch
        {
            ExplainFormat.Json => TypeOid.Json,
            ExplainFormat.Xml => XmlType,
            _ => TypeOid.Text,
        },
        -1);

    /// <param name="bind">The body of Bind; empty in the simple protocol.</param>
    /// <param name="declared">The parameters' types as far as they are known.</param>
    public async ValueTask<bool> RunAsync(ExplainPlan plan, PlannedStatement planned, StatementText text, ReadOnlyMemory<byte> bind = default, uint[]? declared = null)
    {
        ExplainNode? node = null;
        try
        {
            node = plan.Inner is GatherPlan gather ? await GatherAsync(gather, plan, planned, bind, declared ?? []) : await SpreadAsync(plan, text, bind, declared ?? []);
        }
        catch (NotMergeableException) when (plan.Inner is SpreadPlan { Fallback: GatherPlan fallback })
        {
            node = await GatherAsync(fallback with { NeedsRows = plan.Analyzes }, plan, planned, bind, declared ?? []);
        }
        catch (SqlErrorException exception) when (exception.Error.Position is { } position)
        {
            throw new SqlErrorException(exception.Error with { Position = position + text.PositionOffset + plan.Head.EnumerateRunes().Count() });
        }
        if (node is null)
            return false;
        if (!session.Relay.DropsRowDescription)
            RowDescriptionMessage.Write(session.Client.Output, Field(plan));
        foreach (var line in Write(node, plan.Format))
            DataRowMessage.Write(session.Client.Output, [line]);
        session.WriteTag("EXPLAIN"u8);
        return true;
    }

    // As text a line is a row, in the other formats the whole is one.
    private static IEnumerable<string> Write(ExplainNode node, ExplainFormat format) => format switch
    {
        ExplainFormat.Json => [node.Json()],
        ExplainFormat.Xml => [ExplainXml.Write(node)],
        ExplainFormat.Yaml => [ExplainYaml.Write(node)],
        _ => node.Lines().SelectMany(static line => line.Split('\n')),
    };

    private async ValueTask<ExplainNode> SpreadAsync(ExplainPlan plan, StatementText text, ReadOnlyMemory<byte> bind, uint[] declared)
    {
        var spread = plan.Inner as SpreadPlan ?? new SpreadPlan(plan.Inner is WritePlan write ? write.Keys : SpreadKeys.All);
        var body = Encoding.UTF8.GetBytes(plan.Body);
        // The client's text is judged as it stands, so that errors are told in its terms.
        var types = (await ShardDescription.AskAsync(session, session.Servers.AnyShard(), body, declared)).ParameterTypes;
        if (Routing.NeedsPlaces(session, spread, Values(text, bind, types)))
            await Routing.PlaceAsync(session);
        // The home shard has all tables that a query may name whose rows are stored elsewhere.
        var shards = plan.Inner is WritePlan { Draft: MovedRowsDraft or PickedRowsDraft } ? [Database.HomeShard] : runner.Spread.ShardsOf(spread, Values(text, bind, types));
        if (spread.ClockText is not null)
        {
            (spread, var timed) = await runner.Spread.FillAsync(spread, shards[0], new ClientRequest(body, bind, types, [], IsDescribed: false));
            body = timed.Sql.ToArray();
            plan = plan with { Inner = spread };
        }
        var shape = await SpreadShape.AskAsync(session, spread, shards[0], body, types);
        SpreadMeasure? measure = null;
        if (plan.Analyzes)
        {
            measure = new SpreadMeasure();
            await runner.Spread.MeasureAsync(spread, shards, new ClientRequest(body, bind, types, [], IsDescribed: false) { Measure = measure });
        }
        var answers = await ServerExplain.AskAsync(session, shards, new ShardStatement(Encoding.UTF8.GetBytes(plan.Head + shape.ShardText)) { Bind = bind, ParameterTypes = types, Formats = [0] });
        return SpreadExplain.Node(session.Database, plan, shards, shape, answers, measure);
    }

    private StatementValues Values(StatementText text, ReadOnlyMemory<byte> body, uint[] types) =>
        BindMessage.TryRead(body.Span, out var bind)
            ? new StatementValues(text.Whole.Span, session.Scanner, bind, types) { IsConverted = session.ConvertsText, Places = session.Places }
            : new StatementValues(text.Whole.Span, session.Scanner) { IsConverted = session.ConvertsText, Places = session.Places };

    private async ValueTask<ExplainNode?> GatherAsync(GatherPlan gather, ExplainPlan plan, PlannedStatement planned, ReadOnlyMemory<byte> bind, uint[] declared)
    {
        ExplainNode? node = null;
        var text = new BoundText(Encoding.UTF8.GetBytes(plan.Body), declared, bind);
        await runner.Gathers.ExplainAsync(gather, planned, text, plan.Head, async (run, answer) =>
        {
            var reads = new List<(int Shard, IReadOnlyList<string> Plan)[]>();
            for (var read = 0; read < run.Plan.Reads.Length; read++)
            {
                var shards = Enumerable.Range(0, session.Database.ShardCount).Where(shard => run.IsRead(read, shard, session.Database.ShardCount)).ToList();
                reads.Add([.. shards.Zip(await ServerExplain.AskAsync(session, shards, plan.Head + run.Query(read)))]);
            }
            node = GatherExplain.Node(session.Database, run, reads, answer);
        });
        return node;
    }
}
