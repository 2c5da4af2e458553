namespace ShardProxy.Tests.Planning.TinySql;

/// <summary>A row: values by "alias.column"; names of outer rows are in it too.</summary>
internal sealed class Row(Row? outer = null)
{
    private readonly Dictionary<string, int?> _values = new(outer?._values ?? [], StringComparer.Ordinal);

    public int? this[string name]
    {
        get => _values[name];
        set => _values[name] = value;
    }

    public Row With(Row other)
    {
        var joined = new Row(this);
        foreach (var (name, value) in other._values)
            joined._values[name] = value;
        return joined;
    }
}

/// <summary>Runs a query by brute force over tables held in memory.</summary>
internal sealed class Evaluator(IReadOnlyDictionary<string, List<(int K, int? V)>> tables)
{
    public List<(int? K, int? V)> Run(Query query, Row outer) => query switch
    {
        SelectQuery select => Run(select, outer),
        SetQuery set => Combine(Run(set.Left, outer), set.Operator, Run(set.Right, outer)),
        _ => throw new InvalidOperationException(),
    };

    private List<(int? K, int? V)> Run(SelectQuery select, Row outer)
    {
        List<Row> rows = [new Row(outer)];
        foreach (var source in select.From)
            rows = [.. rows.SelectMany(row => Rows(source, row).Select(row.With))];
        var kept = rows.Where(row => select.Where is null || Test(select.Where, row) == true)
            .Select(row => (K: Get(select.First, row), V: Get(select.Second, row)))
            .ToList();
        return select.Shape switch
        {
            Shape.Distinct => [.. kept.Distinct()],
            Shape.Grouped => [.. kept.GroupBy(static row => row.K).Select(static group => (group.Key, (int?)group.Count()))],
            Shape.Aggregate => [(kept.Max(static row => row.K), kept.Count)],
            // NULLs sort last.
            Shape.Limited => [.. kept.OrderBy(static row => row.K ?? int.MaxValue).ThenBy(static row => row.V ?? int.MaxValue).Take(1)],
            _ => kept,
        };
    }

    private static List<(int?, int?)> Combine(List<(int?, int?)> left, string form, List<(int?, int?)> right) => form switch
    {
        "UNION ALL" => [.. left, .. right],
        "UNION" => [.. left.Union(right)],
        "EXCEPT" => [.. left.Except(right)],
        "INTERSECT" => [.. left.Intersect(right)],
        _ => throw new InvalidOperationException(),
    };

    private List<Row> Rows(Source source, Row outer) => source switch
    {
        Table table => [.. tables[table.Name].Select(row => Make(table.Alias, row.K, row.V))],
        Derived derived => [.. Run(derived.Query, outer).Select(row => Make(derived.Alias, row.K, row.V))],
        Join join => Rows(join, outer),
        _ => throw new InvalidOperationException(),
    };

    private List<Row> Rows(Join join, Row outer)
    {
        var result = new List<Row>();
        var left = Rows(join.Left, outer);
        var keepsLeft = join.Form is "LEFT JOIN" or "FULL JOIN";
        var keepsRight = join.Form is "RIGHT JOIN" or "FULL JOIN";
        var nothingRight = Nothing(join.Right);
        // LATERAL on the right of a join that keeps right rows is an error in SQL, so it does not depend on the left row there.
        var matchedRight = new HashSet<int>();
        List<Row>? fixedRight = keepsRight ? Rows(join.Right, outer) : null;
        foreach (var row in left)
        {
            var matched = false;
            var right = fixedRight ?? Rows(join.Right, outer.With(row));
            for (var index = 0; index < right.Count; index++)
            {
                var both = row.With(right[index]);
                var on = join.On is null ? Equal(row, right[index], join) : Test(join.On, outer.With(both));
                if (on != true)
                    continue;
                matched = true;
                matchedRight.Add(index);
                result.Add(both);
            }
            if (!matched && keepsLeft)
                result.Add(row.With(nothingRight));
        }
        if (keepsRight)
        {
            var nothingLeft = Nothing(join.Left);
            for (var index = 0; index < fixedRight!.Count; index++)
            {
                if (!matchedRight.Contains(index))
                    result.Add(nothingLeft.With(fixedRight[index]));
            }
        }
        return result;
    }

    private static bool? Equal(Row left, Row right, Join join)
    {
        var (a, b) = (left[$"{AliasesOf(join.Left).Single()}.k"], right[$"{AliasesOf(join.Right).Single()}.k"]);
        return a is null || b is null ? null : a == b;
    }

    private static Row Make(string alias, int? k, int? v) => new() { [$"{alias}.k"] = k, [$"{alias}.v"] = v };

    private static Row Nothing(Source source)
    {
        var row = new Row();
        foreach (var alias in AliasesOf(source))
            row = row.With(Make(alias, null, null));
        return row;
    }

    private static IEnumerable<string> AliasesOf(Source source) => source switch
    {
        Table table => [table.Alias],
        Derived derived => [derived.Alias],
        Join join => AliasesOf(join.Left).Concat(AliasesOf(join.Right)),
        _ => [],
    };

    private bool? Test(Condition condition, Row row)
    {
        switch (condition)
        {
            case Compare compare:
                var (a, b) = (Get(compare.Left, row), Get(compare.Right, row));
                return a is null || b is null ? null : compare.Operator switch { "=" => a == b, "<>" => a != b, _ => a < b };
            case RowEquals rows:
                bool? all = true;
                for (var index = 0; index < rows.Left.Length; index++)
                    all = And(all, Test(new Compare(rows.Left[index], "=", rows.Right[index]), row));
                return all;
            case InList list:
                return Negate(Member(Get(list.Left, row), list.Values), list.Negated);
            case IsNull test:
                return (Get(test.Operand, row) is null) != test.Negated;
            case IsTruth test:
                return (Test(test.Operand, row) == test.Truth) != test.Negated;
            case NotDistinct test:
                return Get(test.Left, row) == Get(test.Right, row);
            case Both both:
                return And(Test(both.Left, row), Test(both.Right, row));
            case EitherOf either:
                return Negate(And(Negate(Test(either.Left, row), true), Negate(Test(either.Right, row), true)), true);
            case Not not:
                return Negate(Test(not.Operand, row), true);
            case ExistsIn exists:
                return Run(exists.Query, row).Count > 0;
            case InQuery test:
                return Negate(Member(Get(test.Left, row), [.. Run(test.Query, row).Select(static found => found.K)]), test.Negated);
            case EqualsScalar test:
                var first = Run(test.Query, row).OrderBy(static found => found.K ?? int.MaxValue).Select(static found => found.K).FirstOrDefault();
                var left = Get(test.Left, row);
                return left is null || first is null ? null : left == first;
            default:
                throw new InvalidOperationException();
        }
    }

    private static bool? Member(int? value, IReadOnlyList<int?> values)
    {
        if (values.Count == 0)
            return false;
        if (value is null)
            return null;
        return values.Contains(value) ? true : values.Contains(null) ? null : false;
    }

    private static bool? And(bool? left, bool? right) => left == false || right == false ? false : left is null || right is null ? null : true;

    private static bool? Negate(bool? value, bool negated) => negated ? !value : value;

    private static int? Get(Value value, Row row) => value switch
    {
        Column column => row[$"{column.Table}.{column.Name}"],
        Number number => number.Content,
        _ => throw new InvalidOperationException(),
    };
}
