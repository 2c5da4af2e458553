using System.Globalization;

namespace ShardProxy.Tests.Planning.TinySql;

internal static class Printer
{
    public static string Print(Query query) => query switch
    {
        SelectQuery select => PrintSelect(select),
        SetQuery set => $"({Print(set.Left)}) {set.Operator} ({Print(set.Right)})",
        _ => throw new InvalidOperationException(),
    };

    private static string PrintSelect(SelectQuery select)
    {
        var outputs = select.Shape switch
        {
            Shape.Grouped => $"{Print(select.First)} AS k, count(*) AS v",
            Shape.Aggregate => $"max({Print(select.First)}) AS k, count(*) AS v",
            Shape.Distinct => $"DISTINCT {Print(select.First)} AS k, {Print(select.Second)} AS v",
            _ => $"{Print(select.First)} AS k, {Print(select.Second)} AS v",
        };
        var text = $"SELECT {outputs} FROM {string.Join(", ", select.From.Select(Print))}";
        if (select.Where is not null)
            text += $" WHERE {Print(select.Where)}";
        return text + select.Shape switch
        {
            Shape.Grouped => $" GROUP BY {Print(select.First)}",
            Shape.Limited => " ORDER BY 1, 2 LIMIT 1",
            _ => "",
        };
    }

    private static string Print(Source source) => source switch
    {
        Table table => $"{table.Name} {table.Alias}",
        Derived derived => $"{(derived.Lateral ? "LATERAL " : "")}({Print(derived.Query)}) {derived.Alias}",
        Join join => $"({Print(join.Left)} {join.Form} {Print(join.Right)} {(join.On is null ? "USING (k)" : $"ON {Print(join.On)}")})",
        _ => throw new InvalidOperationException(),
    };

    private static string Print(Condition condition) => condition switch
    {
        Compare compare => $"{Print(compare.Left)} {compare.Operator} {Print(compare.Right)}",
        RowEquals rows => $"({string.Join(", ", rows.Left.Select(Print))}) = ({string.Join(", ", rows.Right.Select(Print))})",
        InList list => $"{Print(list.Left)} {(list.Negated ? "NOT IN" : "IN")} ({string.Join(", ", list.Values.Select(value => Print(new Number(value))))})",
        IsNull test => $"{Print(test.Operand)} IS {(test.Negated ? "NOT " : "")}NULL",
        IsTruth test => $"({Print(test.Operand)}) IS {(test.Negated ? "NOT " : "")}{(test.Truth ? "TRUE" : "FALSE")}",
        NotDistinct test => $"{Print(test.Left)} IS NOT DISTINCT FROM {Print(test.Right)}",
        Both both => $"({Print(both.Left)} AND {Print(both.Right)})",
        EitherOf either => $"({Print(either.Left)} OR {Print(either.Right)})",
        Not not => $"NOT ({Print(not.Operand)})",
        ExistsIn exists => $"EXISTS ({Print(exists.Query)})",
        InQuery test => $"({Print(test.Left)}, 1) {(test.Negated ? "NOT IN" : "IN")} (SELECT q.k, 1 FROM ({Print(test.Query)}) q)",
        EqualsScalar test => $"{Print(test.Left)} = (SELECT q.k FROM ({Print(test.Query)}) q ORDER BY 1 LIMIT 1)",
        _ => throw new InvalidOperationException(),
    };

    private static string Print(Value value) => value switch
    {
        Column column => $"{column.Table}.{column.Name}",
        Number { Content: { } number } => number.ToString(CultureInfo.InvariantCulture),
        Number => "NULL",
        _ => throw new InvalidOperationException(),
    };
}
