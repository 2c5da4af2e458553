using System.Collections.Immutable;
using ShardProxy.Planning.Commands;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Statements;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

/// <summary>
/// Turns a text into plans: a pure function of the text, two snapshots and the session's names. Called once per shape, so
/// it may allocate; what it returns holds for every text of the shape (see <see cref="StatementTemplate"/>).
/// </summary>
public static class StatementPlanner
{
    /// <param name="scanned">Has scanned this very text.</param>
    public static StatementTemplate Plan(ReadOnlySpan<byte> sql, ShapeScanner scanned, PlanningContext context)
    {
        var text = sql.ToArray();
        var parsed = Parse(text);
        if (parsed is ParseFailure failure)
            return Single(new UnreadPlan(failure.Message, failure.Position));
        var statements = ((SyntaxTree)parsed).Statements;
        if (HasBackslashString(text, scanned))
            return Refused(statements.Length, "a string with a backslash cannot be read while standard_conforming_strings is off", "Write it as E'…'.");
        if (statements.Length != scanned.StatementCount)
            return Refused(Math.Max(1, scanned.StatementCount), "the text cannot be cut into statements", "Send each statement by itself.");

        if (ClockValues.AreInLiterals(text, scanned))
            context = context with { HasClockValues = true };
        var sensitive = new SortedSet<int>();
        var planner = new CommandPlanner(context, SourceText.OfStatement(text, scanned, sensitive));
        var plans = ImmutableArray.CreateBuilder<PlannedStatement>(statements.Length);
        foreach (var statement in statements)
            plans.Add(SharedParameters.Mark(PlanOne(planner, statement, context), text));
        // A text that goes to the shards rewritten holds its literals, so its plan is no template.
        var isTemplate = planner.Cacheable && !plans.Any(static planned => planned.Plan is InsertEverywherePlan or GatherPlan or SpreadPlan { Merge: not null } or SpreadPlan { ClockText: not null } or WritePlan { IsForOneText: true });
        if (statements.Length > 1 && plans.Any(static planned => planned.Plan is InsertEverywherePlan))
            return Refused(statements.Length, "an INSERT … SELECT of generated rows must be sent by itself", "Send each statement by itself.");
        return new StatementTemplate(plans.MoveToImmutable(), [.. sensitive], isTemplate);
    }

    private static PlannedStatement PlanOne(CommandPlanner planner, ParsedStatement statement, PlanningContext context)
    {
        try
        {
            return LeaseRule.Apply(planner.Plan(statement), context.Directory);
        }
        catch (Exception exception) when (exception is InsufficientExecutionStackException or StatementTooComplexException)
        {
            return TooComplex();
        }
    }

    private static ParseOutcome Parse(byte[] sql)
    {
        try
        {
            return SqlParser.Parse(sql);
        }
        catch (Exception exception) when (exception is InsufficientExecutionStackException or System.Text.Json.JsonException)
        {
            // PostgreSQL may still know it: the session decides as for any text that the grammar does not read.
            return new ParseFailure("statement too complex", 0);
        }
    }

    /// <summary>The grammar reads strings as if standard_conforming_strings were on; with it off a backslash escapes.</summary>
    private static bool HasBackslashString(ReadOnlySpan<byte> sql, ShapeScanner scanned)
    {
        for (var index = 0; index < scanned.LiteralCount; index++)
        {
            var literal = scanned.GetLiteral(index);
            if (literal.Kind == LiteralKind.EscapedString && sql[literal.Start] == '\'' && sql.Slice(literal.Start, literal.Length).Contains((byte)'\\'))
                return true;
        }
        return false;
    }

    // What nobody here has read may write.
    private static StatementTemplate Single(Plan plan) => new([new PlannedStatement(plan, Traits.Writes, "unread")], [], Cacheable: true);

    private static StatementTemplate Refused(int count, string reason, string hint) => new(
        [.. Enumerable.Repeat(new PlannedStatement(Refusals.Of(reason, hint), Traits.None, "unread"), count)],
        [],
        Cacheable: false);

    private static PlannedStatement TooComplex() =>
        new(new RefusedPlan(SqlStates.StatementTooComplex, "the statement is too complex to be planned", "Split it."), Traits.None, "unread");
}
