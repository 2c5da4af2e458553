using System.Collections.Immutable;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Spreading;
using ShardProxy.Planning.Writing;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>
/// ALTER TABLE … ADD COLUMN … DEFAULT, and ALTER COLUMN … TYPE … USING: values for the rows that are there, which every shard
/// computes for its own. What PostgreSQL computes once must be one value on all shards: the clock is read once, and the
/// column gets its default as written behind that.
/// </summary>
internal static class NewColumns
{
    /// <summary>Null when the statement can run on every shard as it stands.</summary>
    public static Plan? TryPlan(CommandPlanner planner, SyntaxNode alter, ResolvedRelation table)
    {
        if (table.Distribution is not { } distribution)
            return null;
        var edits = new List<TextEdit>();
        var behind = "";
        foreach (var command in alter.List("cmds"))
        {
            var isNew = command.Text("subtype") == "AT_AddColumn";
            var column = command.Node("def");
            // A column that is there already is left as it is.
            if (isNew && command.Flag("missing_ok") && table.Relation?.FindColumn(column.Text("colname") ?? "") is not null)
                continue;
            if (isNew)
            {
                foreach (var constraint in column.List("constraints").Where(static each => each.Text("contype") == "CONSTR_DEFAULT" && !Numbering.IsNextValue(each.Node("raw_expr"))))
                {
                    if (Check(planner, constraint.Node("raw_expr"), column, distribution, out var sites) is { } refusal)
                        return refusal;
                    if (sites.Count > 0 && !TryFix(planner, command, constraint, sites, edits, ref behind))
                        return OwnTime(distribution);
                }
            }
            else if (command.Text("subtype") == "AT_AlterColumnType" && column.Has("raw_default"))
            {
                if (Check(planner, column.Node("raw_default"), column, distribution, out var sites) is { } refusal)
                    return refusal;
                if (sites.Count > 0)
                    return OwnTime(distribution);
            }
        }
        if (edits.Count == 0)
            return null;
        planner.Cacheable = false;
        var (start, end) = planner.Queries.Range;
        var text = TextEdits.Apply(planner.Source.Bytes, start, end, [.. edits.OrderBy(static edit => edit.Start)]);
        return new EveryShardPlan(System.Text.Encoding.UTF8.GetString(text).TrimEnd() + behind) { ReadsClock = true };
    }

    private static RefusedPlan? Check(CommandPlanner planner, SyntaxNode value, SyntaxNode column, Directory.TableDistribution table, out SortedSet<int> sites)
    {
        var expression = ExpressionReader.Read(value);
        var analysis = new StatementAnalysis(planner.Context, planner.Names);
        analysis.Analyze(new Select([new OutputItem(expression, null)], [], null), planner.Source);
        var findings = analysis.Findings;
        sites = findings.ClockSites;
        if (findings.ReadsHiddenClock || (expression is Constant { Text: { } text } && ClockTexts.IsOne(System.Text.Encoding.UTF8.GetBytes(text)) && MayBeTime(column)))
            return OwnTime(table);
        if (table.Kind == Directory.TableKind.Reference && (findings.VolatileFunction is not null || findings.Unspreadable is not null))
        {
            return Refusals.Of(
                $"\"{table.Table.Name}\" is on every shard, and each shard would fill the new column with values of its own",
                "Add the column without a default, fill it with constants, and then ALTER COLUMN … SET DEFAULT.");
        }
        return findings.HomeFunction is { } home ? OfShard(table, home)
            : findings.VolatileFunction is null && findings.Unspreadable is { } thing && !IsOfEachRow(planner, expression) ? OfShard(table, thing)
            : findings.Refusal;
    }

    private static RefusedPlan OfShard(Directory.TableDistribution table, string thing) => Refusals.Of(
        $"\"{table.Table.Name}\" is on every shard, and {thing} has another value on each",
        "Add the column without a default, fill it with UPDATE, and then ALTER COLUMN … SET DEFAULT.");

    private static RefusedPlan OwnTime(Directory.TableDistribution table) => Refusals.Of(
        $"\"{table.Table.Name}\" is on every shard, and each shard would read its own time",
        "Write now(), CURRENT_DATE or a constant as the default, without IF NOT EXISTS.");

    /// <summary>Every call that is not immutable is a volatile function in C, as extensions have them for identifiers: each row has its own value anyway.</summary>
    private static bool IsOfEachRow(CommandPlanner planner, Expression expression) =>
        expression is FunctionCall call && planner.Names.FindFunction(call.Names) is { Language: "c", Volatility: Catalog.FunctionVolatility.Volatile }
        && call.Arguments.All(static argument => argument is Constant);

    private static bool MayBeTime(SyntaxNode column) =>
        column.Node("typeName").List("names").LastOrDefault().StringValue is not ("text" or "varchar" or "bpchar" or "name" or "json" or "jsonb");

    /// <summary>Constants in place of the clock, and behind all the default as it was written.</summary>
    private static bool TryFix(CommandPlanner planner, SyntaxNode command, SyntaxNode constraint, SortedSet<int> sites, List<TextEdit> edits, ref string behind)
    {
        var (start, end) = planner.Queries.Range;
        if (command.Flag("missing_ok") || SqlTokens.Read(planner.Source.Bytes, start, end) is not { } tokens
            || StatementClock.Edits(sites, tokens) is not { } changes || tokens.At(constraint.Location) is not (var keyword and >= 0) || !tokens.IsWord(keyword, "default"))
        {
            return false;
        }
        var column = command.Node("def");
        var next = column.List("constraints").Select(static each => each.Location).Where(location => location > constraint.Location).DefaultIfEmpty(end).Min();
        var last = keyword;
        while (last + 1 < tokens.Count && tokens[last + 1].Start < next
            && !(tokens[last + 1].Depth == tokens[keyword].Depth && (tokens.IsMark(last + 1, ',') || tokens.IsMark(last + 1, ';') || tokens.IsWord(last + 1, "collate"))))
        {
            last++;
        }
        if (last == keyword)
            return false;
        edits.AddRange(changes);
        behind += $", ALTER COLUMN {Identifiers.QuoteAlways(column.Text("colname")!)} SET DEFAULT {tokens.Text(tokens[keyword + 1].Start, tokens[last].End)}";
        return true;
    }
}
