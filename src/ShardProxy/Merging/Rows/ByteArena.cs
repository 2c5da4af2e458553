namespace ShardProxy.Merging.Rows;

/// <summary>Keeps many small runs of bytes in few arrays.</summary>
internal sealed class ByteArena(MemoryBudget budget)
{
    /// <summary>Below the size from which .NET keeps arrays in a heap that is hardly compacted (85,000 bytes).</summary>
    private const int ChunkSize = 64 * 1024;

    private byte[] _chunk = [];
    private int _used;

    public Stored Add(ReadOnlySpan<byte> bytes)
    {
        if (_chunk.Length - _used < bytes.Length)
        {
            var size = Math.Max(ChunkSize, bytes.Length);
            budget.Charge(size);
            _chunk = GC.AllocateUninitializedArray<byte>(size);
            _used = 0;
        }
        bytes.CopyTo(_chunk.AsSpan(_used));
        var stored = new Stored(_chunk, _used, bytes.Length);
        _used += bytes.Length;
        return stored;
    }
}

/// <summary>A run of bytes within an array.</summary>
internal readonly record struct Stored(byte[] Array, int Offset, int Length)
{
    public ReadOnlySpan<byte> Span => Array.AsSpan(Offset, Length);
}
