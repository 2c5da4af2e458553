using System.Buffers;

namespace ShardProxy.Transport.Uring;

/// <summary>
/// What has arrived for a connection and was not taken: a chain of the loop's buffers, and before it what came along from
/// another loop. A mutable structure: never copy it.
/// </summary>
internal struct UringInbox
{
    /// <summary>Buffers from which on a stream counts as large when they come full.</summary>
    private const int LargeFrom = 4;

    /// <summary>Buffers from which on a user who does not take them holds too many.</summary>
    private const int TooMany = 16;

    // Numbers plus one, so that a fresh structure is empty.
    private short _first;
    private short _last;
    private short _count;
    private bool _lastIsFull;
    private int _taken;
    private byte[]? _early;
    private int _earlyLength;

    internal readonly bool IsEmpty => _first == 0 && _early is null;

    /// <summary>So much arrives, or is left lying, that the ring's buffers are the wrong way.</summary>
    internal readonly bool IsLarge => _count >= TooMany || (_count >= LargeFrom && _lastIsFull);

    internal void Add(UringBuffers buffers, int id, int length)
    {
        buffers.Take(id, length);
        if (_first == 0)
            _first = (short)(id + 1);
        else
            buffers.Link(_last - 1, id);
        _last = (short)(id + 1);
        _lastIsFull = length == UringBuffers.Size;
        _count++;
    }

    /// <summary>Copies out what fits; buffers that are through go back.</summary>
    internal int Take(UringBuffers buffers, Span<byte> to)
    {
        var copied = 0;
        while (copied < to.Length && !IsEmpty)
        {
            var from = (_early is null ? buffers.Bytes(_first - 1) : _early.AsSpan(0, _earlyLength))[_taken..];
            var count = Math.Min(from.Length, to.Length - copied);
            from[..count].CopyTo(to[copied..]);
            copied += count;
            _taken += count;
            if (count == from.Length)
                DropFirst(buffers);
        }
        return copied;
    }

    internal void Clear(UringBuffers buffers)
    {
        while (!IsEmpty)
            DropFirst(buffers);
    }

    /// <summary>Takes the chain out for <see cref="Rest"/>: its buffers belong to the loop that the connection leaves.</summary>
    internal UringInbox Depart()
    {
        var chain = this;
        this = default;
        return chain;
    }

    /// <summary>Everything that is left, in an array rented from the shared pool, with its length.</summary>
    internal (byte[]? Bytes, int Length) Rest(UringBuffers buffers)
    {
        if (IsEmpty)
            return (null, 0);
        var length = _early is null ? -_taken : _earlyLength - _taken;
        for (int id = _first; id != 0; id = buffers.Next(id - 1) + 1)
            length += buffers.Bytes(id - 1).Length;
        var rest = ArrayPool<byte>.Shared.Rent(length);
        _ = Take(buffers, rest.AsSpan(0, length));
        return (rest, length);
    }

    /// <summary>Takes over what <see cref="Rest"/> found on the other loop. Nothing has been added since <see cref="Depart"/>.</summary>
    internal void Arrive((byte[]? Bytes, int Length) rest)
    {
        (_early, _earlyLength) = rest;
        _taken = 0;
    }

    private void DropFirst(UringBuffers buffers)
    {
        _taken = 0;
        if (_early is not null)
        {
            ArrayPool<byte>.Shared.Return(_early);
            _early = null;
            return;
        }
        var id = _first - 1;
        _first = (short)(buffers.Next(id) + 1);
        _count--;
        buffers.GiveBack(id);
        if (_first == 0)
            _last = 0;
    }
}
