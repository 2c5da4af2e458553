using System.Globalization;
using System.Text;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>What came back for a statement, and whether two of them are the same as far as the statement fixes it.</summary>
/// <param name="isFetched">By a cursor, which over gathered rows tells the numbers of their own columns.</param>
internal sealed partial class Answer(List<WireMessage> messages, bool isFetched = false)
{
    private const uint Numeric = 1700;
    private const uint Interval = 1186;

    public string? SqlState => messages.FirstOrDefault(static message => message.Type == 'E')?.SqlState;

    public WireMessage? Error => messages.FirstOrDefault(static message => message.Type == 'E');

    /// <summary>Took longer than both are given.</summary>
    public bool IsTimeout => SqlState == "57014";

    /// <returns>What differs; null when nothing does.</returns>
    /// <param name="whole">The answer of the reference without LIMIT, for <see cref="RowOrderRule.AnySubset"/>.</param>
    public string? Difference(Answer expected, GeneratedStatement statement, Answer? whole)
    {
        if (expected.SqlState is { } wanted)
            return SqlState == wanted ? null : $"SQLSTATE {wanted} was expected: {expected.Error}\nbut: {Error?.ToString() ?? "no error"}";
        if (Error is { } error)
            return $"an error: {error}";
        var others = Others();
        var otherExpected = expected.Others();
        if (!SameLines(others, otherExpected))
            return Sides(otherExpected, others);
        var rows = Rows(statement.IsLoose);
        var rowsExpected = expected.Rows(statement.IsLoose);
        switch (statement.Order)
        {
            case RowOrderRule.Total:
                return rows.SequenceEqual(rowsExpected) ? null : "in this order: " + Sides(rowsExpected, rows);
            case RowOrderRule.AnySubset:
                var left = whole!.Rows(statement.IsLoose);
                return rows.Count == rowsExpected.Count && rows.TrueForAll(left.Remove) ? null : "rows of these: " + Sides(whole.Rows(statement.IsLoose), rows);
            case RowOrderRule.Columns when !Keys(statement).SequenceEqual(expected.Keys(statement)):
                return "in this order of keys: " + Sides(rowsExpected, rows);
        }
        rows.Sort(string.CompareOrdinal);
        rowsExpected.Sort(string.CompareOrdinal);
        return rows.SequenceEqual(rowsExpected) ? null : Sides(rowsExpected, rows);
    }

    // A type's modifier may be told where folding constants away would show that it is known: coalesce(NULL, x) is x. One PostgreSQL
    // tells it so for a portal, and not for the statement; over shards it is the statement that was described.
    private static bool SameLines(List<string> lines, List<string> expected) =>
        lines.Count == expected.Count && lines.Zip(expected).All(static pair => pair.First == pair.Second || SameColumns(pair.First, pair.Second));

    private static bool SameColumns(string description, string expected)
    {
        var parts = description.Split('/');
        var wanted = expected.Split('/');
        return description.StartsWith("RowDescription", StringComparison.Ordinal) && parts.Length == wanted.Length
            && parts.Zip(wanted).All(static pair => pair.First == pair.Second || pair.First == "-1");
    }

    private List<string> Others()
    {
        var texts = Texts(static message => message.Type != 'D');
        return isFetched ? texts.ConvertAll(static line => ColumnNumber().Replace(line, "")) : texts;
    }

    [System.Text.RegularExpressions.GeneratedRegex("/[0-9]+(?=,|$)")]
    private static partial System.Text.RegularExpressions.Regex ColumnNumber();

    private List<string> Texts(Func<WireMessage, bool> chosen) => [.. messages.Where(chosen).Select(static message => message.ToString())];

    private List<string> Rows(bool loose) => loose ? [.. Values().Select(static row => string.Join(" | ", row))] : Texts(static message => message.Type == 'D');

    private List<string> Keys(GeneratedStatement statement) =>
        [.. Values().Select(row => string.Join(" | ", statement.OrderColumns.Select(column => row[column])))];

    // In the form that all equal values have; loose statements are asked for text only.
    private IEnumerable<string[]> Values()
    {
        var types = messages.FirstOrDefault(static message => message.Type == 'T') is { } description ? TypesOf(description.Body) : [];
        foreach (var message in messages.Where(static message => message.Type == 'D'))
            yield return [.. message.Values.Select((value, column) => value is null ? "NULL" : Common(Encoding.UTF8.GetString(value), types[column]))];
    }

    private static string Common(string value, uint type) => type switch
    {
        Numeric when value.Contains('.') => value.TrimEnd('0').TrimEnd('.'),
        701 or 700 when value == "-0" => "0",
        Interval => Microseconds(value).ToString(CultureInfo.InvariantCulture),
        25 => value.ToLowerInvariant(),
        _ => value,
    };

    // A month counts 30 days, a day 24 hours (interval_cmp_value in utils/adt/timestamp.c).
    private static decimal Microseconds(string value)
    {
        var words = value.Split(' ');
        var days = 0m;
        var seconds = 0m;
        for (var index = 0; index < words.Length; index++)
        {
            if (words[index].Contains(':'))
            {
                var parts = words[index].TrimStart('-', '+').Split(':').Select(static part => decimal.Parse(part, CultureInfo.InvariantCulture)).ToArray();
                seconds += ((parts[0] * 3600) + (parts[1] * 60) + parts[2]) * (words[index][0] == '-' ? -1 : 1);
                continue;
            }
            var count = decimal.Parse(words[index++], CultureInfo.InvariantCulture);
            days += words[index][0] switch { 'y' => 360 * count, 'm' => 30 * count, _ => count };
        }
        return (days * 86_400) + seconds;
    }

    private static uint[] TypesOf(byte[] body)
    {
        var types = new List<uint>();
        for (var position = 2; position < body.Length; position += 18)
        {
            while (body[position++] != 0)
            {
            }
            types.Add(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(position + 6)));
        }
        return [.. types];
    }

    private static string Sides(List<string> expected, List<string> actual)
    {
        var text = new StringBuilder($"{expected.Count} and {actual.Count} lines\n");
        var missing = expected.ToList();
        var more = actual.Where(line => !missing.Remove(line)).ToList();
        foreach (var line in missing.Take(6))
            text.AppendLine("- " + line);
        foreach (var line in more.Take(6))
            text.AppendLine("+ " + line);
        if (missing.Count + more.Count == 0)
        {
            foreach (var (line, other) in expected.Zip(actual).Where(static pair => pair.First != pair.Second).Take(6))
                text.AppendLine($"- {line}\n+ {other}");
        }
        return text.ToString();
    }
}
