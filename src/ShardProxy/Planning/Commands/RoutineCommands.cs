using ShardProxy.Planning.Confinement;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>CALL and DO: code that runs on the home shard, as long as it names no sharded table.</summary>
internal static class RoutineCommands
{
    private const Traits RunsCode = Traits.Writes | Traits.Taints;

    public static PlannedStatement? TryPlan(CommandPlanner planner, SyntaxNode node, int start, int end)
    {
        if (node.Is("DoStmt"))
        {
            planner.Source.MarkSensitive(start, end);
            var body = node.List("args").FirstOrDefault(static option => option.Text("defname") == "as").Node("arg").StringValue ?? "";
            var findings = new Findings();
            new FunctionSurvey(planner.Context, planner.Names, findings).SurveyBody("the DO block", body, mayWrite: true);
            return Planned(findings, "do");
        }
        if (!node.Is("CallStmt"))
            return null;
        var analysis = new StatementAnalysis(planner.Context, planner.Names);
        var place = new Place(new ColumnScope(null), new FactScope(null), null, planner.Source);
        analysis.Walk(ExpressionReader.Read(SyntaxNode.Of("FuncCall", node.Node("funccall"))), place);
        return Planned(analysis.Findings, "call");
    }

    private static PlannedStatement Planned(Findings findings, string verb)
    {
        Plan plan = findings.Refusal is { } refusal ? refusal
            : findings.Instances.Count > 0 || findings.StoredKeys.Count > 0 ? QueryPlanner.Decide(findings)
            : new OneShardPlan(HomeShard.Instance);
        return new PlannedStatement(plan, findings.Traits | RunsCode, verb);
    }
}
