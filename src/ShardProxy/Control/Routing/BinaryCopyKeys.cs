using System.Buffers.Binary;

namespace ShardProxy.Control.Routing;

/// <summary>The values of a one-column binary COPY (PostgreSQL documentation, COPY, "Binary Format"), one at a time. Owns the stream.</summary>
internal sealed class BinaryCopyKeys(Stream stream) : IAsyncDisposable
{
    /// <summary>The 11 bytes of the signature, the flags, and the length of the header's extension.</summary>
    private const int HeaderLength = 11 + 4 + 4;

    private readonly BufferedStream _stream = new(stream, 64 * 1024);
    private byte[] _value = new byte[256];
    private int _length;
    private bool _started;

    public bool IsNull => _length < 0;

    /// <summary>Valid until the next read; empty for NULL.</summary>
    public ReadOnlySpan<byte> Current => _value.AsSpan(0, Math.Max(_length, 0));

    /// <summary>False at the end.</summary>
    public async ValueTask<bool> ReadAsync(CancellationToken cancel)
    {
        if (!_started)
            await SkipHeaderAsync(cancel);
        // Each row begins with its number of columns; -1 ends the copy.
        await FillAsync(sizeof(short), cancel);
        if (BinaryPrimitives.ReadInt16BigEndian(_value) < 0)
            return false;
        await FillAsync(sizeof(int), cancel);
        _length = BinaryPrimitives.ReadInt32BigEndian(_value);
        if (_length > 0)
            await FillAsync(_length, cancel);
        return true;
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private async ValueTask SkipHeaderAsync(CancellationToken cancel)
    {
        _started = true;
        await FillAsync(HeaderLength, cancel);
        var extension = BinaryPrimitives.ReadInt32BigEndian(_value.AsSpan(HeaderLength - 4));
        if (extension > 0)
            await FillAsync(extension, cancel);
    }

    private async ValueTask FillAsync(int count, CancellationToken cancel)
    {
        if (_value.Length < count)
            _value = new byte[Math.Max(count, 2 * _value.Length)];
        await _stream.ReadExactlyAsync(_value.AsMemory(0, count), cancel);
    }
}
