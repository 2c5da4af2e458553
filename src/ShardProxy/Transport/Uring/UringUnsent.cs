using System.Buffers;

namespace ShardProxy.Transport.Uring;

/// <summary>What a connection took from its user and the socket did not take: kept until it does.</summary>
internal sealed class UringUnsent : IDisposable
{
    private byte[] _bytes;
    private int _start;
    private int _end;

    internal UringUnsent(ReadOnlySpan<byte> bytes)
    {
        _bytes = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(_bytes);
        _end = bytes.Length;
    }

    internal ReadOnlySpan<byte> Bytes => _bytes.AsSpan(_start, _end - _start);

    internal void Consume(int count) => _start += count;

    public void Dispose()
    {
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _start = _end = 0;
    }
}
