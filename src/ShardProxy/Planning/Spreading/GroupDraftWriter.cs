using System.Collections.Immutable;
using System.Globalization;
using ShardProxy.Planning.Confinement;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Spreading;

/// <summary>
/// Takes a grouping SELECT apart: what the shards compute (keys and aggregates' arguments), and what is left to be done
/// with a group's values. Null wherever it is not sure what a piece of the text means.
/// </summary>
internal sealed class GroupDraftWriter
{
    private readonly DraftInput _input;
    private readonly SelectText _text;
    private readonly List<(Expression Value, string Text)> _keys = [];
    private readonly List<AggregateDraft> _aggregates = [];
    private bool _keysAreColumns;
    private bool _failed;
    private bool _comparesKeys;

    private GroupDraftWriter(DraftInput input, SelectText text)
    {
        _input = input;
        _text = text;
    }

    private Select Select => _input.Select;

    public static GroupDraft? TryWrite(DraftInput input)
    {
        var select = input.Select;
        if (!select.DistinctOn.IsEmpty || select.Locks || !select.Windows.IsEmpty || select.Outputs.IsEmpty || input.Analysis.Findings.VolatileFunction is not null
            || select.Outputs.Any(static output => output.Value is ColumnReference { IsStar: true }) || input.Cut() is not { } text)
        {
            return null;
        }
        return new GroupDraftWriter(input, text).Write();
    }

    private GroupDraft? Write()
    {
        if (!RowCounts.TryRead(Select, _input.Source, out var limit, out var offset) || !TryKeys())
            return null;
        _keysAreColumns = _keys.TrueForAll(static key => key.Value is ColumnReference);
        _comparesKeys = Select.Having is not null || !Select.SortKeys.IsEmpty || Select.IsDistinct;
        var outputs = new List<string>();
        for (var index = 0; index < Select.Outputs.Length; index++)
        {
            var output = Select.Outputs[index];
            if (_text.Value(output, index) is not { } span)
                return null;
            outputs.Add(Rewrite(output.Value, span));
            _comparesKeys |= !Aggregates.IsAggregate(output.Value) && output.Value is not (ColumnReference or Constant);
        }
        var head = (Select.IsDistinct ? "SELECT DISTINCT " : "SELECT ") + string.Join("\n, ", outputs);
        var tail = new List<string>();
        if (Select.Having is not null)
            tail.Add("WHERE " + Rewrite(Select.Having, _text.Having));
        if (!Select.SortKeys.IsEmpty)
            tail.Add("ORDER BY " + string.Join("\n, ", Select.SortKeys.Select(Sort)));
        tail.AddRange(RowCounts.LastClauses(limit, offset, Select.WithTies));
        if (_failed || _keys.Count + _aggregates.Count == 0)
            return null;
        return new GroupDraft(Text(_text.With), Text(_text.From), [.. _keys.Select(static key => key.Text)], [.. _aggregates], head, string.Join('\n', tail), _comparesKeys)
        {
            TextOrder = _input.TextOrder,
        };
    }

    private bool TryKeys()
    {
        for (var index = 0; index < Select.Groups.Length; index++)
        {
            var group = Select.Groups[index];
            if (group is Constant { Kind: ConstantKind.Integer } ordinal)
            {
                if (!int.TryParse(_input.Source.SensitiveText(ordinal), NumberStyles.None, CultureInfo.InvariantCulture, out var position)
                    || position < 1 || position > Select.Outputs.Length || !TryOutputKey(position - 1))
                {
                    return false;
                }
                continue;
            }
            if (group is ColumnReference { IsStar: false, Names: [var name] } column && _input.Block.Columns.Resolve(column) == default)
            {
                var named = Select.Outputs.ToList().FindIndex(output => output.Name == name);
                if (named < 0 || !TryOutputKey(named))
                    return false;
                continue;
            }
            AddKey(group, _text.Text(_text.Groups[index]));
        }
        // An aggregate or a query as a key is for PostgreSQL to refuse, or too much for us.
        return _keys.TrueForAll(static key => !Aggregates.Holds(key.Value) && !HoldsQuery(key.Value) && key.Value is not Constant);
    }

    private bool TryOutputKey(int output)
    {
        if (_text.Value(Select.Outputs[output], output) is not { } span)
            return false;
        AddKey(Select.Outputs[output].Value, _text.Text(span));
        return true;
    }

    private int AddKey(Expression value, string text)
    {
        var known = _keys.FindIndex(key => SameExpression.Are(key.Value, value, _input.Block));
        if (known >= 0)
            return known;
        _keys.Add((value, text));
        return _keys.Count - 1;
    }

    private string Sort(SortItem item, int index)
    {
        var span = _text.SortValue(index);
        var suffix = _text.Tokens.Text(span.End, _text.Order[index].End);
        if (item.HasOperator)
            _failed = true;
        if (item.Value is Constant)
            return _text.Text(_text.Order[index]);
        if (item.Value is ColumnReference { IsStar: false, Names: [var name] })
        {
            // A name means an output before it means a column.
            var named = Select.Outputs.ToList().FindIndex(output => (output.Name ?? OutputNames.Of(output.Value)) == name);
            if (named >= 0)
                return string.Create(CultureInfo.InvariantCulture, $"{named + 1}{suffix}");
        }
        return Rewrite(item.Value, span) + suffix;
    }

