using System.Text;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Spreading;
using ShardProxy.Planning.Writing;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>EXPLAIN in its forms: of a statement for one shard it runs there, of one over shards the proxy puts the plan together.</summary>
internal static class ExplainCommand
{
    public static PlannedStatement Plan(CommandPlanner planner, SyntaxNode node, int start, int end)
    {
        var analyzes = node.List("options").Any(static option => option.Text("defname") == "analyze" && SessionCommands.IsOn(option));
        var query = node.Node("query");
        if (node.List("options").Any(static option => option.Text("defname") == "shards" && SessionCommands.IsOn(option)))
        {
            var asked = LeaseRule.Apply(planner.Plan(new ParsedStatement(SqlParser.ReadStatement(query), start, end)), planner.Context.Directory);
            return new PlannedStatement(new ExplainShardsPlan(asked), asked.Traits & Traits.NamesUnknownRelation, "explain");
        }
        if (TryOverShards(planner, node, query, start, end, analyzes) is { } spread)
            return spread;
        var inner = planner.PlanInner(query, start, end);
        var traits = TraitsOf(inner, analyzes);
        return inner.Plan switch
        {
            ExecutePlan execute => inner with { Plan = execute with { Explain = ExplainOf(planner, node, start, end, analyzes) }, Traits = traits, Verb = "explain" },
            DeclarePlan { Otherwise: GatherPlan gathered } => inner with { Plan = gathered with { Cursor = null, NeedsRows = analyzes }, Traits = traits, Verb = "explain" },
            GatherPlan gather => inner with { Plan = gather with { Cursor = null, NeedsRows = analyzes }, Traits = traits, Verb = "explain" },
            OneShardPlan or RefusedPlan => inner with { Traits = traits, Verb = "explain" },
            CursorPlan { Inner: { } choice } => new PlannedStatement(new OneShardPlan(choice), traits, "explain"),
            SettingPlan { IsFunction: true } => new PlannedStatement(new OneShardPlan(AnyShard.Instance), traits, "explain"),
            _ => new PlannedStatement(Refusals.Of("EXPLAIN of this statement has no one shard to run on", null), traits, "explain"),
        };
    }

    // EXPLAIN does what its statement does only with ANALYZE.
    private static Traits TraitsOf(PlannedStatement inner, bool analyzes) =>
        analyzes ? inner.Traits : inner.Traits & (Traits.NamesUnknownRelation | Traits.FollowsTransaction);

    // What EXPLAIN asks for, of a statement that is found when it runs.
    private static ExplainPlan? ExplainOf(CommandPlanner planner, SyntaxNode node, int start, int end, bool analyzes) =>
        TryBody(planner.Source, start, end) is { } found && FormatOf(node) is { } format
            ? new ExplainPlan(EmptyPlan.Instance, Encoding.UTF8.GetString(planner.Source.Bytes[found.Head..found.Body]), "") { Analyzes = analyzes, Format = format }
            : null;

    private static ExplainFormat? FormatOf(SyntaxNode node) =>
        node.List("options").Where(static option => option.Text("defname") == "format").Select(static option => option.Node("arg").StringValue).LastOrDefault() switch
        {
            null or "text" => ExplainFormat.Text,
            "json" => ExplainFormat.Json,
            "xml" => ExplainFormat.Xml,
            "yaml" => ExplainFormat.Yaml,
            _ => null,
        };

    /// <summary>Null when one shard can run it, and for the server to judge.</summary>
    private static PlannedStatement? TryOverShards(CommandPlanner planner, SyntaxNode node, SyntaxNode query, int start, int end, bool analyzes)
    {
        if (SqlParser.ReadStatement(query) is not QueryStatement { Query: not Select { Into: not null } } statement || (statement.Query is not RowQuery && analyzes))
            return null;
        if (TryBody(planner.Source, start, end) is not { } found)
            return null;
        var (head, body) = found;
        var inner = planner.Plan(new ParsedStatement(statement, body, end));
        planner.Queries.Range = (start, end);
        var traits = TraitsOf(inner, analyzes);
        // Which it is depends on the keys: the text is planned again when they are on several shards.
        if (inner.Plan is OneShardPlan { Otherwise: not null } one)
            return new PlannedStatement(one with { Otherwise = ReplanPlan.Instance }, traits, "explain");
        if (inner.Plan is not (SpreadPlan or CountEverywherePlan or GatherPlan or WritePlan { Draft: not OneShardDraft }) || (inner.Plan is WritePlan && analyzes) || FormatOf(node) is not { } format)
            return null;
        planner.Cacheable = false;
        var plan = new ExplainPlan(
            inner.Plan is GatherPlan gather ? gather with { NeedsRows = analyzes } : inner.Plan,
            Encoding.UTF8.GetString(planner.Source.Bytes[head..body]),
            Encoding.UTF8.GetString(planner.Source.Bytes[body..end]))
        {
            Analyzes = analyzes,
            Format = format,
            HasParameters = planner.Source.HasParameters,
        };
        return new PlannedStatement(plan, traits, "explain");
    }

    /// <summary>Where EXPLAIN starts, and where the statement behind it and its options does; null when that is not seen.</summary>
    private static (int Head, int Body)? TryBody(SourceText source, int start, int end)
    {
        if (SqlTokens.Read(source.Bytes, start, end) is not { Count: > 1 } tokens || !tokens.IsWord(0, "explain"))
            return null;
        var at = 1;
        if (tokens.IsMark(1, '(') && IsOptions(tokens))
        {
            at = tokens.Closing(1) + 1;
        }
        else
        {
            while (tokens.IsWord(at, "analyze") || tokens.IsWord(at, "analyse") || tokens.IsWord(at, "verbose"))
                at++;
        }
        return at > 0 && at < tokens.Count ? (tokens[0].Start, tokens[at].Start) : null;
    }

    // EXPLAIN (SELECT …) has no options.
    private static bool IsOptions(SqlTokens tokens) =>
        !(tokens.IsMark(2, '(') || tokens.IsWord(2, "select") || tokens.IsWord(2, "with") || tokens.IsWord(2, "values") || tokens.IsWord(2, "table"));
}
