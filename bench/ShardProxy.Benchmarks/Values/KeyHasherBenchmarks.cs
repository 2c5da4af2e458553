using BenchmarkDotNet.Attributes;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Benchmarks.Values;

/// <summary>From a key as it was sent to the hash that finds its bucket.</summary>
public class KeyHasherBenchmarks
{
    private readonly byte[] _literal = "1234567"u8.ToArray();
    private readonly byte[] _binary = [0, 0, 0, 0, 0, 0x12, 0xd6, 0x87];
    private readonly byte[] _text = "customer-1234567@example.org"u8.ToArray();
    private readonly byte[] _uuid = "0b0a3a52-6a0e-4a3a-9f0e-3f1f6f3f7b11"u8.ToArray();

    [Benchmark]
    public ulong IntegerLiteral()
    {
        KeyHasher.TryHashNumericLiteral(new KeyTarget(TypeOid.Int4, -1, KeyUse.Compare), negative: false, _literal, 0, out var hash);
        return hash;
    }

    [Benchmark]
    public ulong BinaryParameter()
    {
        KeyHasher.TryHashParameter(new KeyTarget(TypeOid.Int8, -1, KeyUse.Compare), TypeOid.Int8, binary: true, _binary, out var hash);
        return hash;
    }

    [Benchmark]
    public ulong Text()
    {
        KeyHasher.TryHashText(new KeyTarget(TypeOid.Text, -1, KeyUse.Compare), _text, out var hash);
        return hash;
    }

    [Benchmark]
    public ulong Uuid()
    {
        KeyHasher.TryHashText(new KeyTarget(TypeOid.Uuid, -1, KeyUse.Compare), _uuid, out var hash);
        return hash;
    }
}
