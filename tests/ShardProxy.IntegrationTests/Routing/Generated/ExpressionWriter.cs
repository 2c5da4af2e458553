namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>Expressions of a kind over a scope. None of them fails on any row, whatever the order of evaluation.</summary>
internal sealed class ExpressionWriter(StatementDraft draft, QueryWriter queries)
{
    private static readonly string[] Comparisons = ["=", "<>", "<", "<=", ">", ">="];

    private Choices Choices => draft.Choices;

    public string Write(ValueKind kind, QueryScope scope, int depth)
    {
        if (kind.IsLoose())
            draft.IsLoose = true;
        if (depth <= 0 || kind == ValueKind.Opaque || Choices.Roll(5) < 2)
            return Leaf(kind, scope);
        string Same() => Write(kind, scope, depth - 1);
        string Other(ValueKind other) => Write(other, scope, depth - 1);
        return Choices.Roll(6) switch
        {
            0 => $"coalesce({Same()}, {Same()})",
            1 => $"CASE WHEN {Condition(scope, depth - 1)} THEN {Same()} {(Choices.Roll(2) == 0 ? $"ELSE {Same()} " : "")}END",
            2 when kind.IsOrdered() && !kind.IsLoose() => Choices.Roll(3) switch
            {
                0 => $"nullif({Same()}, {Leaf(kind, scope)})",
                1 => $"greatest({Same()}, {Same()})",
                _ => $"least({Same()}, {Same()})",
            },
            3 when scope.AllowsSubqueries && kind.HasExtremes() => queries.Scalar(kind, scope, depth - 1),
            _ => kind switch
            {
                ValueKind.Small => Small(scope, depth, Same, Other),
                ValueKind.Number => Number(Same, Other),
                ValueKind.Float => Choices.Pick<Func<string>>(() => $"({Same()} + {Same()})", () => $"abs({Same()})", () => $"({Same()} * 2)", () => $"{Parenthesised(Other(ValueKind.Small))}::float8")(),
                ValueKind.Text => Text(Same, Other),
                ValueKind.Bool => Condition(scope, depth),
                ValueKind.Date => Choices.Pick<Func<string>>(() => $"({Same()} + {Choices.Roll(30)})", () => $"{Parenthesised(Other(ValueKind.Timestamp))}::date")(),
                ValueKind.Timestamp => Choices.Pick<Func<string>>(
                    () => $"date_trunc('month', {Same()})", () => $"({Same()} + interval '1 day')", () => $"{Parenthesised(Other(ValueKind.Date))}::timestamp")(),
                ValueKind.Instant => Choices.Pick<Func<string>>(() => $"date_trunc('hour', {Same()})", () => $"({Same()} - interval '1 hour')")(),
                ValueKind.Numbers => Choices.Pick<Func<string>>(() => $"({Same()} || {Same()})", () => $"array_append({Same()}, {Parenthesised(Other(ValueKind.Small))}::int4)")(),
                ValueKind.Document => Choices.Pick<Func<string>>(
                    () => $"jsonb_build_object('a', {Other(ValueKind.Small)}, 'b', {Other(ValueKind.Text)})", () => $"({Same()} -> 'a')", () => $"to_jsonb({Other(ValueKind.Number)})")(),
                _ => Leaf(kind, scope),
            },
        };
    }

    /// <summary>A column where there is one, else a constant or a parameter.</summary>
    public string Leaf(ValueKind kind, QueryScope scope)
    {
        if (kind.IsLoose())
            draft.IsLoose = true;
        return Choices.Roll(5) < 4 && scope.Find(kind, Choices) is { } column ? column.Sql : Constant(kind);
    }

    public string Constant(ValueKind kind)
    {
        var type = Choices.Pick(SampleType.All.Where(type => type.Kind == kind).ToList());
        var value = Choices.Pick(type.Values);
        return Choices.Roll(8) switch
        {
            5 => draft.AddParameter(type, null),
            6 => $"NULL::{type.Cast}",
            3 or 4 => draft.AddParameter(type, value),
            _ when kind == ValueKind.Small => value.StartsWith('-') ? $"({value})" : value,
            _ => $"{SqlLiteral.Of(value)}::{type.Cast}",
        };
    }

    /// <summary>The kind of a column in scope, so that a condition is seldom one of constants.</summary>
    public ValueKind AnyKind(QueryScope scope, Func<ValueKind, bool> allowed)
    {
        var kinds = scope.Columns.Select(static column => column.Kind).Where(allowed).ToList();
        return kinds.Count == 0 ? ValueKind.Small : Choices.Pick(kinds);
    }

