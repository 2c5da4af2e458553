namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>FROM with joins of all kinds; fills the scope with what it offers.</summary>
internal sealed class FromWriter(StatementDraft draft, GeneratedSchema schema, QueryWriter queries, ExpressionWriter expressions)
{
    /// <summary>So many rows at most are paired, that no statement takes long.</summary>
    private const int MaxRows = 2500;

    private Choices Choices => draft.Choices;

    /// <param name="outer">Of the query around, which LATERAL and the condition may name.</param>
    public string Write(QueryScope scope, int depth)
    {
        var left = Item(scope.Outer, depth, out var text);
        for (var joins = Choices.Pick(0, 0, 1, 1, 2); joins > 0; joins--)
        {
            if (Choices.Once(9) && depth > 0)
                left = Lateral(left, depth, ref text);
            else
                left = Join(left, depth, ref text);
        }
        scope.Columns.AddRange(left.Columns);
        scope.Unique.AddRange(left.Unique);
        scope.MaxRows = left.MaxRows;
        return text;
    }

    private QueryScope Join(QueryScope left, int depth, ref string text)
    {
        var right = Item(left.Outer, depth, out var item);
        var form = Choices.Pick("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", ",");
        var product = Math.Max(1, left.MaxRows) * Math.Max(1, right.MaxRows);
        if (product / 3 > MaxRows)
            return left;
        var joined = Both(left, right);
        joined.MaxRows = product / 3;
        if (form is "CROSS JOIN" or ",")
        {
            if (product > MaxRows)
                form = "JOIN";
            else
                joined.MaxRows = product;
        }
        if (form is "CROSS JOIN" or ",")
        {
            // A comma binds less than JOIN, so that what stands before it could not be named behind the next ON.
            text = form == "," ? $"({text} CROSS JOIN {item})" : $"{text} CROSS JOIN {item}";
            return joined;
        }
        var pairs = left.Columns.SelectMany(a => right.Columns.Where(b => b.Kind == a.Kind && a.Kind.IsOrdered()).Select(b => (a, b))).ToList();
        // Keys stand first.
        var pair = pairs.Count == 0 ? default : Choices.Roll(2) == 0 ? pairs[0] : Choices.Pick(pairs);
        var on = pairs.Count == 0 ? form == "FULL JOIN" ? "true" : expressions.Condition(joined, 1) : $"{pair.a.Sql} = {pair.b.Sql}";
        if (pairs.Count > 0 && (pair.a.Kind.IsLoose() || pair.b.Kind.IsLoose()))
            draft.IsLoose = true;
        // FULL JOIN takes only conditions that can be merged or hashed.
        if (form != "FULL JOIN" && Choices.Once(3))
            on += $" AND {expressions.Condition(joined, Math.Min(depth, 1))}";
        text = $"{text} {form} {item} ON {on}";
        return joined;
    }

    private QueryScope Lateral(QueryScope left, int depth, ref string text)
    {
        var alias = draft.NewName("l");
        // What stands to its left can be named, and nothing around it by this scope's own means.
        var inner = queries.Nested(left, depth - 1, null);
        var right = Named(inner, alias, left.Outer);
        if (Math.Max(1, left.MaxRows) * Math.Max(1, right.MaxRows) > MaxRows)
            return left;
        text = $"{text} {Choices.Pick("CROSS JOIN", "LEFT JOIN")} LATERAL ({inner.Sql}) {alias}";
        if (text.Contains($"LEFT JOIN LATERAL ({inner.Sql}) {alias}", StringComparison.Ordinal))
            text += " ON true";
        var joined = Both(left, right);
        joined.MaxRows = left.MaxRows * Math.Max(1, right.MaxRows);
        return joined;
    }

    private static QueryScope Both(QueryScope left, QueryScope right)
    {
        var joined = new QueryScope(left.Outer);
        joined.Columns.AddRange(left.Columns);
        joined.Columns.AddRange(right.Columns);
        if (left.Unique.Count > 0 && right.Unique.Count > 0)
            joined.Unique.AddRange([.. left.Unique, .. right.Unique]);
        return joined;
    }

    private QueryScope Item(QueryScope? outer, int depth, out string text)
    {
        var alias = draft.NewName("t");
        switch (Choices.Roll(14))
        {
            case 9 or 10 when depth > 0:
                var derived = queries.Nested(null, depth - 1, null);
                text = $"({derived.Sql}) {alias}";
                return Named(derived, alias, outer);
            case 11 when draft.CommonTables.Count > 0:
            case 12 when draft.CommonTables.Count > 0:
                var common = Choices.Pick(draft.CommonTables);
                text = $"{common.Name} {alias}";
                return Named(common, alias, outer);
            case 11:
                text = $"generate_series(1, {1 + Choices.Roll(8)}) {alias}(n)";
                return Named(new QueryShape("", "", [("n", ValueKind.Small)], ["n"], 9), alias, outer);
            case 12:
                text = $"(VALUES (1, {expressions.Constant(ValueKind.Text)}), (2, 'b'), (3, NULL)) {alias}(n, v)";
                return Named(new QueryShape("", "", [("n", ValueKind.Small), ("v", ValueKind.Text)], ["n"], 3), alias, outer);
            case 13:
                text = $"unnest(ARRAY[1, 2, 3, 5]) WITH ORDINALITY {alias}(n, o)";
                return Named(new QueryShape("", "", [("n", ValueKind.Small), ("o", ValueKind.Small)], ["n"], 4), alias, outer);
            default:
                var table = Choices.Pick(schema.Tables);
                text = Choices.Once(12) ? $"public.{table.Name} AS {alias}" : $"{table.Name} {alias}";
                return Named(new QueryShape("", "", [.. table.Columns.Select(static column => (column.Name, column.Type.Kind))], table.Unique, table.MaxRows), alias, outer);
        }
    }

    private static QueryScope Named(QueryShape shape, string alias, QueryScope? outer)
    {
        var scope = new QueryScope(outer) { MaxRows = shape.MaxRows };
        scope.Columns.AddRange(shape.Columns.Select(column => new ScopeColumn($"{alias}.{column.Name}", column.Kind)));
        scope.Unique.AddRange(shape.Unique.Select(name => $"{alias}.{name}"));
        return scope;
    }
}
