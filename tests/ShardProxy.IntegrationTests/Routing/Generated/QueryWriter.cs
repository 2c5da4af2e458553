namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>SELECTs of wide variety over a schema: rows, groups, set operations, nested in each other.</summary>
internal sealed class QueryWriter
{
    private readonly StatementDraft _draft;
    private readonly ExpressionWriter _expressions;
    private readonly FromWriter _from;
    private readonly AggregateWriter _aggregates;
    private readonly WindowWriter _windows;

    public QueryWriter(StatementDraft draft, GeneratedSchema schema)
    {
        _draft = draft;
        _expressions = new ExpressionWriter(draft, this);
        _from = new FromWriter(draft, schema, this, _expressions);
        _aggregates = new AggregateWriter(draft, _expressions);
        _windows = new WindowWriter(draft, _expressions);
    }

    private Choices Choices => _draft.Choices;

    /// <summary>A query in FROM, WITH or an expression.</summary>
    /// <param name="outer">What it may name besides its own tables.</param>
    /// <param name="kinds">Of its columns; null for any.</param>
    public QueryShape Nested(QueryScope? outer, int depth, IReadOnlyList<ValueKind>? kinds) => Choices.Roll(8) switch
    {
        5 or 6 => Groups(outer, depth, kinds, isTop: false),
        7 when depth > 0 && kinds?.All(CanUnite) != false => SetOperation(outer, depth, kinds, isTop: false),
        _ => Rows(outer, depth, kinds, isTop: false),
    };

    /// <summary>A query of one value, in parentheses.</summary>
    public string Scalar(ValueKind kind, QueryScope outer, int depth)
    {
        var scope = new QueryScope(outer);
        var from = _from.Write(scope, Math.Max(0, depth - 1));
        // An aggregate of an outer query's column would be that query's own, and this one would give many rows.
        var own = scope.Columns.Where(column => column.Kind == kind).ToList();
        if (own.Count > 0 && kind.IsLoose())
            _draft.IsLoose = true;
        var argument = own.Count == 0 ? _expressions.Constant(kind) : Choices.Pick(own).Sql;
        var value = kind == ValueKind.Small && Choices.Roll(2) == 0 ? "count(*)" : $"{Choices.Pick("min", "max")}({argument})";
        return $"(SELECT {value} FROM {from} WHERE {_expressions.Condition(scope, depth)})";
    }

    /// <summary>A query of the rows that go with one of the query around it: how many they are does not matter to who asks for it.</summary>
    public string Partner(QueryScope outer)
    {
        var scope = new QueryScope(outer);
        var from = _from.Write(scope, 0);
        var own = Choices.Pick(scope.Columns);
        var condition = own.Kind.IsOrdered() ? $"{own.Sql} = {_expressions.Leaf(own.Kind, outer)}" : $"{own.Sql} IS NOT NULL";
        return $"SELECT {Choices.Pick("1", "*", own.Sql)} FROM {from} WHERE {condition}{(Choices.Roll(2) == 0 ? "" : $" AND {_expressions.Condition(scope, 1)}")}";
    }

