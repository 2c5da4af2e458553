namespace ShardProxy.Tests.Planning.TinySql;

/// <summary>Makes random queries: small, but with every construct that could mislead a reader of conditions.</summary>
internal sealed class Generator(Random random)
{
    private int _aliases;

    public Query Query() => Query(depth: 2, outer: []);

    private Query Query(int depth, List<string> outer)
    {
        if (depth > 0 && random.Next(8) == 0)
            return new SetQuery(Query(depth - 1, outer), Pick("UNION ALL", "UNION", "EXCEPT", "INTERSECT"), Query(depth - 1, outer));
        var aliases = new List<string>();
        var sources = new Source[random.Next(4) == 0 ? 2 : 1];
        for (var index = 0; index < sources.Length; index++)
        {
            var own = new List<string>();
            sources[index] = Source(depth, outer, aliases, own);
            aliases.AddRange(own);
        }
        List<string> visible = [.. aliases, .. outer];
        var shape = depth == 2 ? Shape.Plain : Pick(Shape.Plain, Shape.Plain, Shape.Plain, Shape.Distinct, Shape.Grouped, Shape.Aggregate, Shape.Limited);
        return new SelectQuery(
            // GROUP BY 2 would be a position.
            shape != Shape.Grouped && random.Next(6) == 0 ? Value(visible) : new Column(Pick(aliases), random.Next(4) == 0 ? "v" : "k"),
            Value(aliases),
            sources,
            random.Next(8) == 0 ? null : Condition(depth, visible, 3),
            shape);
    }

    /// <param name="left">Aliases to the left, for LATERAL.</param>
    /// <param name="own">Gets the aliases of the source.</param>
    private Source Source(int depth, List<string> outer, List<string> left, List<string> own)
    {
        switch (random.Next(depth > 0 ? 6 : 4))
        {
            case 0 or 1:
                var form = Pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT JOIN");
                var simple = random.Next(4) == 0;
                var leftOwn = new List<string>();
                var a = simple ? Table(leftOwn) : Source(depth - 1, outer, left, leftOwn);
                var rightOwn = new List<string>();
                var lateralLeft = form is "JOIN" or "LEFT JOIN" ? [.. left, .. leftOwn] : new List<string>();
                var b = simple ? Table(rightOwn) : Source(depth - 1, outer, lateralLeft, rightOwn);
                own.AddRange(leftOwn);
                own.AddRange(rightOwn);
                // PostgreSQL can only do a FULL JOIN whose condition it can merge or hash; to read a condition that does not matter.
                return new Join(a, form, b, simple && random.Next(2) == 0 ? null : Condition(depth - 1, [.. own, .. outer], 2));
            case 4 or 5:
                var alias = Alias(own);
                var lateral = left.Count > 0 && random.Next(2) == 0;
                return new Derived(Query(depth - 1, lateral ? [.. left, .. outer] : outer), alias, lateral);
            default:
                return Table(own);
        }
    }

    private Table Table(List<string> own) => new(Pick("users", "orders"), Alias(own));

    private string Alias(List<string> own)
    {
        var alias = FormattableString.Invariant($"t{++_aliases}");
        own.Add(alias);
        return alias;
    }

    private Condition Condition(int depth, List<string> aliases, int size)
    {
        if (size > 0)
        {
            switch (random.Next(9))
            {
                case 0 or 1 or 2:
                    return new Both(Condition(depth, aliases, size - 1), Condition(depth, aliases, size - 1));
                case 3:
                    return new EitherOf(Condition(depth, aliases, size - 1), Condition(depth, aliases, size - 1));
                case 4:
                    return new Not(Condition(depth, aliases, size - 1));
                case 5 when depth > 0:
                    return Subquery(depth, aliases);
                case 6 when random.Next(3) == 0:
                    return new IsTruth(Condition(depth, aliases, size - 1), random.Next(2) == 0, random.Next(2) == 0);
            }
        }
        return random.Next(11) switch
        {
            0 => new InList(Key(aliases), [Constant(), Constant()], random.Next(4) == 0),
            1 => new IsNull(Value(aliases), random.Next(2) == 0),
            2 => new RowEquals([Key(aliases), Value(aliases)], [Value(aliases), Value(aliases)]),
            3 => new NotDistinct(Key(aliases), Value(aliases)),
            4 => new Compare(Value(aliases), Pick("<>", "<"), Value(aliases)),
            5 or 6 or 7 => new Compare(Key(aliases), "=", new Number(random.Next(3))),
            _ => new Compare(Key(aliases), "=", Value(aliases)),
        };
    }

    private Condition Subquery(int depth, List<string> aliases)
    {
        var query = Query(depth - 1, aliases);
        return random.Next(4) switch
        {
            0 => new InQuery(Key(aliases), query, Negated: false),
            1 => new InQuery(Key(aliases), query, random.Next(2) == 0),
            2 => new EqualsScalar(Key(aliases), query),
            _ => new ExistsIn(query),
        };
    }

    private Column Key(List<string> aliases) => new(Pick(aliases), "k");

    private Value Value(List<string> aliases) => random.Next(3) switch
    {
        0 => new Number(Constant()),
        1 => new Column(Pick(aliases), "v"),
        _ => Key(aliases),
    };

    private int? Constant() => random.Next(8) == 0 ? null : random.Next(3);

    private T Pick<T>(params IReadOnlyList<T> items) => items[random.Next(items.Count)];
}
