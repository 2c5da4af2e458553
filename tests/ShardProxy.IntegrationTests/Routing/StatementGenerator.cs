using System.Globalization;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>
/// Makes SELECT statements over the lab's tables from a seed: joins, subqueries, CTEs, set operations and conditions on
/// keys in right and in misleading places. Every statement is valid; whether it can be routed is not its concern.
/// </summary>
internal sealed class StatementGenerator(int seed)
{
    private static readonly (string Name, string Key, string[] Columns)[] Tables =
    [
        ("users", "id", ["id", "balance", "name"]),
        ("orders", "user_id", ["user_id", "id", "amount", "note"]),
        ("items", "user_id", ["user_id", "order_id", "quantity"]),
        ("products", "id", ["id", "price", "title"]),
        ("notes", "id", ["id", "body"]),
    ];

    private readonly Random _random = new(seed);
    private int _aliases;
    private int _favourite;

    public string Next()
    {
        _aliases = 0;
        // Most conditions of a statement name the same user, else hardly any statement could run on one shard.
        _favourite = 1 + _random.Next(12);
        return Roll(10) switch
        {
            0 => $"{Select(2)} {Pick("UNION", "UNION ALL", "INTERSECT", "EXCEPT")} {Select(2)}",
            1 => WithQuery(),
            2 => $"SELECT count(*), sum(x::numeric) FROM ({Select(2)}) AS sub(x, y)",
            _ => Select(2),
        };
    }

    /// <summary>A SELECT of two columns, both cast to text.</summary>
    private string Select(int depth)
    {
        var first = Source(depth);
        var from = first.Text;
        var sources = new List<Source> { first };
        for (var joins = Roll(3); joins > 0; joins--)
        {
            var next = Source(depth - 1);
            from += Join(sources, next);
            sources.Add(next);
        }
        var where = Roll(12) == 0 ? "" : " WHERE " + Condition(sources, depth, 2);
        var distinct = Roll(8) == 0 ? "DISTINCT " : "";
        return Roll(6) == 0
            ? $"SELECT {sources[0].Alias}.{sources[0].Key}::text, count(*)::text FROM {from}{where} GROUP BY 1{(Roll(2) == 0 ? " HAVING count(*) > 1" : "")}"
            : $"SELECT {distinct}{Target(sources, depth)}::text, {Target(sources, depth)}::text FROM {from}{where}";
    }

    private string WithQuery()
    {
        var name = "w" + _aliases++;
        var body = Select(1);
        var rest = Roll(2) == 0
            ? $"SELECT a, b FROM {name}"
            : $"SELECT {name}.a, u.name FROM {name} JOIN users u ON u.id::text = {name}.a{(Roll(2) == 0 ? $" WHERE u.id = {Key()}" : "")}";
        return $"WITH {name}(a, b) AS {Pick("", "MATERIALIZED ", "NOT MATERIALIZED ")}({body}) {rest}";
    }

    private Source Source(int depth)
    {
        var alias = "t" + _aliases++;
        if (depth > 0 && Roll(6) == 0)
        {
            var table = Table();
            var condition = Roll(2) == 0 ? $" WHERE {table.Key} = {Key()}" : "";
            return new Source($"(SELECT * FROM {table.Name}{condition}) AS {alias}", alias, table.Key, table.Columns);
        }
        var (name, key, columns) = Table();
        return new Source($"{Pick("", "", "public.")}{name} {Pick("", "AS ")}{alias}", alias, key, columns);
    }

