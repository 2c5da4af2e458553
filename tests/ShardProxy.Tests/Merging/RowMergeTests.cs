using FsCheck;
using FsCheck.Fluent;
using ShardProxy.Merging;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Tests.Merging;

public sealed class RowMergeTests
{
    private static readonly SortKey Ascending = new(0, false, false);

    [Fact]
    public void Sorted_shards_merge_to_what_sorting_gives() => Check.QuickThrowOnFailure(Prop.ForAll<int?[][], bool, bool>((parts, descending, nullsFirst) =>
    {
        var key = new SortKey(0, descending, nullsFirst);
        var rows = Rows(parts);
        var expected = Sort(rows.SelectMany(static part => part), key).Select(static row => row[0]).ToList();
        var sources = rows.Select(part => Source(Sort(part, key))).ToArray();
        if (sources.Length == 0)
            return true;
        return MergeRows.Run(MergeRows.Ordered(key), MergeRows.Binding(), sources).Select(static row => row[0]).SequenceEqual(expected);
    }));

    [Fact]
    public void Sorting_here_is_stable_and_its_first_rows_are_those_of_the_whole() => Check.QuickThrowOnFailure(Prop.ForAll<int?[][], byte, byte>((parts, limit, offset) =>
    {
        var rows = Rows(parts);
        if (rows.Count == 0)
            return true;
        var spec = new MergeSpec([MergeRows.Visible, MergeRows.Hidden], 2) { Sort = [Ascending], Limit = new LimitSpec([]) };
        // One shard: its order among equal rows is what must be kept.
        var source = new ListSource([.. rows.SelectMany(static part => part).Select(static row => MergeRows.Frame(row))]);
        var all = Sort(rows.SelectMany(static part => part), Ascending).Skip(offset).Take(limit).Select(Show);
        return MergeRows.Run(spec, MergeRows.Binding(limit, offset), source).Select(Show).SequenceEqual(all);
    }));

    [Fact]
    public void Groups_are_the_same_hashed_and_sorted() => Check.QuickThrowOnFailure(Prop.ForAll<int?[][]>(parts =>
    {
        var rows = Rows(parts);
        if (rows.Count == 0)
            return true;
        var rule = AggregateRules.Find("count", TypeOid.Int8, CollationOrder.Bytewise)!;
        var group = new GroupSpec([0], Sorted: false, [new AggregateSpec(rule, [1])], [new FirstValueOutput(MergeRows.Visible, 0), new AggregateOutput(MergeRows.Hidden, 0)]);
        var spec = new MergeSpec([MergeRows.Visible, MergeRows.Hidden], 2) { Group = group };
        var hashed = MergeRows.Run(spec, MergeRows.Binding(), [.. rows.Select(static part => Source(part))]).Select(Show).Order().ToList();
        var sorted = spec with { Order = [Ascending], Group = group with { Sorted = true } };
        var streamed = MergeRows.Run(sorted, MergeRows.Binding(), [.. rows.Select(part => Source(Sort(part, Ascending)))]).Select(Show).Order().ToList();
        var expected = rows.SelectMany(static part => part).GroupBy(static row => row[0]).Select(static same => Show([same.Key, same.Sum(static row => row[1])])).Order().ToList();
        return hashed.SequenceEqual(expected) && streamed.SequenceEqual(expected);
    }));

    [Fact]
    public void A_limit_reads_no_more_of_the_shards_than_it_must()
    {
        var sources = Enumerable.Range(0, 4).Select(shard => new ListSource([.. Enumerable.Range(0, 1000).Select(row => MergeRows.Frame((row * 4) + shard, 0))])).ToArray();
        var rows = MergeRows.Run(MergeRows.Ordered(Ascending) with { Limit = new LimitSpec([]) }, MergeRows.Binding(limit: 10), sources);
        rows.Select(static row => row[0]).ShouldBe(Enumerable.Range(0, 10).Select(static row => (long?)row));
        // One row of each to compare, and one for each row that went out but the last.
        sources.Sum(static source => source.Pulled).ShouldBe(4 + 9);
        sources.ShouldAllBe(static source => !source.HasEnded);
    }

