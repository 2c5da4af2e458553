using System.Collections.Immutable;
using System.Globalization;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Merging;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Spreading;

/// <summary>
/// Rewrites a SELECT whose rows fall apart by shard, for ORDER BY, LIMIT and DISTINCT over all shards: the same text, with
/// hidden columns behind its outputs for what rows are compared by, and with LIMIT raised by OFFSET.
/// </summary>
internal sealed class RowsDraftWriter
{
    private readonly DraftInput _input;
    private readonly SelectText _text;
    private readonly List<string> _hidden = [];
    private readonly int _visible;

    private RowsDraftWriter(DraftInput input, SelectText text)
    {
        _input = input;
        _text = text;
        _visible = input.Rows.Columns.Length;
    }

    private Select Select => _input.Select;

    /// <param name="isDistinct">No two shards have equal rows.</param>
    public static RowsDraft? TryWrite(DraftInput input, bool isDistinct)
    {
        if (!input.Rows.Complete || input.Rows.Columns.IsEmpty || input.Select.Outputs.IsEmpty || input.Cut() is not { } text)
            return null;
        return new RowsDraftWriter(input, text).Write(isDistinct);
    }

    private RowsDraft? Write(bool isDistinct)
    {
        if (!RowCounts.TryRead(Select, _input.Source, out var limit, out var offset))
            return null;
        var order = ImmutableArray.CreateBuilder<Merging.SortKey>();
        for (var index = 0; index < Select.SortKeys.Length; index++)
        {
            var key = Select.SortKeys[index];
            if (key.HasOperator || ColumnOf(key.Value, _text.SortValue(index)) is not { } column)
                return null;
            order.Add(new Merging.SortKey(column, key.IsDescending, key.NullsFirst ?? key.IsDescending));
        }
        ImmutableArray<int> distinct = default;
        if (!isDistinct)
        {
            if (DistinctColumns(order) is not { } columns)
                return null;
            distinct = columns;
        }
        var sorted = !distinct.IsDefault && BeginsWith(order, distinct);
        return new RowsDraft(ShardText(limit, offset), _visible, _hidden.Count, order.ToImmutable(), distinct, sorted, Select.WithTies)
        {
            Limit = limit,
            Offset = offset,
            TextOrder = _input.TextOrder,
        };
    }

    // Rows that are equal in the columns stand together if the first keys are these columns, however often each is named.
    private static bool BeginsWith(ImmutableArray<Merging.SortKey>.Builder order, ImmutableArray<int> columns)
    {
        var first = order.Select(static key => key.Column).Distinct().Take(columns.Distinct().Count()).ToList();
        return columns.All(first.Contains);
    }

    private ImmutableArray<int>? DistinctColumns(ImmutableArray<Merging.SortKey>.Builder order)
    {
        var columns = ImmutableArray.CreateBuilder<int>();
        if (!Select.DistinctOn.IsEmpty)
        {
            // PostgreSQL wants them to be the first keys of ORDER BY, in any order, if there is one.
            foreach (var expression in Select.DistinctOn)
            {
                var same = Select.SortKeys.ToList().FindIndex(key => SameExpression.Are(key.Value, expression, _input.Block));
                if (same < 0)
                    return null;
                columns.Add(order[same].Column);
            }
            return columns.ToImmutable();
        }
        for (var index = 0; index < _visible; index++)
        {
            if (Visible(index) is not { } column)
                return null;
            columns.Add(column);
        }
        return columns.ToImmutable();
    }

    private int? ColumnOf(Expression key, TextSpan span)
    {
        if (key is Constant { Kind: ConstantKind.Integer } ordinal)
        {
            return int.TryParse(_input.Source.SensitiveText(ordinal), NumberStyles.None, CultureInfo.InvariantCulture, out var position) && position >= 1 && position <= _visible
                ? Visible(position - 1)
                : null;
        }
        if (key is ColumnReference { IsStar: false, Names: [var name] })
        {
            for (var index = 0; index < _visible; index++)
            {
                var column = _input.Rows.Columns[index];
                // A name that is not known could be this one.
                if (column.Name is null)
                    return null;
                if (string.Equals(column.Name, name, StringComparison.Ordinal))
                    return Visible(index);
            }
        }
        return key is Constant ? null : Hidden(_text.Text(span));
    }

    /// <summary>The output itself where its values can be compared in any format, else a hidden copy.</summary>
    private int? Visible(int index)
    {
        if (_input.Rows.Columns[index].Variable is { TypeOid: not 0 } variable && MergeTypes.ReadsText(variable.TypeOid))
            return index;
        var star = Select.Outputs.ToList().FindIndex(static output => output.Value is ColumnReference { IsStar: true });
        if (star >= 0 && index >= star)
            return _input.Rows.Columns[index].Name is { } name && Select.From.Length == 1 && Select.From[0] is FromTable ? Hidden(Identifiers.Quote(name)) : null;
        return _text.Value(Select.Outputs[index], index) is { } span ? Hidden(_text.Text(span)) : null;
    }

    private int? Hidden(string expression)
    {
        // A second call would give another value.
        if (_input.Analysis.Findings.VolatileFunction is not null)
            return null;
        var known = _hidden.IndexOf(expression);
        if (known < 0)
        {
            known = _hidden.Count;
            _hidden.Add(expression);
        }
        return _visible + known;
    }

    private string ShardText(RowCountTerm? limit, RowCountTerm? offset)
    {
        var parts = new List<string>();
        Add(_text.With);
        Add(_text.Head);
        var outputs = _text.Text(new TextSpan(_text.Outputs[0].Start, _text.Outputs[^1].End));
        parts.Add(string.Join("\n, ", _hidden.Prepend(outputs)));
        Add(_text.From);
        if (!_text.Groups.IsEmpty)
            parts.Add("GROUP BY " + _text.Text(new TextSpan(_text.Groups[0].Start, _text.Groups[^1].End)));
        if (_text.Having.End > 0)
            parts.Add("HAVING " + _text.Text(_text.Having));
        Add(_text.Window);
        if (!_text.Order.IsEmpty)
            parts.Add("ORDER BY " + _text.Text(new TextSpan(_text.Order[0].Start, _text.Order[^1].End)));
        if (limit is { } count && (count.Value is not null || count.Parameter > 0))
            parts.Add(RowCounts.Clause(count, offset, Select.WithTies));
        Add(_text.Locking);
        return string.Join('\n', parts);

        void Add(TextSpan span)
        {
            if (span.End > span.Start)
                parts.Add(_text.Text(span));
        }
    }
}
