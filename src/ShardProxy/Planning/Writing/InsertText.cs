using System.Collections.Immutable;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>An INSERT … VALUES cut into what stands before its rows, the rows, and what follows them. The cut is checked against the tree.</summary>
internal sealed class InsertText
{
    private readonly SqlTokens _tokens;
    private readonly int _values;

    private InsertText(SqlTokens tokens, int values, ImmutableArray<TextSpan> rows)
    {
        _tokens = tokens;
        _values = values;
        Rows = rows;
    }

    /// <summary>Each with its parentheses.</summary>
    public ImmutableArray<TextSpan> Rows { get; }

    /// <summary>Null for a text that does not fit the tree.</summary>
    public static InsertText? Cut(ValuesQuery values, SqlTokens tokens)
    {
        for (var index = 0; index < tokens.Count; index++)
        {
            if (tokens[index].Depth == 0 && tokens.IsWord(index, "values") && TryRows(values, tokens, index + 1) is { } rows)
                return new InsertText(tokens, index, rows);
        }
        return null;
    }

    /// <summary>The stretches of a row's values; null when they are not as many as the tree has.</summary>
    public ImmutableArray<TextSpan>? ValuesOf(int row, int count)
    {
        var opening = _tokens.At(Rows[row].Start);
        var closing = _tokens.Closing(opening);
        var values = ImmutableArray.CreateBuilder<TextSpan>(count);
        var first = opening + 1;
        for (var index = first; index <= closing; index++)
        {
            if (index != closing && !(_tokens.IsMark(index, ',') && _tokens[index].Depth == _tokens[first].Depth))
                continue;
            if (index == first || values.Count == count)
                return null;
            values.Add(new TextSpan(_tokens[first].Start, _tokens[index - 1].End));
            first = index + 1;
        }
        return values.Count == count ? values.MoveToImmutable() : null;
    }

    /// <summary>Edits that give each row values of further columns.</summary>
    /// <param name="listed">The columns that the rows have, when the text does not list them; else null.</param>
    public IEnumerable<TextEdit> Append(IReadOnlyList<string> columns, IReadOnlyList<string> values, IReadOnlyList<string>? listed)
    {
        if (columns.Count == 0)
            yield break;
        var names = string.Join(", ", columns.Select(Identifiers.QuoteAlways));
        if (listed is null)
        {
            var closing = ColumnListEnd();
            yield return new TextEdit(_tokens[closing].Start, _tokens[closing].Start, ", " + names);
        }
        else
        {
            var at = _tokens[Overriding() is var overriding and >= 0 ? overriding : _values].Start;
            yield return new TextEdit(at, at, $"({string.Join(", ", listed.Select(Identifiers.QuoteAlways))}, {names}) ");
        }
        foreach (var row in Rows)
            yield return new TextEdit(row.End - 1, row.End - 1, ", " + string.Join(", ", values));
    }

    private int ColumnListEnd()
    {
        var index = _values - 1;
        while (!(_tokens[index].Depth == 0 && _tokens.IsMark(index, ')')))
            index--;
        return index;
    }

    private int Overriding()
    {
        for (var index = 0; index < _values; index++)
        {
            if (_tokens[index].Depth == 0 && _tokens.IsWord(index, "overriding"))
                return index;
        }
        return -1;
    }

    private static ImmutableArray<TextSpan>? TryRows(ValuesQuery values, SqlTokens tokens, int index)
    {
        var rows = ImmutableArray.CreateBuilder<TextSpan>(values.Rows.Length);
        foreach (var row in values.Rows)
        {
            if (rows.Count > 0 && !tokens.IsMark(index++, ','))
                return null;
            if (!tokens.IsMark(index, '(') || tokens.Closing(index) is not (var closing and > 0))
                return null;
            var span = new TextSpan(tokens[index].Start, tokens[closing].End);
            if (row.Any(value => value.Location >= 0 && !span.Contains(value.Location)))
                return null;
            rows.Add(span);
            index = closing + 1;
        }
        return tokens.IsMark(index, ',') ? null : rows.MoveToImmutable();
    }
}
