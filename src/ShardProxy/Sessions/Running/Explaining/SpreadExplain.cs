using System.Globalization;
using ShardProxy.Planning;
using ShardProxy.Planning.Merging;
using ShardProxy.Planning.Writing;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Running.Explaining;

/// <summary>The plan of a statement whose rows several shards give and the proxy puts together.</summary>
internal static class SpreadExplain
{
    /// <param name="answers">Each shard's own plan.</param>
    /// <param name="measure">Null without ANALYZE.</param>
    public static ExplainNode Node(Database database, ExplainPlan plan, List<int> shards, SpreadShape shape, IReadOnlyList<string>[] answers, SpreadMeasure? measure)
    {
        var spec = shape.Spec;
        var merge = new ExplainNode(KindOf(plan.Inner, spec)).Add("Shards", string.Join(", ", shards.Select(database.ShardName)));
        if (spec is not null)
            Describe(merge, spec, (plan.Inner as SpreadPlan)?.Merge);
        var first = measure is { Steps: [var step0, ..] } ? step0 : null;
        if (first is not null)
        {
            merge.Add("Actual Rows", first.Rows).Add("Rows Fetched", first.Shards.Values.Sum(static shard => shard.Rows))
                .Add("Bytes Fetched", first.Shards.Values.Sum(static shard => shard.Bytes)).Add("Actual Total Time", first.Time.TotalMilliseconds);
        }
        for (var index = 0; index < shards.Count; index++)
        {
            var child = new ExplainNode("Shard") { ServerPlan = answers[index] }.Add("Shard", database.ShardName(shards[index])).Add("Statement", shape.ShardText);
            if (first is not null && first.Shards.TryGetValue(shards[index], out var cost))
            {
                child.Add("Actual Rows", cost.Rows).Add("Bytes", cost.Bytes);
                if (cost.Time is { } time)
                    child.Add("Actual Total Time", time.TotalMilliseconds);
                else
                    child.Add("Stopped", "before its last row");
            }
            merge.Children.Add(child);
        }
        if (spec?.Finish is not { } finish)
            return merge;
        var last = new ExplainNode(spec.Group is null ? "Statement over Collected Rows" : "Statement over Combined Groups").Add("On Shard", database.ShardName(shards[0])).Add("Statement", finish.Text);
        if (measure is { Steps: [_, var step, ..] })
            last.Add("Actual Rows", step.Rows).Add("Actual Total Time", step.Time.TotalMilliseconds);
        last.Children.Add(merge);
        return last;
    }

    private static string KindOf(Plan plan, MergeSpec? spec) => (plan, spec) switch
    {
        (WritePlan { Draft: MovedRowsDraft }, _) => "Rows Read and Stored Where They Belong",
        (WritePlan { Draft: PickedRowsDraft }, _) => "Subqueries First, and Then Write",
        (WritePlan { Draft: KeyUpdateDraft }, _) => "Rows Changed and Moved Where They Belong",
        (WritePlan { Draft: SplitRowsDraft }, _) => "Rows Divided by Shard",
        (WritePlan, _) => "Write on Each Shard",
        (CountEverywherePlan, _) => "Sum of Counts",
        (_, { Group: not null }) => "Combination of Groups",
        (_, { Order.IsEmpty: false }) => "Ordered Merge",
        (_, { Distinct: not null }) => "Distinct Rows",
        _ => "Concatenation",
    };

    private static void Describe(ExplainNode node, MergeSpec spec, MergeDraft? draft)
    {
        if (!spec.Order.IsEmpty)
            node.Add("Merge Key", string.Join(", ", spec.Order.Select(key => $"column {Number(key.Column)}{(key.Descending ? " DESC" : "")}{(key.NullsFirst == key.Descending ? "" : key.NullsFirst ? " NULLS FIRST" : " NULLS LAST")}")));
        if (spec.Columns.Length > spec.VisibleCount && spec.Group is null)
            node.Add("Hidden Columns", spec.Columns.Length - spec.VisibleCount);
        if (spec.Distinct is { } distinct)
            node.Add("Distinct Key", $"{Columns(distinct.Columns)}{(distinct.Sorted ? "" : " (hashed)")}");
        if (spec.Group is { } group && draft is GroupDraft grouped)
        {
            if (!group.Keys.IsEmpty)
                node.Add("Group Key", $"{Columns(group.Keys)}{(group.Sorted ? "" : " (hashed)")}");
            node.Add("Aggregates", grouped.Aggregates.IsEmpty ? null : string.Join(", ", grouped.Aggregates.Select(static aggregate => aggregate.Function)));
        }
        if (draft?.Limit is { } limit)
            node.Add("Limit", limit.Value?.ToString(CultureInfo.InvariantCulture));
        if (draft?.Offset is { } offset)
            node.Add("Offset", offset.Value?.ToString(CultureInfo.InvariantCulture));
    }

    private static string Columns(IEnumerable<int> columns) => string.Join(", ", columns.Select(static column => $"column {Number(column)}"));

    private static string Number(int column) => (column + 1).ToString(CultureInfo.InvariantCulture);
}
