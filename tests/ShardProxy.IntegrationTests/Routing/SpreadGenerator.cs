namespace ShardProxy.IntegrationTests.Routing;

/// <summary>
/// Makes SELECTs over several shards from a seed: joins by the key and with reference tables, conditions, ORDER BY, LIMIT,
/// DISTINCT, groups and aggregates, HAVING, expressions over aggregates. Where the order matters it is total.
/// </summary>
internal sealed class SpreadGenerator(int seed)
{
    private static readonly string[] Sources =
    [
        "orders o", "orders o JOIN users u ON u.id = o.user_id", "users u JOIN orders o ON o.user_id = u.id",
        "orders o JOIN products p ON p.id = o.product", "orders o LEFT JOIN items i ON i.user_id = o.user_id AND i.order_id = o.id",
        "(SELECT * FROM orders WHERE amount > 5) o", "orders o JOIN (SELECT id, name FROM users WHERE balance > 3) u ON u.id = o.user_id",
    ];

    private static readonly string[] Columns = ["o.product", "o.amount", "o.note", "o.id", "o.placed", "o.amount::int4", "o.id % 2", "upper(o.note)", "-o.amount", "o.note IS NULL", "CASE WHEN o.amount > 15 THEN 'big' ELSE 'small' END"];

    private static readonly string[] Calls =
    [
        "count(*)", "count(o.note)", "sum(o.amount)", "sum(o.id)", "avg(o.amount)", "avg(o.id)", "min(o.note)", "max(o.placed)", "min(o.amount)", "bool_or(o.note IS NULL)",
        "bit_and(o.id)", "stddev(o.amount)", "var_pop(o.id)", "count(DISTINCT o.product)", "sum(o.amount) FILTER (WHERE o.id > 1)", "sum(o.amount) / count(*)",
        "coalesce(max(o.id), 0) + 1", "round(avg(o.amount), 2)",
    ];

    private static readonly string[] Conditions =
        ["o.amount > 10", "o.note IS NOT NULL", "o.user_id IN (1, 2, 3, 7)", "o.user_id > 5", "o.product < 12 OR o.id = 1", "o.note LIKE 'note%'", "EXISTS (SELECT FROM items x WHERE x.user_id = o.user_id AND x.quantity > 1)"];

    private readonly Random _random = new(seed);

    /// <param name="isOrdered">The order of the rows is the statement's.</param>
    public string Next(out bool isOrdered) => Roll(2) == 0 ? Rows(out isOrdered) : Groups(out isOrdered);

    private string Rows(out bool isOrdered)
    {
        var distinct = Roll(3) == 0;
        var outputs = Several(Columns, 1 + Roll(3));
        isOrdered = Roll(3) > 0;
        // All outputs, so that rows of equal rank are equal; without DISTINCT the row's own key instead.
        var order = distinct || Roll(2) == 0 ? string.Join(", ", outputs.Select((_, index) => $"{index + 1}{Direction()}")) : $"{Pick(Columns)}{Direction()}, o.user_id, o.id";
        return $"SELECT {(distinct ? "DISTINCT " : "")}{string.Join(", ", outputs)} FROM {Pick(Sources)}{Where()}{(isOrdered ? $" ORDER BY {order}{Limit()}" : "")}";
    }

    private string Groups(out bool isOrdered)
    {
        var keys = Roll(4) == 0 ? [] : Several(Columns, 1 + Roll(2));
        var calls = Several(Calls, 1 + Roll(3));
        isOrdered = keys.Count > 0 && Roll(2) == 0;
        var by = keys.Count == 0 ? "" : " GROUP BY " + string.Join(", ", keys.Select((key, index) => Roll(2) == 0 ? key : $"{index + 1}"));
        var having = Roll(3) == 0 ? $" HAVING {Pick("count(*) > 2", "sum(o.amount) >= 20", "max(o.id) IS NOT NULL")}" : "";
        var order = isOrdered ? $" ORDER BY {(Roll(2) == 0 ? Pick("count(*)", "sum(o.amount)") + Direction() + ", " : "")}{string.Join(", ", keys.Select((_, index) => $"{index + 1}{Direction()}"))}{Limit()}" : "";
        return $"SELECT {string.Join(", ", [.. keys, .. calls])} FROM {Pick(Sources)}{Where()}{by}{having}{order}";
    }

    private string Where() => Roll(2) == 0 ? "" : $" WHERE {Pick(Conditions)}{(Roll(3) == 0 ? $" AND {Pick(Conditions).Replace(" OR ", " AND ")}" : "")}";

    private string Limit() => Roll(2) == 0 ? "" : $" LIMIT {Roll(12)}{(Roll(3) == 0 ? $" OFFSET {Roll(5)}" : "")}";

    private string Direction() => Pick("", " DESC", " NULLS FIRST", " DESC NULLS LAST");

    private List<string> Several(string[] from, int count) => [.. Enumerable.Range(0, count).Select(_ => Pick(from)).Distinct()];

    private string Pick(params string[] from) => from[Roll(from.Length)];

    private int Roll(int sides) => _random.Next(sides);
}
