using System.Text;
using BenchmarkDotNet.Attributes;
using ShardProxy.Directory;
using ShardProxy.Execution.Copying;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Benchmarks.Copying;

/// <summary>64 KB of rows such as pgbench -i sends, split over four shards.</summary>
public class CopySplitterBenchmarks
{
    private static readonly TableDistribution Table = new(new QualifiedName("public", "t"), TableKind.Sharded, "aid", "public.t");

    private readonly ByteBuffer[] _outputs = [new(), new(), new(), new()];
    private byte[] _data = [];
    private CopySplitter _splitter = null!;

    [Params(CopyFormat.Text, CopyFormat.Csv)]
    public CopyFormat Format { get; set; }

    [GlobalSetup]
    public void Create()
    {
        var delimiter = Format == CopyFormat.Csv ? ',' : '\t';
        var rows = new StringBuilder();
        for (var number = 1; rows.Length < 64 * 1024; number++)
            rows.Append(number).Append(delimiter).Append(1).Append(delimiter).Append(0).Append(delimiter).Append(' ', 84).Append('\n');
        _data = Encoding.ASCII.GetBytes(rows.ToString());
        var options = new CopyOptions(
            Format, (byte)delimiter, "\\N", CopyHeader.None, (byte)'"', (byte)'"', ForceNullOnKey: false, ForceNotNullOnKey: false, DefaultText: null, Encoding: null);
        var plan = new CopyPlan(From: true, Table, KeyOrdinal: 0, new KeyType(23, -1), ColumnCount: 4, options);
        var directory = new DirectorySnapshot(1, "c", [Table], DirectorySnapshot.SpreadEvenly(1024, _outputs.Length));
        CopySplitter.TryCreate(plan, directory, _outputs, new CopySplitterSettings("UTF8", "UTF8", 150000, 1 << 20), out _splitter!, out _);
    }

    [Benchmark]
    public long Split()
    {
        _splitter.Feed(_data);
        _splitter.Flush();
        foreach (var output in _outputs)
            output.Clear();
        return _splitter.Rows;
    }
}
