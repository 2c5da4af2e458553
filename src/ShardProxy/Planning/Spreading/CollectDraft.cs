using System.Collections.Immutable;
using System.Globalization;
using ShardProxy.Planning.Merging;

namespace ShardProxy.Planning;

/// <summary>
/// Aggregates whose value holds their arguments (string_agg, array_agg, json_agg and their kin): the shards send the columns that the
/// statement names of the rows that it reads, and the statement itself, over these columns, runs on one shard.
/// </summary>
/// <param name="From">FROM … WHERE …, or empty.</param>
/// <param name="Columns">As the client names them; at least one.</param>
/// <param name="Head">SELECT and the outputs, where {k0} stands for a column.</param>
/// <param name="Tail">GROUP BY and what follows, likewise.</param>
/// <param name="KeepsCollations">Text is under the database's own collation, or under one that orders as that does.</param>
public sealed record CollectDraft(string From, ImmutableArray<string> Columns, string Head, string Tail, bool KeepsCollations) : CombinedDraft
{
    private const string Rows = "shardproxy_rows";

    public override string Probe => $"SELECT {string.Join("\n, ", Columns)}\n{From}";

    public override GroupShape? Complete(ReadOnlySpan<uint> types, int parameterCount)
    {
        if (types.Length != Columns.Length)
            return null;
        var columns = ImmutableArray.CreateBuilder<RowColumn>(types.Length);
        var arrays = new List<string>();
        foreach (var type in types)
        {
            if (ArrayTypeNames.Of(type) is not { } array || (ArrayTypeNames.IsText(type) && !KeepsCollations))
                return null;
            columns.Add(RowColumn.Hidden(type));
            arrays.Add(string.Create(CultureInfo.InvariantCulture, $"pg_catalog.unnest(${parameterCount + 1 + arrays.Count}::{array})"));
        }
        var names = string.Join(", ", Enumerable.Range(0, types.Length).Select(static column => string.Create(CultureInfo.InvariantCulture, $"k{column}")));
        var text = $"{Named(Head)}\nFROM ROWS FROM ({string.Join(", ", arrays)}) AS {Rows}({names})\n{Named(Tail)}";
        return new GroupShape(Probe, new MergeSpec(columns.MoveToImmutable(), 0) { Finish = new FinishSpec(text, parameterCount + 1) });
    }

    private static string Named(string text) => text.Replace(GroupDraftMarks.Key, Rows + ".k", StringComparison.Ordinal);
}
