namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>Aggregate calls whose value no order of the rows changes.</summary>
internal sealed class AggregateWriter(StatementDraft draft, ExpressionWriter expressions)
{
    private Choices Choices => draft.Choices;

    public ScopeColumn Write(QueryScope scope, int depth)
    {
        var call = Call(scope, depth);
        return Choices.Once(5) ? call with { Sql = $"{call.Sql} FILTER (WHERE {expressions.Condition(scope, depth - 1)})" } : call;
    }

    private ScopeColumn Call(QueryScope scope, int depth)
    {
        string Of(ValueKind kind) => expressions.Write(kind, scope, depth);
        string Distinct() => Choices.Once(4) ? "DISTINCT " : "";
        switch (Choices.Roll(17))
        {
            case 0:
            case 1:
                return new("count(*)", ValueKind.Small);
            case 2:
                var counted = expressions.AnyKind(scope, static _ => true);
                return new($"count({(counted.IsOrdered() ? Distinct() : "")}{Of(counted)})", ValueKind.Small);
            case 3:
                return new($"sum({Distinct()}{Of(ValueKind.Small)})", ValueKind.Wide);
            case 4:
                return new($"sum({Distinct()}{Of(Choices.Pick(ValueKind.Wide, ValueKind.Number, ValueKind.LooseNumber))})", ValueKind.Number);
            case 5:
                return new($"avg({Distinct()}{Of(Choices.Pick(ValueKind.Small, ValueKind.Wide, ValueKind.Number, ValueKind.LooseNumber))})", ValueKind.Number);
            case 6:
            case 7:
                var kind = expressions.AnyKind(scope, static kind => kind.HasExtremes());
                return new($"{Choices.Pick("min", "max")}({Of(kind)})", kind);
            case 8:
                return new($"{Choices.Pick("bool_and", "bool_or", "every")}({expressions.Condition(scope, depth)})", ValueKind.Bool);
            case 9:
                return new($"{Choices.Pick("bit_and", "bit_or")}({Of(ValueKind.Wide)})", ValueKind.Wide);
            case 10:
                return new($"{Choices.Pick("stddev", "variance", "var_pop", "stddev_pop")}({Of(Choices.Pick(ValueKind.Small, ValueKind.Wide, ValueKind.Number))})", ValueKind.Number);
            case 11:
                return new($"{Choices.Pick("sum", "avg")}({Of(ValueKind.Float)})", ValueKind.Float);
            case 12:
                var text = Of(ValueKind.Text);
                return new($"string_agg({text}, ',' ORDER BY {text}{Tail(scope)})", ValueKind.Text);
            case 13:
                var small = Of(ValueKind.Small);
                return new($"array_agg(({small})::int4 ORDER BY ({small})::int4 DESC{Tail(scope)})", ValueKind.Numbers);
            case 14:
                var element = Of(ValueKind.Number);
                return scope.Unique.Count == 0
                    ? new($"jsonb_agg({element} ORDER BY {element})", ValueKind.Document)
                    : new($"{Choices.Pick("jsonb_agg(", "jsonb_object_agg(concat_ws('/', " + string.Join(", ", scope.Unique) + "), ")}{element} ORDER BY {string.Join(", ", scope.Unique)})", ValueKind.Document);
            case 15:
                return new($"percentile_disc(0.5) WITHIN GROUP (ORDER BY {Of(ValueKind.Small)})", ValueKind.Small);
            default:
                return new($"{Choices.Pick("mode()", "percentile_disc(0.25)")} WITHIN GROUP (ORDER BY {Of(ValueKind.Text)})", ValueKind.Text);
        }
    }

    private string Tail(QueryScope scope) => scope.Unique.Count == 0 || Choices.Roll(2) == 0 ? "" : ", " + string.Join(", ", scope.Unique);
}
