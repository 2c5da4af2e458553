using BenchmarkDotNet.Attributes;
using ShardProxy.Statements;

namespace ShardProxy.Benchmarks.Statements;

public class ShapeScannerBenchmarks
{
    private readonly ShapeScanner _scanner = new();

    [Benchmark]
    public ulong PointSelect()
    {
        _scanner.Scan(SampleStatements.PointSelect);
        return _scanner.Hash;
    }

    [Benchmark]
    public ulong MappedStatement()
    {
        _scanner.Scan(SampleStatements.Mapped);
        return _scanner.Hash;
    }
}
