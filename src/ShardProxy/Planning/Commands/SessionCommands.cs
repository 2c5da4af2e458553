using System.Collections.Immutable;
using System.Text;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Gathering;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>What belongs to a session: prepared statements, cursors, notifications, DISCARD, EXPLAIN.</summary>
internal static class SessionCommands
{
    /// <summary>CURSOR_OPT_HOLD of parsenodes.h.</summary>

    public static PlannedStatement? TryPlan(CommandPlanner planner, SyntaxNode node, int start, int end) => node.Kind switch
    {
        "PrepareStmt" => PlanPrepare(planner, node, start, end),
        "ExecuteStmt" => PlanExecute(planner, node),
        "DeallocateStmt" => new PlannedStatement(new DeallocatePlan(node.Text("name")), Traits.None, "deallocate"),
        "DeclareCursorStmt" => DeclareCommand.Plan(planner, node, start, end),
        "FetchStmt" => new PlannedStatement(
            new CursorPlan(CursorVerb.Fetch, node.Text("portalname"), null, WithHold: false),
            Traits.FollowsTransaction,
            node.Flag("ismove") ? "move" : "fetch"),
        "ClosePortalStmt" => new PlannedStatement(new CursorPlan(CursorVerb.Close, node.Text("portalname"), null, WithHold: false), Traits.FollowsTransaction, "close"),
        "DiscardStmt" => PlanDiscard(node),
        "ListenStmt" => Home(Traits.Pins, "listen"),
        "UnlistenStmt" => Home(node.Has("conditionname") ? Traits.None : Traits.Unpins, "unlisten"),
        "NotifyStmt" => Home(Traits.Writes, "notify"),
        "LoadStmt" => Home(Traits.Pins, "load"),
        "ExplainStmt" => ExplainCommand.Plan(planner, node, start, end),
        _ => null,
    };

    private static PlannedStatement Home(Traits traits, string verb) => new(new OneShardPlan(HomeShard.Instance), traits, verb);

    private static PlannedStatement PlanDiscard(SyntaxNode node)
    {
        var what = node.Text("target") switch
        {
            "DISCARD_PLANS" => DiscardWhat.Plans,
            "DISCARD_SEQUENCES" => DiscardWhat.Sequences,
            "DISCARD_TEMP" => DiscardWhat.Temp,
            _ => DiscardWhat.All,
        };
        return new PlannedStatement(new DiscardPlan(what), what == DiscardWhat.All ? Traits.NotInTransaction : Traits.None, "discard");
    }

    private static PlannedStatement PlanPrepare(CommandPlanner planner, SyntaxNode node, int start, int end)
    {
        planner.Cacheable = false;
        var types = node.List("argtypes").Select(ExpressionReader.ReadType).Select(type =>
        {
            var known = TypeIds.ByName(type with { HasModifiers = false }, planner.Names.SystemFirst);
            return type.IsArray ? TypeIds.ArrayOf(known) : known;
        });
        // What is executed is planned from its own text.
        var bodyStart = PreparedBody.Find(planner.Source.Bytes, start, end);
        var inner = planner.Plan(new ParsedStatement(SqlParser.ReadStatement(node.Node("query")), bodyStart, end));
        if (inner.Plan is InsertEverywherePlan)
            inner = inner with { Plan = Refusals.Of("PREPARE of a statement over several shards is not supported", "Send the statement by itself.") };
        var body = Encoding.UTF8.GetString(planner.Source.Bytes[bodyStart..end]);
        return new PlannedStatement(new PreparePlan(node.Text("name") ?? "", body, [.. types], inner) { BodyStart = bodyStart, BodyEnd = end }, Traits.None, "prepare");
    }

    private static PlannedStatement PlanExecute(CommandPlanner planner, SyntaxNode node) =>
        new(new ExecutePlan(node.Text("name") ?? "", Arguments(planner, node)), Traits.None, "execute");

    private static ImmutableArray<KeyTerm?> Arguments(CommandPlanner planner, SyntaxNode node)
    {
        var operands = new OperandReader(planner.Names, static (_, _, _) => ColumnList.Unknown);
        var place = new Place(new ColumnScope(null), new FactScope(null), null, planner.Source);
        return [.. ExpressionReader.ReadAll(node.List("params")).Select(argument => operands.ValueOf(argument, place)?.Term)];
    }

    /// <summary>A flag among an option list: by itself it is on.</summary>
    public static bool IsOn(SyntaxNode option)
    {
        var argument = option.Node("arg");
        return !argument.Exists || argument.StringValue is not ("false" or "off" or "0" or "no");
    }
}