    public QueryShape Rows(QueryScope? outer, int depth, IReadOnlyList<ValueKind>? kinds, bool isTop)
    {
        var scope = new QueryScope(outer);
        var from = _from.Write(scope, depth);
        var where = Choices.Roll(5) < 3 ? $" WHERE {_expressions.Condition(scope, 1 + depth)}" : "";
        var outputs = new List<(string Sql, string Name, ValueKind Kind)>();
        var count = kinds?.Count ?? 1 + Choices.Roll(4);
        for (var index = 0; index < count; index++)
        {
            var kind = kinds?[index] ?? _expressions.AnyKind(scope, static _ => true);
            if (kinds is null && Choices.Once(8))
            {
                var window = _windows.Write(scope);
                outputs.Add((window.Sql, "", window.Kind));
                continue;
            }
            outputs.Add((Choices.Roll(2) == 0 ? _expressions.Leaf(kind, scope) : _expressions.Write(kind, scope, 1 + depth), "", kind));
        }
        var windows = outputs.Exists(static output => output.Sql.Contains(" OVER (", StringComparison.Ordinal));
        var unique = new List<string>();
        if (kinds is null && !isTop && Choices.Roll(2) == 0)
        {
            foreach (var column in scope.Unique)
            {
                var kind = scope.Columns.First(other => other.Sql == column).Kind;
                unique.Add($"o{outputs.Count + 1}");
                outputs.Add((column, "", kind));
            }
        }
        Name(outputs, isTop);
        var isDistinct = Choices.Once(6) && outputs.TrueForAll(static output => output.Kind.IsOrdered());
        if (isTop && !isDistinct && !windows && Choices.Once(12) && scope.Unique.Count > 0)
            return DistinctOn(scope, from, where, outputs);
        if (isDistinct)
            unique = [.. outputs.Select(static output => output.Name)];
        var body = $"SELECT {(isDistinct ? "DISTINCT " : "")}{List(outputs)} FROM {from}{where}";
        var shape = new QueryShape("", body, Columns(outputs), unique, scope.MaxRows) { WithoutLimit = body };
        var locks = isTop && !isDistinct && !windows && Choices.Once(60) ? Choices.Pick(" FOR UPDATE", " FOR SHARE", " FOR NO KEY UPDATE") : "";
        // Rows that a LIMIT chooses would be others when the order is not total; so it is given only by what makes it so.
        var ordered = Order(shape, isDistinct ? [] : scope.Unique, isDistinct, scope, isTop);
        return locks.Length == 0 ? ordered : ordered with { Sql = ordered.Sql + locks };
    }

    private QueryShape DistinctOn(QueryScope scope, string from, string where, List<(string Sql, string Name, ValueKind Kind)> outputs)
    {
        var by = _expressions.Leaf(_expressions.AnyKind(scope, static kind => kind.IsOrdered() && !kind.IsLoose()), scope);
        if (!scope.Columns.Exists(column => column.Sql == by))
            by = scope.Unique[0];
        var direction = Choices.Pick("", " DESC", " DESC NULLS LAST");
        var sql = $"SELECT DISTINCT ON ({by}) {List(outputs)} FROM {from}{where} ORDER BY {by}{direction}, {string.Join(", ", scope.Unique)}";
        return new QueryShape("", sql, Columns(outputs), [], scope.MaxRows) { Order = RowOrderRule.Total, WithoutLimit = sql };
    }

