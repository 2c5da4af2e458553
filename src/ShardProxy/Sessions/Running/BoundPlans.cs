using ShardProxy.Planning;
using ShardProxy.Planning.Drawing;
using ShardProxy.Planning.Spreading;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Drawing;

namespace ShardProxy.Sessions.Running;

/// <summary>Finds the plan of a statement whose values are bound.</summary>
internal static class BoundPlans
{
    /// <summary>Of a text that was not planned before.</summary>
    /// <returns>The plan, which draws no identifiers any more, and the statement that it is for.</returns>
    public static async ValueTask<(Plan Plan, PlannedStatement Planned, BoundStatement Bound)> FindAsync(Session session, BoundStatement bound)
    {
        var planned = await TemplateAsync(session, bound);
        if (planned.Plan is DrawPlan draw)
            (planned, bound) = await DrawAsync(session, draw, bound);
        return (await ChooseAsync(session, planned.Plan, bound) ?? planned.Plan, planned, bound);
    }

    /// <summary>The statement draws identifiers: they are written into its text, which is planned anew.</summary>
    public static async ValueTask<(PlannedStatement Planned, BoundStatement Bound)> DrawAsync(Session session, DrawPlan draw, BoundStatement bound)
    {
        bound.Values(session);
        if (session.Scanner.StatementCount != 1 || DrawText.Cut(bound.Sql, 0, session.Scanner.GetStatement(0).End, draw) is not { } cut)
            throw DrawnStatement.NotReadable();
        bound = bound with { Sql = cut.WithValues(await IdentifierDrawing.DrawAsync(session, cut.Slots)) };
        var planned = await TemplateAsync(session, bound);
        return planned.Plan is DrawPlan ? throw DrawnStatement.NotReadable() : (planned, bound);
    }

    /// <summary>Null when one shard answers it with these values.</summary>
    public static async ValueTask<Plan?> ChooseAsync(Session session, Plan plan, BoundStatement bound)
    {
        if (Routing.NeedsPlaces(session, plan, bound.Values(session)))
            await Routing.PlaceAsync(session);
        if (plan is OneShardPlan one)
        {
            plan = Routing.Choose(session, one, bound.Values(session), out _);
            if (ReferenceEquals(plan, one))
                return null;
        }
        if (plan is WritePlan { Draft: OneShardDraft draft })
        {
            var chosen = Routing.Choose(session, draft.One, bound.Values(session), out _);
            plan = ReferenceEquals(chosen, draft.One) ? plan : chosen;
        }
        if (plan is ReplanPlan)
            plan = Routing.Replan(session, bound.Sql, 0).Plan;
        if (plan is SpreadPlan or CountEverywherePlan && ClockValues.AreIn(bound.Values(session)))
            plan = Routing.Replan(session, bound.Sql, 0, hasClockValues: true).Plan;
        return plan;
    }

    /// <summary>What one shard runs, as a write with what is bound.</summary>
    public static Plan AsWrite(Plan plan) =>
        plan is OneShardPlan { Choice: KeyedShard keyed } one ? new WritePlan(new SpreadKeys(keyed.Relations), new OneShardDraft(one with { Otherwise = null })) : plan;

    private static async ValueTask<PlannedStatement> TemplateAsync(Session session, BoundStatement bound)
    {
        bound.Values(session);
        var template = await Routing.TemplateAsync(session, bound.Sql);
        return template.Statements is not [var planned]
            ? throw DrawnStatement.NotReadable()
            : planned.Plan is RefusedPlan refused ? throw Routing.Refuse(refused) : planned;
    }
}
