using BenchmarkDotNet.Attributes;
using ShardProxy.Statements;

namespace ShardProxy.Benchmarks.Statements;

/// <summary>A hit in a cache that holds 10,000 other shapes; the scan is not counted.</summary>
public class StatementCacheBenchmarks
{
    private readonly StatementCache<string> _cache = new(64 << 20);
    private readonly ShapeScanner _point = new();
    private readonly ShapeScanner _mapped = new();

    [GlobalSetup]
    public void Fill()
    {
        var scanner = new ShapeScanner();
        for (var number = 0; number < 10_000; number++)
        {
            var sql = System.Text.Encoding.ASCII.GetBytes($"select column{number} from t where id = 1");
            scanner.Scan(sql);
            _cache.Add(scanner, sql, 0, "other", [], 500);
        }
        _point.Scan(SampleStatements.PointSelect);
        _cache.Add(_point, SampleStatements.PointSelect, 0, "point", [], 500);
        _mapped.Scan(SampleStatements.Mapped);
        // The limit is sensitive, as the planner has it.
        _cache.Add(_mapped, SampleStatements.Mapped, 0, "mapped", [_mapped.SlotCount - 1], 2000);
    }

    [Benchmark]
    public bool PointSelect() => _cache.TryGet(_point, SampleStatements.PointSelect, 0, out _);

    [Benchmark]
    public bool MappedStatementWithSensitiveLiteral() => _cache.TryGet(_mapped, SampleStatements.Mapped, 0, out _);
}