    /// <summary>The text with the values of keys and aggregates in place of themselves.</summary>
    private string Rewrite(Expression expression, TextSpan span)
    {
        var places = new List<(TextSpan Span, string Mark)>();
        Visit(expression, span, places);
        var text = _text.Replaced(span, places);
        _failed |= text is null;
        return text ?? "";
    }

    /// <param name="whole">The expression's own place, where it is known.</param>
    private void Visit(Expression expression, TextSpan? whole, List<(TextSpan Span, string Mark)> places)
    {
        if (Aggregates.IsAggregate(expression))
        {
            Replace(TryAggregate(expression, out var aggregate, out var place) ? place : null, $"{GroupDraftMarks.Aggregate}{aggregate}", places);
            return;
        }
        var key = _keys.FindIndex(candidate => SameExpression.Are(candidate.Value, expression, _input.Block));
        if (key >= 0)
        {
            Replace(PlaceOf(expression) ?? whole, $"{GroupDraftMarks.Key}{key}", places);
            return;
        }
        switch (expression)
        {
            case SubqueryExpression or OtherExpression { Kind: "GroupingFunc" }:
                _failed = true;
                return;
            case ColumnReference column:
                // Beside a key it is one of those that the keys determine, and may be one too.
                if (column.IsStar || !_keysAreColumns || Select.Groups.IsEmpty || PlaceOf(column) is not { } place)
                {
                    _failed = true;
                    return;
                }
                Replace(place, $"{GroupDraftMarks.Key}{AddKey(column, _text.Text(place))}", places);
                return;
        }
        foreach (var child in ExpressionChildren.Of(expression))
            Visit(child, null, places);
    }

    private void Replace(TextSpan? place, string mark, List<(TextSpan Span, string Mark)> places)
    {
        if (place is { } span)
            places.Add((span, mark));
        else
            _failed = true;
    }

    private TextSpan? PlaceOf(Expression expression) => expression switch
    {
        ColumnReference column => _text.Place(column),
        FunctionCall call => CallPlace(call, out _),
        _ => null,
    };

    /// <summary>From the name to the parenthesis that closes the arguments. Null when it is not written as a call.</summary>
    private TextSpan? CallPlace(FunctionCall call, out int opening)
    {
        var first = _text.Tokens.At(call.Location);
        opening = first < 0 ? -1 : first + (2 * call.Names.Length) - 1;
        if (!_text.Tokens.IsMark(opening, '('))
        {
            // The grammar may have put pg_catalog before the name.
            opening = first + 1;
            if (first < 0 || !_text.Tokens.IsMark(opening, '('))
                return null;
        }
        var closing = _text.Tokens.Closing(opening);
        return closing < 0 ? null : new TextSpan(_text.Tokens[first].Start, _text.Tokens[closing].End);
    }

    private bool TryAggregate(Expression expression, out int index, out TextSpan place)
    {
        index = -1;
        place = default;
        if (expression is not FunctionCall { IsOrdered: false, IsVariadic: false } call || call.Arguments.Length > 1 || CallPlace(call, out var opening) is not { } span)
            return false;
        if (!call.IsStar && call.Arguments.Length == 0)
            return false;
        var tokens = _text.Tokens;
        var closing = tokens.Closing(opening);
        var filter = "";
        var end = span.End;
        if (call.IsFiltered)
        {
            if (!tokens.IsWord(closing + 1, "filter") || !tokens.IsMark(closing + 2, '('))
                return false;
            var filterEnd = tokens.Closing(closing + 2);
            end = tokens[filterEnd].End;
            filter = tokens.Text(tokens[closing + 1].Start, end);
        }
        var from = opening + 1;
        if (tokens.IsWord(from, "distinct") || tokens.IsWord(from, "all"))
            from++;
        var argument = call.IsStar ? null : tokens.Text(tokens[from].Start, tokens[closing - 1].End);
        var name = call.Names[^1];
        // Of equal values these take any.
        var ignoresDistinct = name is "min" or "max" or "bool_and" or "bool_or" or "every" or "bit_and" or "bit_or";
        var draft = new AggregateDraft(name, argument, filter, call.IsDistinct && !ignoresDistinct);
        index = _aggregates.IndexOf(draft);
        if (index < 0)
        {
            index = _aggregates.Count;
            _aggregates.Add(draft);
        }
        place = new TextSpan(span.Start, end);
        return true;
    }

    private string Text(TextSpan span) => span.End > span.Start ? _text.Text(span) : "";

    private static bool HoldsQuery(Expression expression) => expression is SubqueryExpression || ExpressionChildren.Of(expression).Any(HoldsQuery);
}
