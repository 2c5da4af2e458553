namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>How far a statement fixes its rows.</summary>
internal enum RowOrderRule
{
    /// <summary>The rows, in any order.</summary>
    None,

    /// <summary>The values of <see cref="GeneratedStatement.OrderColumns"/> come in one sequence.</summary>
    Columns,

    /// <summary>Every row has its place.</summary>
    Total,

    /// <summary>So many rows out of those that <see cref="GeneratedStatement.WithoutLimit"/> gives.</summary>
    AnySubset,
}

/// <param name="IsCast">Written with its type; otherwise the type is declared in Parse.</param>
internal sealed record GeneratedParameter(SampleType Type, string? Value, bool IsCast);

/// <summary>A statement, in which each parameter stands between two characters for private use.</summary>
/// <param name="OrderColumns">Of the result, from 0.</param>
/// <param name="IsLoose">Shows values of which several look different and are equal.</param>
internal sealed record GeneratedStatement(
    string Text, IReadOnlyList<GeneratedParameter> Parameters, RowOrderRule Order, IReadOnlyList<int> OrderColumns, string WithoutLimit, bool IsLoose)
{
    private const char Open = '\uE000';
    private const char Close = '\uE001';

    public static string Marker(int parameter) => $"{Open}{parameter}{Close}";

    /// <summary>For the simple protocol.</summary>
    public string Inline(string text) => Replace(text, static (parameter, _) =>
        (parameter.Value is null ? "NULL" : SqlLiteral.Of(parameter.Value)) + "::" + parameter.Type.Cast);

    /// <summary>For the extended protocol.</summary>
    public string Numbered(string text) => Replace(text, static (parameter, number) => $"${number}{(parameter.IsCast ? "::" + parameter.Type.Cast : "")}");

    public override string ToString() => Inline(Text);

    /// <summary>Without the parameters of parts that were written and then left out.</summary>
    public GeneratedStatement WithoutUnused()
    {
        var statement = this with { Parameters = [.. Parameters.Where((_, index) => Text.Contains(Marker(index)))] };
        var number = 0;
        for (var index = 0; index < Parameters.Count; index++)
        {
            if (Text.Contains(Marker(index)))
                statement = statement with { Text = statement.Text.Replace(Marker(index), Marker(number)), WithoutLimit = statement.WithoutLimit.Replace(Marker(index), Marker(number++)) };
        }
        return statement;
    }

    private string Replace(string text, Func<GeneratedParameter, int, string> write)
    {
        for (var index = 0; index < Parameters.Count; index++)
            text = text.Replace(Marker(index), write(Parameters[index], index + 1));
        return text;
    }
}

internal static class SqlLiteral
{
    public static string Of(string value) => value.Contains('\\') ? $"E'{value.Replace(@"\", @"\\").Replace("'", "''")}'" : $"'{value.Replace("'", "''")}'";
}

/// <summary>What the parts of one statement share while it is written.</summary>
internal sealed class StatementDraft(Choices choices)
{
    private int _names;

    public Choices Choices => choices;

    public List<GeneratedParameter> Parameters { get; } = [];

    /// <summary>WITH queries that may be named from here on.</summary>
    public List<QueryShape> CommonTables { get; } = [];

    public bool IsLoose { get; set; }

    public string NewName(string prefix) => $"{prefix}{++_names}";

    public string AddParameter(SampleType type, string? value)
    {
        // Object ids of users' types are not the same everywhere, so those are always cast.
        Parameters.Add(new GeneratedParameter(type, value, type.Cast.StartsWith("gen_", StringComparison.Ordinal) || choices.Roll(2) == 0));
        return GeneratedStatement.Marker(Parameters.Count - 1);
    }
}

/// <summary>A query and what its rows are.</summary>
/// <param name="Name">Of a WITH query; empty for others.</param>
/// <param name="Columns">Their names; what they can be used for.</param>
/// <param name="Unique">Output columns in which no two rows are equal; empty when there may be such rows.</param>
internal sealed record QueryShape(string Name, string Sql, IReadOnlyList<(string Name, ValueKind Kind)> Columns, IReadOnlyList<string> Unique, int MaxRows)
{
    public RowOrderRule Order { get; init; }

    public IReadOnlyList<int> OrderColumns { get; init; } = [];

    public string WithoutLimit { get; init; } = "";
}
