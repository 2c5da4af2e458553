using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using ShardProxy.Catalog;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Merging;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Spreading;

/// <summary>
/// Writes a grouping SELECT over the columns that it names, in place of its FROM and WHERE. Null wherever it is not sure what a
/// piece of the text means.
/// </summary>
internal sealed class CollectDraftWriter
{
    // Their values are as large as their arguments together, so nothing is saved by computing them in parts.
    private static readonly FrozenSet<string> Collecting = FrozenSet.Create(
        StringComparer.Ordinal,
        "string_agg", "array_agg", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg", "json_agg_strict", "jsonb_agg_strict",
        "json_object_agg_strict", "jsonb_object_agg_strict", "json_object_agg_unique", "jsonb_object_agg_unique",
        "json_object_agg_unique_strict", "jsonb_object_agg_unique_strict");

    private readonly DraftInput _input;
    private readonly SelectText _text;
    private readonly List<string> _columns = [];
    private readonly List<string> _groups = [];
    private bool _keysAreColumns = true;
    private bool _failed;

    private CollectDraftWriter(DraftInput input, SelectText text)
    {
        _input = input;
        _text = text;
    }

    private Select Select => _input.Select;

    /// <summary>Whether one of the aggregates is of this kind.</summary>
    public static bool IsFor(Select select) => Own(select).Any(static expression => Holds(expression, static call => Collecting.Contains(call.Names[^1])));

    public static CollectDraft? TryWrite(DraftInput input)
    {
        var select = input.Select;
        if (!select.DistinctOn.IsEmpty || select.Locks || !select.Windows.IsEmpty || select.Outputs.IsEmpty || input.Analysis.Findings.VolatileFunction is not null
            || (HasOrderOfItsOwn(input) && Own(select).Any(static expression => Holds(expression, static call => Collecting.Contains(call.Names[^1]) && !call.IsOrdered)))
            || input.Cut() is not { } text || text.With.End > text.With.Start)
        {
            return null;
        }
        return new CollectDraftWriter(input, text).Write();
    }

    private CollectDraft? Write()
    {
        if (!RowCounts.TryRead(Select, _input.Source, out var limit, out var offset))
            return null;
        for (var index = 0; index < Select.Groups.Length; index++)
            AddGroup(Select.Groups[index], index);
        var outputs = new List<string>();
        for (var index = 0; index < Select.Outputs.Length; index++)
        {
            if (_text.Value(Select.Outputs[index], index) is not { } span)
                return null;
            outputs.Add(Rewrite(Select.Outputs[index].Value, span, isGrouped: true));
        }
        var having = Select.Having is null ? null : "HAVING " + Rewrite(Select.Having, _text.Having, isGrouped: true);
        var order = Select.SortKeys.IsEmpty ? null : "ORDER BY " + string.Join("\n, ", Select.SortKeys.Select(Sort));
        if (_failed)
            return null;
        var tail = new List<string>();
        if (_groups.Count > 0)
            tail.Add("GROUP BY " + string.Join("\n, ", _groups));
        if (having is not null)
            tail.Add(having);
        if (order is not null)
            tail.Add(order);
        tail.AddRange(RowCounts.LastClauses(limit, offset, Select.WithTies));
        if (_columns.Count == 0)
            _columns.Add("1::pg_catalog.int4");
        return new CollectDraft(
            _text.From.End > _text.From.Start ? _text.Text(_text.From) : "", [.. _columns], (Select.IsDistinct ? "SELECT DISTINCT " : "SELECT ") + string.Join("\n, ", outputs),
            string.Join('\n', tail), _input.TextOrder == CollationOrder.Bytewise || _input.HasDefaultCollations)
        {
            TextOrder = _input.TextOrder,
        };
    }