    public QueryShape Groups(QueryScope? outer, int depth, IReadOnlyList<ValueKind>? kinds, bool isTop)
    {
        var scope = new QueryScope(outer);
        var from = _from.Write(scope, depth);
        var where = Choices.Roll(2) == 0 ? $" WHERE {_expressions.Condition(scope, 1 + depth)}" : "";
        var groups = new QueryScope(outer) { AllowsSubqueries = false, MaxRows = scope.MaxRows };
        var keys = new List<(string Sql, string Name, ValueKind Kind)>();
        for (var count = Choices.Pick(1, 1, 2, 0, 3); count > 0; count--)
        {
            var kind = _expressions.AnyKind(scope, static kind => kind.IsOrdered());
            var key = Choices.Roll(4) == 0 ? _expressions.Write(kind, scope, 1) : _expressions.Leaf(kind, scope);
            // A constant would be a position.
            if (scope.Columns.Exists(column => key.Contains(column.Sql, StringComparison.Ordinal)) && !keys.Exists(other => other.Sql == key))
                keys.Add((key, "", kind));
        }
        groups.Columns.AddRange(keys.Select(static key => new ScopeColumn(key.Sql, key.Kind)));
        for (var count = Choices.Pick(1, 2, 3, keys.Count > 0 ? 0 : 1); count > 0; count--)
            groups.Columns.Add(_aggregates.Write(scope, 1));
        var hasSets = keys.Count > 1 && Choices.Once(6);
        var outputs = new List<(string Sql, string Name, ValueKind Kind)>();
        if (kinds is null)
        {
            var showsKeys = Choices.Roll(4) > 0;
            if (showsKeys)
                outputs.AddRange(keys);
            foreach (var column in groups.Columns.Skip(keys.Count))
                outputs.Add((column.Sql, "", column.Kind));
            if (outputs.Count == 0 || Choices.Roll(3) == 0)
            {
                var kind = _expressions.AnyKind(groups, static _ => true);
                outputs.Add((_expressions.Write(kind, groups, 2), "", kind));
            }
            if (hasSets)
                outputs.Add(($"grouping({keys[0].Sql}, {keys[1].Sql})", "", ValueKind.Small));
            Name(outputs, isTop);
            var unique = showsKeys && !hasSets && keys.Count > 0 ? outputs.Take(keys.Count).Select(static output => output.Name).ToList() : [];
            return Grouped(outputs, unique, showsKeys);
        }
        foreach (var kind in kinds)
            outputs.Add((_expressions.Write(kind, groups, 1), "", kind));
        Name(outputs, isTop);
        return Grouped(outputs, [], false);

        QueryShape Grouped(List<(string Sql, string Name, ValueKind Kind)> outputs, List<string> unique, bool showsKeys)
        {
            var by = keys.Count == 0 ? "" : " GROUP BY " + (hasSets
                ? Choices.Pick($"ROLLUP ({List(keys)})", $"CUBE ({List(keys)})", $"GROUPING SETS (({List(keys)}), ({keys[0].Sql}), ())")
                : string.Join(", ", keys.Select((key, index) => showsKeys && Choices.Once(3) ? $"{index + 1}" : key.Sql)));
            var having = Choices.Once(4) ? $" HAVING {_expressions.Condition(groups, 1)}" : "";
            var body = $"SELECT {List(outputs)} FROM {from}{where}{by}{having}";
            var shape = new QueryShape("", body, Columns(outputs), unique, keys.Count == 0 ? 1 : scope.MaxRows) { WithoutLimit = body };
            return Order(shape, [], isDistinct: false, groups, isTop);
        }
    }

    public QueryShape SetOperation(QueryScope? outer, int depth, IReadOnlyList<ValueKind>? kinds, bool isTop)
    {
        kinds ??= [.. Enumerable.Range(0, 1 + Choices.Roll(3)).Select(_ => Choices.Pick(ValueKind.Small, ValueKind.Text, ValueKind.Wide, ValueKind.Number, ValueKind.Date, ValueKind.Bool, ValueKind.Uuid, ValueKind.Mood))];
        var first = Branch(outer, depth, kinds);
        var sql = first.Sql;
        var rows = first.MaxRows;
        var all = true;
        for (var count = Choices.Pick(1, 1, 2); count > 0; count--)
        {
            var keepsAll = Choices.Roll(2) == 0;
            all = keepsAll;
            var branch = Branch(outer, depth, kinds);
            sql = $"{sql} {Choices.Pick("UNION", "UNION", "EXCEPT", "INTERSECT")}{(keepsAll ? " ALL" : "")} {branch.Sql}";
            rows += branch.MaxRows;
        }
        var shape = new QueryShape("", sql, first.Columns, all || sql.Contains("INTERSECT", StringComparison.Ordinal) ? [] : [.. first.Columns.Select(static column => column.Name)], rows) { WithoutLimit = sql };
        return Order(shape, [], isDistinct: true, null, isTop);
    }

    private QueryShape Branch(QueryScope? outer, int depth, IReadOnlyList<ValueKind> kinds)
    {
        var branch = Choices.Roll(4) == 3 ? Groups(outer, depth - 1, kinds, isTop: false) : Rows(outer, depth - 1, kinds, isTop: false);
        return branch.Sql.Contains(" ORDER BY ", StringComparison.Ordinal) || branch.Sql.Contains(" LIMIT ", StringComparison.Ordinal) ? branch with { Sql = $"({branch.Sql})" } : branch;
    }

