using System.Buffers;

namespace ShardProxy.Protocol.Framing;

/// <summary>
/// One contiguous run of bytes with a read end and a write end: what arrived and was not consumed yet, or what is
/// still to be sent. Contiguous on purpose: a frame is always one span, so nothing on the data path stitches segments.
/// It holds no array while it is empty and <see cref="Release"/> was called, so an idle connection costs nothing.
/// Not thread-safe: it belongs to one connection, and that to one event loop.
/// </summary>
public sealed class ByteBuffer : IBufferWriter<byte>
{
    /// <summary>Smallest array rented, in bytes.</summary>
    public const int MinimumCapacity = 8 * 1024;

    private byte[] _array = [];
    private int _start;
    private int _end;

    /// <summary>Bytes written and not consumed.</summary>
    public int Count => _end - _start;

    public bool IsEmpty => _end == _start;

    /// <summary>Size of the array held, in bytes; 0 when none is held.</summary>
    public int Capacity => _array.Length;

    /// <summary>The bytes written and not consumed; valid until the next call that writes.</summary>
    public ReadOnlySpan<byte> Unread => _array.AsSpan(_start, _end - _start);

    /// <summary>The same bytes, to be patched in place (a transaction status, a type OID).</summary>
    public Span<byte> UnreadMutable => _array.AsSpan(_start, _end - _start);

    public void Consume(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_end - _start));
        _start += count;
        if (_start == _end)
            _start = _end = 0;
    }

    /// <summary>Room for at least <paramref name="sizeHint"/> bytes at the write end; follow with <see cref="Advance"/>.</summary>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        EnsureRoom(Math.Max(sizeHint, 1));
        return _array.AsSpan(_end);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        EnsureRoom(Math.Max(sizeHint, 1));
        return _array.AsMemory(_end);
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_array.Length - _end));
        _end += count;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        _end += bytes.Length;
    }

    /// <summary>Takes back bytes from the write end (a message that turned out not to be wanted).</summary>
    public void TruncateTo(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)Count);
        _end = _start + count;
    }

    public void Clear() => _start = _end = 0;

    /// <summary>Gives the array back when nothing is in it. Call before waiting for an idle peer.</summary>
    public void Release()
    {
        if (_start != _end || _array.Length == 0)
            return;
        SpareArrays.Return(_array);
        _array = [];
        _start = _end = 0;
    }

    private void EnsureRoom(int size)
    {
        if (_array.Length - _end >= size)
            return;
        var count = _end - _start;
        if (_array.Length - count >= size && _array.Length > 0 && _start >= count)
        {
            _array.AsSpan(_start, count).CopyTo(_array);
        }
        else
        {
            var wanted = Math.Max(MinimumCapacity, (int)Math.Min(Array.MaxLength, Math.Max((long)count + size, 2L * count)));
            var larger = SpareArrays.Rent(wanted);
            _array.AsSpan(_start, count).CopyTo(larger);
            if (_array.Length > 0)
                SpareArrays.Return(_array);
            _array = larger;
        }
        _start = 0;
        _end = count;
    }
}