    private void AddGroup(Expression group, int index)
    {
        if (group is Constant)
        {
            _keysAreColumns = false;
            _groups.Add(_text.Text(_text.Groups[index]));
            return;
        }
        if (group is ColumnReference { IsStar: false, Names: [var name] } column && _input.Block.Columns.Resolve(column) == default)
        {
            _keysAreColumns = false;
            Ordinal(name, _text.Groups[index], "");
            return;
        }
        _keysAreColumns &= group is ColumnReference;
        _groups.Add(Rewrite(group, _text.Groups[index], isGrouped: false));

        void Ordinal(string output, TextSpan span, string suffix)
        {
            var named = Select.Outputs.ToList().FindIndex(candidate => candidate.Name == output);
            _failed |= named < 0 || span.End <= span.Start;
            _groups.Add(string.Create(CultureInfo.InvariantCulture, $"{named + 1}{suffix}"));
        }
    }

    private string Sort(SortItem item, int index)
    {
        var span = _text.SortValue(index);
        var suffix = _text.Tokens.Text(span.End, _text.Order[index].End);
        _failed |= item.HasOperator;
        if (item.Value is Constant)
            return _text.Text(_text.Order[index]);
        if (item.Value is ColumnReference { IsStar: false, Names: [var name] })
        {
            // A name means an output before it means a column.
            var named = Select.Outputs.ToList().FindIndex(output => (output.Name ?? OutputNames.Of(output.Value)) == name);
            if (named >= 0)
                return string.Create(CultureInfo.InvariantCulture, $"{named + 1}{suffix}");
        }
        return Rewrite(item.Value, span, isGrouped: true) + suffix;
    }

    /// <param name="isGrouped">A column outside of aggregates is one of the keys, or determined by them.</param>
    private string Rewrite(Expression expression, TextSpan span, bool isGrouped)
    {
        var places = new List<(TextSpan Span, string Mark)>();
        Visit(expression, isGrouped, places);
        var text = _text.Replaced(span, places);
        _failed |= text is null;
        return text ?? "";
    }

    private void Visit(Expression expression, bool isGrouped, List<(TextSpan Span, string Mark)> places)
    {
        switch (expression)
        {
            case SubqueryExpression or OtherExpression { Kind: "GroupingFunc" }:
                _failed = true;
                return;
            case ColumnReference column:
                if (column.IsStar || _text.Place(column) is not { } place || !CanBeSent(column))
                {
                    _failed = true;
                    return;
                }
                var mark = $"{GroupDraftMarks.Key}{Add(_text.Text(place))}";
                // PostgreSQL lets what the primary key determines stand beside it; here nobody knows of the key.
                if (isGrouped && _keysAreColumns && _groups.Count > 0 && !_groups.Contains(mark))
                    _groups.Add(mark);
                places.Add((place, mark));
                return;
        }
        var isInside = isGrouped && !Aggregates.IsAggregate(expression);
        foreach (var child in ExpressionChildren.Of(expression))
            Visit(child, isInside, places);
    }

    private bool CanBeSent(ColumnReference column) =>
        _input.Block.Columns.Resolve(column).Variable is { TypeOid: not 0 and var type } && ArrayTypeNames.Of(type) is not null;

    private int Add(string column)
    {
        var known = _columns.IndexOf(column);
        if (known >= 0)
            return known;
        _columns.Add(column);
        return _columns.Count - 1;
    }

    private static IEnumerable<Expression> Own(Select select) =>
        select.Outputs.Select(static output => output.Value).Concat(select.Order).Concat(select.Having is null ? [] : [select.Having]);

    private static bool Holds(Expression expression, Func<FunctionCall, bool> test) =>
        (expression is FunctionCall call && Aggregates.IsAggregate(call) && test(call)) || ExpressionChildren.Of(expression).Any(child => Holds(child, test));

    // An aggregate takes the rows of a subquery or view in their order, which would be lost.
    private static bool HasOrderOfItsOwn(DraftInput input) =>
        !input.Select.From.All(IsPlain) || input.Analysis.Findings.Relations.Any(static relation => relation.Kind == RelationKind.View);

    private static bool IsPlain(FromItem item) => item switch
    {
        FromTable => true,
        FromJoin join => IsPlain(join.Left) && IsPlain(join.Right),
        _ => false,
    };
}