    private string Join(List<Source> sources, Source next)
    {
        var other = sources[_random.Next(sources.Count)];
        var on = Roll(5) switch
        {
            0 => $"{next.Alias}.{next.Key} = {Key()}",
            1 => $"{next.Alias}.{next.Key} = {other.Alias}.{other.Columns[_random.Next(other.Columns.Length)]}::text::numeric".Replace("name::text::numeric", other.Key)
                .Replace("note::text::numeric", other.Key).Replace("title::text::numeric", other.Key).Replace("body::text::numeric", other.Key),
            2 => $"{next.Alias}.{next.Key} = {other.Alias}.{other.Key} AND {other.Alias}.{other.Key} = {Key()}",
            _ => $"{other.Alias}.{other.Key} = {next.Alias}.{next.Key}",
        };
        return Roll(8) switch
        {
            0 => $" CROSS JOIN {next.Text}",
            1 => $", {next.Text}",
            2 => $" LEFT JOIN {next.Text} ON {on}",
            3 => $" RIGHT JOIN {next.Text} ON {on}",
            // Only conditions that can be hashed or merged are allowed in a full join.
            4 => $" FULL JOIN {next.Text} ON {other.Alias}.{other.Key} = {next.Alias}.{next.Key}",
            _ => $" JOIN {next.Text} ON {on}",
        };
    }

    private string Condition(List<Source> sources, int depth, int size)
    {
        if (size > 0 && Roll(3) == 0)
            return $"({Condition(sources, depth, size - 1)} {Pick("AND", "AND", "OR")} {Condition(sources, depth, size - 1)})";
        if (size > 0 && Roll(12) == 0)
            return $"NOT ({Condition(sources, depth, size - 1)})";
        var source = sources[_random.Next(sources.Count)];
        var key = $"{source.Alias}.{source.Key}";
        var column = $"{source.Alias}.{source.Columns[_random.Next(source.Columns.Length)]}";
        var other = sources[_random.Next(sources.Count)];
        return Roll(depth > 0 ? 18 : 15) switch
        {
            0 => $"{key} IN ({Key()}, {Key()})",
            1 => $"{key} IN ({Key()})",
            2 => $"{key} = ANY (ARRAY[{Key()}, {Key()}])",
            3 => $"{key} = ANY ('{{{Key()}}}')",
            4 => $"{key} BETWEEN {Key()} AND {Key()}",
            5 => $"{key} = {Key()} IS {Pick("", "NOT ")}TRUE",
            6 => $"({source.Alias}.{source.Key}, 1) = ({Key()}, 1)",
            7 => $"{column} IS NOT NULL",
            8 => $"{key} <> {Key()}",
            9 => $"coalesce({key}, 0) = {Key()}",
            10 => $"{key} = {other.Alias}.{other.Key}",
            11 => $"{Key()} = {key}",
            15 => $"EXISTS (SELECT 1 FROM orders s WHERE s.user_id = {Pick(key, Key())})",
            16 => $"{key} {Pick("", "NOT ")}IN (SELECT s.user_id FROM orders s WHERE s.user_id = {Pick(key, Key())})",
            17 => $"(SELECT count(*) FROM items s WHERE s.user_id = {Pick(key, Key())} AND s.quantity > 0) > 0",
            _ => $"{key} = {Key()}",
        };
    }

    private string Target(List<Source> sources, int depth)
    {
        var source = sources[_random.Next(sources.Count)];
        return Roll(depth > 0 ? 12 : 10) switch
        {
            0 => $"({source.Alias}.{source.Key} = {Key()})",
            1 => $"CASE WHEN {source.Alias}.{source.Key} = {Key()} THEN 'yes' ELSE 'no' END",
            10 => $"(SELECT max(s.amount) FROM orders s WHERE s.user_id = {Pick($"{source.Alias}.{source.Key}", Key())})",
            11 => $"(SELECT name FROM users s WHERE s.id = {Key()})",
            _ => $"{source.Alias}.{source.Columns[_random.Next(source.Columns.Length)]}",
        };
    }

    private (string Name, string Key, string[] Columns) Table() => Tables[Roll(8) switch { < 3 => 0, < 5 => 1, 5 => 2, 6 => 3, _ => 4 }];

    private string Key() => (Roll(6) == 0 ? 1 + _random.Next(45) : _favourite).ToString(CultureInfo.InvariantCulture);

    private int Roll(int sides) => _random.Next(sides);

    private string Pick(params string[] choices) => choices[_random.Next(choices.Length)];
}

internal sealed record Source(string Text, string Alias, string Key, string[] Columns);
