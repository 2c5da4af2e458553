using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>Defaults such as now(): one value for all rows of a statement, so they are written into an INSERT that several shards run.</summary>
internal static class ClockDefaults
{
    /// <summary>Columns whose default reads the clock, or may.</summary>
    public static IEnumerable<Column> Of(Relation table) => table.Columns.Where(static column => StatementClock.Default(column.Default) is not null);

    /// <summary>No SET … = DEFAULT whose default is the time of the statement.</summary>
    public static bool AreUnused(Relation? table, ImmutableArray<Assignment> assignments) =>
        assignments.All(assignment => assignment.Value is not DefaultValue || (table is not null && StatementClock.Default(table.FindColumn(assignment.Column)?.Default) is null));

    /// <summary>No column whose default is the time of the statement is left to it.</summary>
    /// <param name="values">Of the columns; empty when a query gives them.</param>
    public static bool AreGiven(Relation? table, ImmutableArray<string> columns, ImmutableArray<Expression> values) =>
        table is not null && Of(table).All(column =>
        {
            var position = columns.IndexOf(column.Name);
            return position >= 0 && (values.IsEmpty || (position < values.Length && values[position] is not DefaultValue));
        });

    /// <summary>Null when it cannot be done.</summary>
    public static IReadOnlyList<TextEdit>? Edits(Insert insert, ValuesQuery values, Relation table, InsertText text, SqlTokens tokens)
    {
        var edits = new List<TextEdit>();
        var width = values.Rows[0].Length;
        string[] columns = insert.Columns.IsEmpty ? [.. table.Columns.Take(width).Select(static column => column.Name)] : [.. insert.Columns];
        if (columns.Length != width || values.Rows.Any(row => row.Length != width))
            return null;
        var added = new List<string>();
        var defaults = new List<string>();
        foreach (var column in Of(table))
        {
            var expression = StatementClock.Default(column.Default)!;
            if (expression.Length == 0)
                return null;
            var ordinal = Array.IndexOf(columns, column.Name);
            if (ordinal < 0)
            {
                added.Add(column.Name);
                defaults.Add(expression);
                continue;
            }
            foreach (var row in values.Rows)
            {
                if (row[ordinal] is not DefaultValue { Location: var location })
                    continue;
                if (tokens.At(location) is not (var index and >= 0) || !tokens.IsWord(index, "default"))
                    return null;
                edits.Add(new TextEdit(location, tokens[index].End, expression));
            }
        }
        edits.AddRange(text.Append(added, defaults, insert.Columns.IsEmpty ? columns : null));
        return edits;
    }
}