    [Fact]
    public void A_portal_takes_rows_in_portions()
    {
        var merge = new RowMerge(MergeRows.Ordered(Ascending), MergeRows.Binding(), [Source([[1, 0], [3, 0]]), Source([[2, 0]])]);
        var output = new ByteBuffer();
        Pump(merge, output, maxRows: 2).ShouldBe(MergeState.Suspended);
        merge.RowCount.ShouldBe(2);
        Pump(merge, output, maxRows: 2).ShouldBe(MergeState.Done);
        var rows = new List<long?[]>();
        MergeRows.Take(output, rows);
        rows.Select(static row => row[0]).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public void A_full_output_stops_the_merge_before_the_next_row()
    {
        var source = Source([[1, 0], [2, 0], [3, 0]]);
        var merge = new RowMerge(MergeRows.Ordered(Ascending), MergeRows.Binding(), [source]);
        var output = new ByteBuffer();
        output.Write("full"u8);
        merge.Pump(output, highWater: 4).ShouldBe(MergeState.WantRoom);
        ((ListSource)source).Pulled.ShouldBe(0);
    }

    [Fact]
    public void Hidden_columns_do_not_leave_the_merge()
    {
        var spec = new MergeSpec([MergeRows.Visible, MergeRows.Hidden, MergeRows.Hidden], VisibleCount: 1) { Order = [new SortKey(2, true, true)] };
        MergeRows.Run(spec, MergeRows.Binding(), Source([[1, 5, 9], [2, 6, 7]]), Source([[3, 7, 8]]))
            .Select(Show).ShouldBe([Show([1]), Show([3]), Show([2])]);
    }

    [Fact]
    public void Aggregates_of_no_rows_are_one_row()
    {
        var count = AggregateRules.Find("count", TypeOid.Int8, CollationOrder.Bytewise)!;
        var sum = AggregateRules.Find("sum", TypeOid.Int4, CollationOrder.Bytewise)!;
        var group = new GroupSpec([], Sorted: false, [new AggregateSpec(count, [0]), new AggregateSpec(sum, [1])], [new AggregateOutput(MergeRows.Hidden, 0), new AggregateOutput(MergeRows.Hidden, 1)]);
        var spec = new MergeSpec([MergeRows.Hidden, MergeRows.Hidden], 2) { Group = group };
        MergeRows.Run(spec, MergeRows.Binding(), Source([[0, null]]), Source([[0, null]])).Select(Show).ShouldBe([Show([0, null])]);
    }

    [Fact]
    public void A_sum_that_leaves_its_type_is_PostgreSQLs_error()
    {
        var sum = AggregateRules.Find("sum", TypeOid.Int4, CollationOrder.Bytewise)!;
        var group = new GroupSpec([], Sorted: false, [new AggregateSpec(sum, [0])], [new AggregateOutput(MergeRows.Hidden, 0)]);
        var spec = new MergeSpec([MergeRows.Hidden], 1) { Group = group };
        var error = Should.Throw<MergeException>(() => MergeRows.Run(spec, MergeRows.Binding(), Source([[long.MaxValue]]), Source([[1]])));
        error.SqlState.ShouldBe(SqlStates.NumericValueOutOfRange);
        error.Message.ShouldBe("bigint out of range");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_kept_has_a_limit(bool groups)
    {
        var rows = Enumerable.Range(0, 20_000).Select(static row => new long?[] { row, row }).ToList();
        var spec = new MergeSpec([MergeRows.Visible, MergeRows.Hidden], 2);
        spec = groups
            ? spec with { Distinct = new DistinctSpec([0], Sorted: false) }
            : spec with { Sort = [Ascending] };
        Should.Throw<MergeException>(() => MergeRows.Run(spec, MergeRows.Binding(maxBytes: 200_000), Source(rows))).SqlState.ShouldBe(SqlStates.ProgramLimitExceeded);
    }

    [Theory]
    [InlineData(-1, 0, SqlStates.InvalidRowCountInLimit)]
    [InlineData(1, -1, SqlStates.InvalidRowCountInOffset)]
    public void Negative_limits_are_PostgreSQLs_errors(long limit, long offset, string state) =>
        Should.Throw<MergeException>(() => new RowMerge(MergeRows.Ordered(Ascending) with { Limit = new LimitSpec([]) }, MergeRows.Binding(limit, offset), [Source([])]))
            .SqlState.ShouldBe(state);

    private static MergeState Pump(RowMerge merge, ByteBuffer output, long maxRows)
    {
        var goal = merge.RowCount + maxRows;
        while (true)
        {
            var state = merge.Pump(output, int.MaxValue, goal - merge.RowCount);
            if (state != MergeState.WantRows)
                return state;
        }
    }

    // The second column says which row it was.
    private static List<List<long?[]>> Rows(int?[][] parts)
    {
        var number = 0;
        return [.. parts.Where(static part => part is not null).Select(part => part.Select(value => new long?[] { value, number++ }).ToList())];
    }

    private static IEnumerable<long?[]> Sort(IEnumerable<long?[]> rows, SortKey key)
    {
        var ordered = rows.OrderBy(row => row[0] is null ? (key.NullsFirst ? 0 : 2) : 1);
        return key.Descending ? ordered.ThenByDescending(static row => row[0]) : ordered.ThenBy(static row => row[0]);
    }

    private static IRowSource Source(IEnumerable<long?[]> rows) => new ListSource([.. rows.Select(static row => MergeRows.Frame(row))]);

    private static string Show(long?[] row) => string.Join('|', row.Select(static value => value?.ToString() ?? "null"));
}