    /// <param name="hidden">Expressions, not in the result, that make an order total.</param>
    private QueryShape Order(QueryShape shape, IReadOnlyList<string> hidden, bool isDistinct, QueryScope? scope, bool isTop)
    {
        var canBeTotal = hidden.Count > 0 || shape.Unique.Count > 0;
        if (Choices.Roll(isTop ? 3 : 5) > (isTop ? 1 : 0))
            return isTop && Choices.Once(8) ? shape with { Sql = $"{shape.Sql} LIMIT {Choices.Roll(12)}", Order = RowOrderRule.AnySubset } : shape;
        var keys = new List<string>();
        var columns = new List<int>();
        for (var count = Choices.Roll(3); count > 0; count--)
        {
            var column = Choices.Roll(shape.Columns.Count);
            if (!shape.Columns[column].Kind.IsOrdered())
                continue;
            var isHidden = !isDistinct && scope is not null && canBeTotal && Choices.Roll(3) == 0;
            keys.Add((isHidden ? Hidden(scope!) : $"{column + 1}") + Choices.Pick("", " DESC", " NULLS FIRST", " DESC NULLS LAST", " ASC"));
            columns.Add(isHidden ? -1 : column);
        }
        var total = canBeTotal && (columns.Contains(-1) || Choices.Roll(4) > 0);
        if (total)
            keys.AddRange(hidden.Count > 0 ? hidden : shape.Unique.Select(name => Position(shape, name)));
        if (keys.Count == 0)
            return shape;
        var sql = $"{shape.Sql} ORDER BY {string.Join(", ", keys)}";
        var rule = total ? RowOrderRule.Total : RowOrderRule.Columns;
        if (total && Choices.Roll(2) == 0)
        {
            sql += Choices.Roll(4) switch
            {
                0 => $" LIMIT {Count(12)}",
                1 => $" LIMIT {Count(12)} OFFSET {Count(6)}",
                2 => $" OFFSET {Count(9)}",
                _ => $" FETCH FIRST {1 + Choices.Roll(9)} ROWS ONLY",
            };
        }
        else if (!total && Choices.Roll(3) == 0)
        {
            sql += $" FETCH FIRST {1 + Choices.Roll(5)} ROWS WITH TIES";
        }
        return shape with { Sql = sql, Order = rule, OrderColumns = columns };
    }

    private string Count(int below)
    {
        var count = $"{Choices.Roll(below)}";
        return Choices.Once(5) ? _draft.AddParameter(SampleType.All.First(static type => type.Sql == "int8"), count) : count;
    }

    private string Hidden(QueryScope scope)
    {
        var column = scope.Columns.Where(static column => column.Kind.IsOrdered()).ToList();
        if (column.Count == 0)
            return "1";
        var chosen = Choices.Pick(column);
        if (chosen.Kind.IsLoose())
            _draft.IsLoose = true;
        return chosen.Kind == ValueKind.Small && Choices.Roll(2) == 0 ? $"-({chosen.Sql})" : chosen.Kind == ValueKind.Text && Choices.Roll(2) == 0 ? $"upper({chosen.Sql})" : chosen.Sql;
    }

    private static string Position(QueryShape shape, string name) => $"{shape.Columns.ToList().FindIndex(column => column.Name == name) + 1}";

    private static bool CanUnite(ValueKind kind) =>
        kind is not (ValueKind.Opaque or ValueKind.LanguageText or ValueKind.PlainText or ValueKind.LooseText);

    private void Name(List<(string Sql, string Name, ValueKind Kind)> outputs, bool isTop)
    {
        for (var index = 0; index < outputs.Count; index++)
        {
            // At the top some have the name that PostgreSQL gives them.
            var name = isTop && Choices.Roll(2) == 0 ? "" : $"o{index + 1}";
            outputs[index] = outputs[index] with { Name = $"o{index + 1}", Sql = name.Length == 0 ? outputs[index].Sql : $"{outputs[index].Sql} AS {name}" };
        }
    }

    private static string List(List<(string Sql, string Name, ValueKind Kind)> outputs) => string.Join(", ", outputs.Select(static output => output.Sql));

    private static (string, ValueKind)[] Columns(List<(string Sql, string Name, ValueKind Kind)> outputs) => [.. outputs.Select(static output => (output.Name, output.Kind))];
}
