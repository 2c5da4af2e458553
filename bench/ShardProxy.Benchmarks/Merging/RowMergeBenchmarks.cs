using System.Collections.Immutable;
using BenchmarkDotNet.Attributes;
using ShardProxy.Merging;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Benchmarks.Merging;

/// <summary>10,000 rows of two int8 columns that come from some shards; the figures are those of one row.</summary>
public class RowMergeBenchmarks
{
    private const int RowCount = 10_000;
    private const int RowsOfGroup = 4;
    private const int HighWater = 64 * 1024;

    private static readonly MergeBinding Binding = new() { Formats = [1], MaxBytes = 64 << 20 };

    private static readonly ImmutableArray<RowColumn> Columns = [new(TypeOid.Int8, 0), new(TypeOid.Int8, 1)];

    private static readonly MergeSpec Concatenated = new(Columns, 2);

    private static readonly MergeSpec Ordered = Concatenated with { Order = [new SortKey(0, Descending: false, NullsFirst: false)] };

    private readonly ByteBuffer _output = new();
    private byte[][] _single = [];
    private byte[][] _grouped = [];

    [Params(2, 16)]
    public int Shards { get; set; }

    [GlobalSetup]
    public void Create()
    {
        var each = RowCount / Shards;
        _single = [.. Enumerable.Range(0, Shards).Select(shard => RowsInMemory.Create(each, shard, Shards))];
        _grouped = [.. Enumerable.Range(0, Shards).Select(_ => RowsInMemory.Create(each, 0, 1, RowsOfGroup))];
    }

    [Benchmark(OperationsPerInvoke = RowCount)]
    public long AsTheyCome() => Run(Concatenated, _single);

    [Benchmark(OperationsPerInvoke = RowCount)]
    public long InOrder() => Run(Ordered, _single);

    [Benchmark(OperationsPerInvoke = RowCount)]
    public long SumOfSortedGroups() => Run(Ordered with { Group = Sum(sorted: true) }, _grouped);

    [Benchmark(OperationsPerInvoke = RowCount)]
    public long SumOfHashedGroups() => Run(Concatenated with { Group = Sum(sorted: false) }, _grouped);

    [Benchmark(OperationsPerInvoke = RowCount)]
    public long DistinctInOrder() => Run(Ordered with { Distinct = new DistinctSpec([0], Sorted: true) }, _grouped);

    private static GroupSpec Sum(bool sorted)
    {
        var rule = AggregateRules.Find("count", 0, default)!;
        return new GroupSpec(
            [0],
            sorted,
            [new AggregateSpec(rule, [1])],
            [new FirstValueOutput(new RowColumn(TypeOid.Int8, 0), 0), new AggregateOutput(new RowColumn(TypeOid.Int8, 1), 0)]);
    }

    private long Run(MergeSpec spec, byte[][] shards)
    {
        var sources = new IRowSource[shards.Length];
        for (var i = 0; i < shards.Length; i++)
            sources[i] = new RowsInMemory(shards[i]);
        var merge = new RowMerge(spec, Binding, sources);
        while (merge.Pump(_output, HighWater) != MergeState.Done)
            _output.Clear();
        _output.Clear();
        return merge.RowCount;
    }
}
