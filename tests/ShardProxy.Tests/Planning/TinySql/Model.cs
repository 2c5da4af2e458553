namespace ShardProxy.Tests.Planning.TinySql;

// A very small SQL: enough to build statements with traps in them, to print them, and to run them in memory with
// three-valued logic. Every column is an integer or NULL.

internal abstract record Value;

internal sealed record Column(string Table, string Name) : Value;

internal sealed record Number(int? Content) : Value;

internal abstract record Condition;

/// <param name="Operator">=, &lt;&gt; or &lt;.</param>
internal sealed record Compare(Value Left, string Operator, Value Right) : Condition;

internal sealed record RowEquals(Value[] Left, Value[] Right) : Condition;

internal sealed record InList(Value Left, int?[] Values, bool Negated) : Condition;

internal sealed record IsNull(Value Operand, bool Negated) : Condition;

internal sealed record IsTruth(Condition Operand, bool Truth, bool Negated) : Condition;

internal sealed record NotDistinct(Value Left, Value Right) : Condition;

internal sealed record Both(Condition Left, Condition Right) : Condition;

internal sealed record EitherOf(Condition Left, Condition Right) : Condition;

internal sealed record Not(Condition Operand) : Condition;

internal sealed record ExistsIn(Query Query) : Condition;

internal sealed record InQuery(Value Left, Query Query, bool Negated) : Condition;

internal sealed record EqualsScalar(Value Left, Query Query) : Condition;

internal abstract record Source;

/// <summary>users(k, v) or orders(k, v), sharded by k.</summary>
internal sealed record Table(string Name, string Alias) : Source;

internal sealed record Derived(Query Query, string Alias, bool Lateral) : Source;

/// <param name="Form">JOIN, LEFT JOIN, RIGHT JOIN, FULL JOIN.</param>
/// <param name="On">Null: USING (k).</param>
internal sealed record Join(Source Left, string Form, Source Right, Condition? On) : Source;

internal abstract record Query;

internal enum Shape
{
    Plain,
    Distinct,

    /// <summary>GROUP BY the first output; the second is a count.</summary>
    Grouped,

    /// <summary>max and count, without GROUP BY.</summary>
    Aggregate,

    /// <summary>ORDER BY both LIMIT 1.</summary>
    Limited,
}

/// <summary>Two outputs, named k and v.</summary>
internal sealed record SelectQuery(Value First, Value Second, Source[] From, Condition? Where, Shape Shape) : Query;

/// <param name="Operator">UNION ALL, UNION, EXCEPT, INTERSECT.</param>
internal sealed record SetQuery(Query Left, string Operator, Query Right) : Query;
