using System.Text;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>DECLARE CURSOR: where its query runs, by a cursor on each of several shards, or over gathered rows.</summary>
internal static class DeclareCommand
{
    // parsenodes.h, CURSOR_OPT_….
    private const int Binary = 0x0001;
    private const int Scroll = 0x0002;
    private const int NoScroll = 0x0004;
    private const int WithHold = 0x0020;

    public static PlannedStatement Plan(CommandPlanner planner, SyntaxNode node, int start, int end)
    {
        var query = QueryReader.Read(node.Node("query"));
        var name = node.Text("portalname") ?? "";
        var options = node.Number("options", 0);
        var inner = planner.Queries.Plan(query, planner.Source, "declare");
        // A count is added up for those who ask for it at once; a cursor has its row from somewhere.
        if (inner.Plan is CountEverywherePlan && planner.Queries.TryGather(query, planner.Queries.Analyze(query, planner.Source), planner.Source) is { } counted)
            inner = inner with { Plan = counted };
        var holds = (options & WithHold) != 0;
        var traits = inner.Traits | (holds ? Traits.Pins : Traits.None);
        if (inner.Plan is GatherPlan { Locks: true })
            return inner with { Plan = Refusals.Of("a cursor locks rows as it is fetched from, and these must be brought together from several shards before", "Lock the rows by a SELECT of its own, or by their keys.") };
        switch (inner.Plan)
        {
            case OneShardPlan one:
                return new PlannedStatement(new CursorPlan(CursorVerb.Declare, name, one.Choice, holds), traits, "declare");
            case not (GatherPlan or RefusedPlan):
                return inner with { Plan = Refusals.Of("a cursor needs a plain query", null) };
        }
        var otherwise = inner.Plan is GatherPlan gather ? gather with { Cursor = name, WithHold = holds } : inner.Plan;
        if ((options & (Binary | Scroll | WithHold)) == 0 && TryMerge(planner, query, start, end) is { } merged)
        {
            planner.Cacheable = false;
            return inner with { Plan = merged(name, (options & NoScroll) != 0, otherwise) };
        }
        return inner with { Plan = otherwise, Traits = traits };
    }

    private static Func<string, bool, Plan, DeclarePlan>? TryMerge(CommandPlanner planner, Query query, int start, int end)
    {
        if (planner.Source.HasParameters || TryBody(planner.Source, start, end) is not { } found)
            return null;
        var (head, body) = found;
        planner.Queries.Range = (body, end);
        var planned = planner.Queries.Plan(query, planner.Source, "declare", mayRunOnSeveral: true);
        planner.Queries.Range = (start, end);
        if (planned.Plan is not SpreadPlan { Merge: null or RowsDraft, ClockText: null } spread)
            return null;
        var before = Encoding.UTF8.GetString(planner.Source.Bytes[head..body]);
        var text = Encoding.UTF8.GetString(planner.Source.Bytes[body..end]);
        return (name, isForwardOnly, otherwise) => new DeclarePlan(name, spread, before, text, isForwardOnly, otherwise);
    }

    // The query stands behind DECLARE, the name, options, CURSOR, and FOR.
    private static (int Head, int Body)? TryBody(SourceText source, int start, int end)
    {
        if (SqlTokens.Read(source.Bytes, start, end) is not { } tokens)
            return null;
        // EXPLAIN may stand before it.
        var first = 0;
        while (first < tokens.Count && !tokens.IsWord(first, "declare"))
            first++;
        var at = first + 2;
        while (at < tokens.Count && !tokens.IsWord(at, "cursor"))
            at++;
        while (at < tokens.Count && !tokens.IsWord(at, "for"))
            at++;
        return at + 1 < tokens.Count ? (tokens[first].Start, tokens[at + 1].Start) : null;
    }
}
