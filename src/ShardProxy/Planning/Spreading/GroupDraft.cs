using System.Collections.Immutable;
using System.Globalization;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Planning;

/// <summary>
/// GROUP BY and aggregates over shards: each shard computes partial values per group, the merge combines them, and one
/// statement over the combined rows, run by PostgreSQL, makes the client's rows of them: expressions over aggregates,
/// HAVING, windows, ORDER BY and LIMIT are its work.
/// </summary>
/// <param name="With">WITH … of the statement, or empty.</param>
/// <param name="From">FROM … WHERE …, or empty.</param>
/// <param name="Keys">What is grouped by, as SQL over the shards' tables.</param>
/// <param name="FinishHead">SELECT and the outputs, where {k0}, {a0} stand for a key's and an aggregate's value.</param>
/// <param name="FinishTail">HAVING as WHERE, ORDER BY, LIMIT: likewise.</param>
/// <param name="ComparesKeys">The last statement does more with the keys than to show them.</param>
public sealed record GroupDraft(
    string With, string From, ImmutableArray<string> Keys, ImmutableArray<AggregateDraft> Aggregates, string FinishHead, string FinishTail, bool ComparesKeys) : CombinedDraft
{
    private const string Rows = "shardproxy_rows";

    /// <summary>The keys, then the aggregates' arguments.</summary>
    public override string Probe => $"{With}\nSELECT {string.Join("\n, ", [.. Keys, .. Aggregates.Select(static aggregate => aggregate.Argument ?? "0")])}\n{From}";

    public override GroupShape? Complete(ReadOnlySpan<uint> types, int parameterCount)
    {
        if (types.Length != Keys.Length + Aggregates.Length)
            return null;
        var columns = new List<RowColumn>();
        var selected = new List<string>();
        for (var key = 0; key < Keys.Length; key++)
        {
            if (!MergeTypes.CanEqual(types[key], TextOrder) || (ComparesKeys && !MergeTypes.CanOrder(types[key], TextOrder)))
                return null;
            columns.Add(RowColumn.Hidden(types[key]));
            selected.Add(Keys[key]);
        }
        var distinct = Aggregates.FirstOrDefault(static aggregate => aggregate.CountsDistinct);
        var distinctColumn = -1;
        if (distinct is not null)
        {
            var type = types[Keys.Length + Aggregates.IndexOf(distinct)];
            if (Aggregates.Any(other => other.CountsDistinct && other.Argument != distinct.Argument) || !MergeTypes.CanOrder(type, TextOrder) || !KeysCanOrder(types))
                return null;
            distinctColumn = columns.Count;
            columns.Add(RowColumn.Hidden(type));
            selected.Add(distinct.Argument!);
        }
        var grouped = columns.Count;
        var specs = ImmutableArray.CreateBuilder<AggregateSpec>();
        for (var index = 0; index < Aggregates.Length; index++)
        {
            var aggregate = Aggregates[index];
            if (AggregateRules.Find(aggregate.Function, aggregate.Argument is null ? 0 : types[Keys.Length + index], TextOrder) is not { } rule)
                return null;
            var partials = ImmutableArray.CreateBuilder<int>();
            foreach (var partial in rule.Partials)
            {
                partials.Add(columns.Count);
                columns.Add(RowColumn.Hidden(partial.Type));
                selected.Add(aggregate.Partial(partial));
            }
            specs.Add(new AggregateSpec(rule, partials.ToImmutable()) { DistinctColumn = aggregate.CountsDistinct ? distinctColumn : -1 });
        }
        var ordinals = string.Join(", ", Enumerable.Range(1, grouped));
        var shard = $"{With}\nSELECT {string.Join("\n, ", selected)}\n{From}";
        if (grouped > 0)
            shard += $"\nGROUP BY {ordinals}";
        if (distinct is not null)
            shard += $"\nORDER BY {ordinals}";
        return Finish(columns, specs.ToImmutable(), shard, distinct is null ? 0 : grouped, parameterCount);
    }

    private bool KeysCanOrder(ReadOnlySpan<uint> types)
    {
        foreach (var type in types[..Keys.Length])
        {
            if (!MergeTypes.CanOrder(type, TextOrder))
                return false;
        }
        return true;
    }

    private GroupShape? Finish(List<RowColumn> columns, ImmutableArray<AggregateSpec> specs, string shard, int sorted, int parameterCount)
    {
        var outputs = ImmutableArray.CreateBuilder<GroupOutput>();
        for (var key = 0; key < Keys.Length; key++)
            outputs.Add(new FirstValueOutput(columns[key], key));
        for (var index = 0; index < specs.Length; index++)
            outputs.Add(new AggregateOutput(RowColumn.Hidden(specs[index].Rule.ResultType), index));
        var arrays = new List<string>();
        var names = new List<string>();
        foreach (var output in outputs)
        {
            if (ArrayTypeNames.Of(output.Column.Type) is not { } type)
                return null;
            arrays.Add(string.Create(CultureInfo.InvariantCulture, $"pg_catalog.unnest(${parameterCount + 1 + arrays.Count}::{type})"));
            names.Add(names.Count < Keys.Length ? $"k{names.Count}" : $"a{names.Count - Keys.Length}");
        }
        var text = $"{Named(FinishHead)}\nFROM ROWS FROM ({string.Join(", ", arrays)}) AS {Rows}({string.Join(", ", names)})\n{Named(FinishTail)}";
        var spec = new MergeSpec([.. columns], 0)
        {
            Order = [.. Enumerable.Range(0, sorted).Select(static column => new Merging.SortKey(column, false, false))],
            Group = new GroupSpec([.. Enumerable.Range(0, Keys.Length)], sorted > 0, specs, outputs.ToImmutable()),
            Finish = new FinishSpec(text, parameterCount + 1),
        };
        return new GroupShape(shard, spec);
    }

    private static string Named(string text) => text.Replace(GroupDraftMarks.Key, Rows + ".k", StringComparison.Ordinal).Replace(GroupDraftMarks.Aggregate, Rows + ".a", StringComparison.Ordinal);
}

/// <summary>What stands for a value in the last statement until its columns have names; no SQL text has these characters (U+E000, U+E001 are for private use).</summary>
internal static class GroupDraftMarks
{
    public const string Key = "\uE000";

    public const string Aggregate = "\uE001";
}

/// <summary>An aggregate call.</summary>
/// <param name="Argument">SQL; null for count(*).</param>
/// <param name="Filter">FILTER (…), or empty.</param>
/// <param name="CountsDistinct">Of equal arguments one counts, over all shards.</param>
public sealed record AggregateDraft(string Function, string? Argument, string Filter, bool CountsDistinct)
{
    internal string Partial(PartialValue partial)
    {
        var argument = partial.Argument is null ? "*" : partial.Argument.Replace("{0}", $"({Argument})", StringComparison.Ordinal);
        return $"pg_catalog.{partial.Function}({(CountsDistinct ? "DISTINCT " : "")}{argument}) {Filter}";
    }
}

/// <summary>A <see cref="CombinedDraft"/> whose types are known.</summary>
public sealed record GroupShape(string ShardText, MergeSpec Spec);
