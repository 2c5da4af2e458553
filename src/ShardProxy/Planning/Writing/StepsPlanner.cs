using System.Collections.Immutable;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>Takes a statement whose WITH writes apart into <see cref="StepsDraft"/>, where its parts cannot run on each shard for its own rows.</summary>
/// <param name="range">Where the statement stands in the text.</param>
internal sealed class StepsPlanner(StatementAnalysis analysis, SourceText source, TextSpan range)
{
    private readonly Findings _findings = analysis.Findings;

    /// <summary>Null where the parts could not run one after the other.</summary>
    public WritePlan? TryPlan(Query query)
    {
        if (query is not { With: { Recursive: false } with } || query is not (Insert or RowQuery { Locks: false } and not Select { Into: not null }) || !MayTakeApart())
            return null;
        if (SqlTokens.Read(source.Bytes, range.Start, range.End) is not { Count: > 0 } tokens || WithText.Cut(with, tokens) is not { } text)
            return null;
        // Nobody writes a table that another has written, and only the first may look at what is there.
        var writes = with.Tables.Select(static table => table.Query).Append(query).Where(static part => part is not RowQuery).ToList();
        var targets = writes.Select(part => analysis.WriteTargets.GetValueOrDefault(part)).ToList();
        if (writes.Skip(1).Any(static part => part is not Insert) || targets.Exists(static target => target is not { Class: RelationClass.Sharded, Relation.ActsOnStatements: false })
            || targets.Select(static target => target!.Distribution!.Table).Distinct().Count() != targets.Count)
        {
            return null;
        }
        if (writes is [Insert { Source: not null and not ValuesQuery }] && query is Insert && Step(query, "", [], text.Rest, with, text, tokens, []) is { } only)
            return Plan([only], query);
        if (!WithWrites.AreIn(with))
            return null;
        var steps = ImmutableArray.CreateBuilder<WriteStep>();
        var clocks = 0;
        var given = new Dictionary<int, int>();
        for (var part = 0; part <= with.Tables.Length; part++)
        {
            var isLast = part == with.Tables.Length;
            var body = isLast ? query : with.Tables[part].Query;
            var span = isLast ? text.Rest : text.Queries[part];
            if (!isLast && body is RowQuery)
                continue;
            if (Step(body, isLast ? "" : with.Tables[part].Name, isLast ? [] : with.Tables[part].ColumnNames, span, with, text, tokens, given, part) is not { } step)
                return null;
            clocks += ReadsClock(body, span) ? 1 : 0;
            given.Add(part, steps.Count);
            steps.Add(step);
        }
        // What reads it must be computed once by one of them; and what only reads must not be computed by two.
        return clocks > 1 || IsSharedTwice(steps) ? null : Plan(steps.ToImmutable(), query);
    }

    private static WritePlan Plan(ImmutableArray<WriteStep> steps, Query query) => new(SpreadKeys.All, new StepsDraft(steps) { Command = query is Insert ? "INSERT" : "SELECT" });

    private bool MayTakeApart() =>
        analysis.Context.Catalog.AreShardsAlike
        && (_findings.Refusal is null || ReferenceEquals(_findings.Refusal, _findings.MissingKey) || ReferenceEquals(_findings.Refusal, _findings.GlobalConflict))
        && _findings is { HomeFunction: null, WrittenReference: null, Unspreadable: null, ReadsHiddenClock: false, Locks: false, HomeRelations.Count: 0 }
        && (_findings.Traits & ~Traits.DrawsOnServer) == Traits.Writes
        // Values that a step returns keep their types, and not their columns' collations.
        && !_findings.Relations.Any(static relation => relation.Columns.Any(static column => column.HasOwnCollation));

    /// <param name="given">By the number of a part that writes, its step.</param>
    private WriteStep? Step(
        Query body, string name, ImmutableArray<string> columns, TextSpan span, WithClause with, WithText text, SqlTokens tokens, Dictionary<int, int> given, int part = int.MaxValue)
    {
        var tables = Tables(span, with, text, tokens, given, Math.Min(part, with.Tables.Length));
        var at = span.Start;
        var hasOwn = part < with.Tables.Length && body.With is not null;
        if (body is Insert insert)
        {
            if (insert.Source is ValuesQuery or null)
            {
                var isPlain = insert.Source is null || ((ValuesQuery)insert.Source).Rows.All(static row => !row.Any(Subqueries.AreIn));
                return tables.IsEmpty && isPlain && !hasOwn ? new WriteStep(name, columns, "", Text(span.Start, span.End), []) { HasValues = true } : null;
            }
            if (SqlTokens.Read(source.Bytes, span.Start, span.End) is not { Count: > 0 } own || InsertQueryText.Cut(insert, own) is not { } cut)
                return null;
            at = cut.Query.Start;
            hasOwn |= insert.Source.With is not null;
        }
        return !tables.IsEmpty && hasOwn ? null : new WriteStep(name, columns, Text(span.Start, at), Text(at, span.End), tables);
    }

    /// <summary>The parts of WITH that a stretch names, and those that these name, in their order.</summary>
    private static ImmutableArray<StepTable> Tables(TextSpan span, WithClause with, WithText text, SqlTokens tokens, Dictionary<int, int> given, int before)
    {
        var needed = new SortedSet<int>();
        var open = new Stack<(TextSpan Span, int Before)>([(span, before)]);
        while (open.TryPop(out var next))
        {
            for (var index = 0; index < tokens.Count; index++)
            {
                if (!next.Span.Contains(tokens[index].Start) || WithText.NameAt(tokens, index) is not { } word)
                    continue;
                for (var part = next.Before - 1; part >= 0; part--)
                {
                    if (with.Tables[part].Name == word && needed.Add(part) && with.Tables[part].Query is RowQuery)
                        open.Push((text.Queries[part], part));
                }
            }
        }
        return [.. needed.Select(part => given.TryGetValue(part, out var step)
            ? new StepTable(null, step)
            : new StepTable(tokens.Text(text.Parts[part].Start, text.Parts[part].End), -1))];
    }

    private static bool IsSharedTwice(IEnumerable<WriteStep> steps) =>
        steps.SelectMany(static step => step.Tables.Select(static table => table.Text).OfType<string>()).GroupBy(static text => text).Any(static same => same.Count() > 1);

    private bool ReadsClock(Query body, TextSpan span) =>
        _findings.ClockSites.Any(span.Contains)
        || (body is Insert insert && !ClockDefaults.AreGiven(analysis.WriteTargets[insert].Relation, insert.Columns, []))
        || (body is Insert { Source: ValuesQuery values } && values.Rows.Any(static row => row.Any(static value => value is DefaultValue)));

    private string Text(int start, int end) => System.Text.Encoding.UTF8.GetString(source.Bytes[start..end]);
}
