namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>Window calls whose value the order of equal rows does not change.</summary>
internal sealed class WindowWriter(StatementDraft draft, ExpressionWriter expressions)
{
    private Choices Choices => draft.Choices;

    public ScopeColumn Write(QueryScope scope)
    {
        var kind = expressions.AnyKind(scope, static kind => kind.IsOrdered());
        var partition = Choices.Roll(2) == 0 ? "" : $"PARTITION BY {Column(scope)} ";
        var order = $"ORDER BY {Column(scope)}{Choices.Pick("", " DESC", " NULLS FIRST")}";
        var total = scope.Unique.Count == 0 ? null : $"ORDER BY {string.Join(", ", scope.Unique)}";
        switch (Choices.Roll(total is null ? 5 : 10))
        {
            case 0:
                return new($"count(*) OVER ({partition})", ValueKind.Small);
            case 1:
                return new($"{Choices.Pick("rank", "dense_rank")}() OVER ({partition}{order})", ValueKind.Small);
            case 2:
                return new($"sum({expressions.Write(ValueKind.Small, scope, 1)}) OVER ({partition}{order})", ValueKind.Wide);
            case 3:
                var extreme = expressions.AnyKind(scope, static kind => kind.HasExtremes());
                return new($"max({expressions.Leaf(extreme, scope)}) OVER ({partition})", extreme);
            case 4:
                return new($"round(cume_dist() OVER ({partition}{order})::numeric, 6)", ValueKind.Number);
            case 5:
                return new($"row_number() OVER ({partition}{total})", ValueKind.Small);
            case 6:
                return new($"{Choices.Pick("lag", "lead")}({expressions.Leaf(kind, scope)}) OVER ({partition}{total})", kind);
            case 7:
                return new($"{Choices.Pick("first_value", "last_value")}({expressions.Leaf(kind, scope)}) OVER ({partition}{total} ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING)", kind);
            case 8:
                return new($"ntile(3) OVER ({total})", ValueKind.Small);
            default:
                return new($"avg({expressions.Leaf(ValueKind.Small, scope)}) OVER ({partition}{total} ROWS {Choices.Pick("UNBOUNDED PRECEDING", "1 PRECEDING")})", ValueKind.Number);
        }
    }

    private string Column(QueryScope scope) => expressions.Leaf(expressions.AnyKind(scope, static kind => kind.IsOrdered()), scope);
}
