using System.Collections.Immutable;
using ShardProxy.Merging.Aggregates;
using ShardProxy.Merging.Rows;
using ShardProxy.Merging.Steps;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Merging;

/// <summary>Puts the steps of a <see cref="MergeSpec"/> behind each other.</summary>
internal static class MergeSteps
{
    public static IRowSource Build(MergeSpec spec, MergeBinding binding, IReadOnlyList<IRowSource> sources)
    {
        if (spec.Limit is not null)
            CheckLimit(binding);
        var budget = new MemoryBudget(binding.MaxBytes);
        var columns = spec.Columns;
        var rows = Combine(spec, binding, sources);
        if (spec.Group is { } group)
        {
            rows = Group(group, columns, binding, rows, budget);
            columns = OutputsOf(group);
        }
        if (spec.Distinct is { } distinct)
        {
            var identity = new RowIdentity(distinct.Columns, columns, binding);
            rows = distinct.Sorted ? new SortedDistinct(rows, identity) : new HashedDistinct(rows, identity, budget);
        }
        if (!spec.Sort.IsEmpty)
            rows = new SortedRows(rows, new RowOrder(spec.Sort, columns, binding), WantedRows(spec, binding), budget);
        if (spec.Limit is { } limit && (binding.Limit is not null || binding.Offset > 0))
        {
            var ties = limit.Ties.IsEmpty ? null : new RowOrder(limit.Ties, columns, binding);
            rows = new LimitedRows(rows, binding.Limit ?? long.MaxValue, binding.Offset, ties);
        }
        return rows;
    }

    /// <summary>The columns of the rows that leave the last step.</summary>
    public static ImmutableArray<RowColumn> ColumnsOf(MergeSpec spec) => spec.Group is { } group ? OutputsOf(group) : spec.Columns;

    private static IRowSource Combine(MergeSpec spec, MergeBinding binding, IReadOnlyList<IRowSource> sources)
    {
        if (sources.Count == 1)
            return sources[0];
        return spec.Order.IsEmpty ? new Concatenation(sources) : new OrderedMerge(sources, new RowOrder(spec.Order, spec.Columns, binding));
    }

    private static IRowSource Group(GroupSpec group, ImmutableArray<RowColumn> columns, MergeBinding binding, IRowSource rows, MemoryBudget budget)
    {
        var groups = new GroupRows(group, columns, binding, budget);
        if (group.Keys.IsEmpty)
            return new SortedGroups(rows, groups, keys: null);
        var keys = new RowIdentity(group.Keys, columns, binding);
        return group.Sorted ? new SortedGroups(rows, groups, keys) : new HashedGroups(rows, groups, keys, budget);
    }

    private static ImmutableArray<RowColumn> OutputsOf(GroupSpec group)
    {
        var columns = ImmutableArray.CreateBuilder<RowColumn>(group.Outputs.Length);
        foreach (var output in group.Outputs)
            columns.Add(output.Column);
        return columns.MoveToImmutable();
    }

    // Ties could be any number of rows.
    private static long WantedRows(MergeSpec spec, MergeBinding binding) =>
        spec.Limit is { Ties.IsEmpty: true } && binding.Limit is { } limit && limit < long.MaxValue - binding.Offset
            ? limit + binding.Offset
            : long.MaxValue;

    private static void CheckLimit(MergeBinding binding)
    {
        if (binding.Limit < 0)
            throw new MergeException(SqlStates.InvalidRowCountInLimit, "LIMIT must not be negative");
        if (binding.Offset < 0)
            throw new MergeException(SqlStates.InvalidRowCountInOffset, "OFFSET must not be negative");
    }
}