    public string Condition(QueryScope scope, int depth)
    {
        var kind = AnyKind(scope, static kind => kind.IsOrdered());
        string Value() => Write(kind, scope, depth - 1);
        string Near() => Leaf(kind, scope);
        if (kind.IsLoose())
            draft.IsLoose = true;
        switch (Choices.Roll(depth > 0 ? 22 : 6))
        {
            case 0:
            case 1:
                return $"{Value()} {Choices.Pick(Comparisons)} {Near()}";
            case 2:
                return $"{Value()} IS {(Choices.Roll(2) == 0 ? "" : "NOT ")}NULL";
            case 3:
                return $"{Value()} {(Choices.Roll(3) == 0 ? "NOT " : "")}IN ({Near()}, {Constant(kind)}, {Constant(kind)})";
            case 4:
                return $"{Value()} BETWEEN {(Choices.Once(6) ? "SYMMETRIC " : "")}{Near()} AND {Near()}";
            case 5:
                return $"{Value()} IS {(Choices.Roll(2) == 0 ? "NOT " : "")}DISTINCT FROM {Near()}";
            case 6:
            case 7:
                return $"({Condition(scope, depth - 1)} AND {Condition(scope, depth - 1)})";
            case 8:
            case 9:
                return $"({Condition(scope, depth - 1)} OR {Condition(scope, depth - 1)})";
            case 10:
                return $"NOT ({Condition(scope, depth - 1)})";
            case 11:
                return $"{Write(ValueKind.Text, scope, depth - 1)} {Choices.Pick("LIKE", "NOT LIKE", "ILIKE", "~", "!~*", "SIMILAR TO")} {Choices.Pick("'%a%'", "'a_'", "'[a-z]+'", "'_'")}";
            case 12:
                return $"{Value()} {Choices.Pick("=", "<>", "<", ">=")} {Choices.Pick("ANY", "ALL")} (ARRAY[{Constant(kind)}, {Constant(kind)}, {Near()}])";
            case 13:
                var other = AnyKind(scope, static kind => kind.IsOrdered());
                return $"({Value()}, {Write(other, scope, 0)}) {Choices.Pick("=", "<", ">=", "<>")} ({Near()}, {Leaf(other, scope)})";
            case 14 when scope.AllowsSubqueries:
                return $"{(Choices.Roll(2) == 0 ? "" : "NOT ")}EXISTS ({queries.Nested(scope, depth - 1, null).Sql})";
            case 15 or 16 when scope.AllowsSubqueries:
                return $"{Value()} {(Choices.Roll(3) == 0 ? "NOT " : "")}IN ({queries.Nested(scope, depth - 1, [kind]).Sql})";
            case 17 when scope.AllowsSubqueries:
                return $"{Value()} {Choices.Pick("=", ">", "<=", "<>")} {Choices.Pick("ANY", "ALL")} ({queries.Nested(scope, depth - 1, [kind]).Sql})";
            case 18:
                return $"{Parenthesised(Leaf(ValueKind.Bool, scope))} IS {Choices.Pick("TRUE", "NOT TRUE", "FALSE", "UNKNOWN")}";
            case 19 or 20:
                return OfOneColumn(scope);
            case 21 when scope.AllowsSubqueries:
                return $"{(Choices.Roll(2) == 0 ? "" : "NOT ")}EXISTS ({queries.Partner(scope)})";
            default:
                return $"{Near()} {Choices.Pick(Comparisons)} {Constant(kind)}";
        }
    }

    /// <summary>A condition that a shard can look at before rows are brought together.</summary>
    private string OfOneColumn(QueryScope scope)
    {
        var text = Leaf(Choices.Pick(ValueKind.Text, ValueKind.Text, ValueKind.PlainText, ValueKind.Padded), scope);
        return Choices.Pick<Func<string>>(
            () => $"substring({text} FROM 1 FOR {1 + Choices.Roll(2)}) {Choices.Pick("IN", "NOT IN")} ('a', 'B', 'ab')",
            () => $"lower({text}) {Choices.Pick("LIKE", "NOT LIKE")} '%a%'",
            () => $"length({text}) {Choices.Pick(Comparisons)} {Choices.Roll(4)}",
            () => $"left({text}, -1) {Choices.Pick(Comparisons)} 'a'",
            () => $"position('a' IN {text}) > 0",
            () => $"upper(btrim({text})) BETWEEN 'A' AND 'M'",
            () => $"md5(replace({text}, 'a', '')) > '8'",
            () => $"extract({Choices.Pick("year", "month", "isodow", "century")} FROM {Leaf(Choices.Pick(ValueKind.Date, ValueKind.Timestamp), scope)}) {Choices.Pick(Comparisons)} {Choices.Pick("2000", "3", "20")}")();
    }

    private static string Parenthesised(string expression) => $"({expression})";

    private string Small(QueryScope scope, int depth, Func<string> same, Func<ValueKind, string> other) => Choices.Pick<Func<string>>(
        () => $"({same()} + {same()})",
        () => $"({same()} - {Choices.Roll(9)})",
        () => $"({same()} % 7)",
        () => $"abs({same()})",
        () => $"length({other(ValueKind.Text)})",
        () => $"cardinality({other(ValueKind.Numbers)})",
        () => $"({Condition(scope, depth - 1)})::int4",
        () => $"gen_twice({same()})",
        () => $"position('a' IN {other(ValueKind.Text)})",
        () => $"({same()} * {Choices.Roll(5)})",
        () => $"-{Parenthesised(same())}")();

    private string Number(Func<string> same, Func<ValueKind, string> other) => Choices.Pick<Func<string>>(
        () => $"({same()} + {same()})",
        () => $"({same()} * 1.5)",
        () => $"round({same()}, 1)",
        () => $"{Parenthesised(other(ValueKind.Wide))}::numeric",
        () => $"({Parenthesised(other(ValueKind.Small))}::numeric / nullif({other(ValueKind.Small)}, 0))",
        () => $"abs({same()})",
        () => $"trunc({same()})")();

    private string Text(Func<string> same, Func<ValueKind, string> other) => Choices.Pick<Func<string>>(
        () => $"({same()} || {same()})",
        () => $"upper({same()})",
        () => $"substr({same()}, 1, 2)",
        () => $"{Parenthesised(other(ValueKind.Small))}::text",
        () => $"{Parenthesised(other(ValueKind.Mood))}::text",
        () => $"{Parenthesised(other(ValueKind.Date))}::text",
        () => $"concat_ws('/', {same()}, {other(ValueKind.Small)})",
        () => $"format('%s-%s', {same()}, {other(ValueKind.Wide)})",
        () => $"md5({same()})",
        () => $"btrim(replace({same()}, 'a', 'b'))",
        () => $"gen_name({other(ValueKind.Small)})",
        () => $"lpad({same()}, 3, '*')")();
}
