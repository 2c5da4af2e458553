using System.Diagnostics.CodeAnalysis;

namespace ShardProxy.Transport;

/// <summary>The signals whose continuations are due, first come first served: a ring that grows and never allocates otherwise. Loop's thread only.</summary>
internal sealed class SignalQueue
{
    // The length is a power of two, so an index wraps with a mask.
    private LoopSignal?[] _ring = new LoopSignal?[256];
    private int _head;
    private int _count;

    internal bool IsEmpty => _count == 0;

    internal int Count => _count;

    internal void Enqueue(LoopSignal signal)
    {
        if (_count == _ring.Length)
            Grow();
        _ring[(_head + _count) & (_ring.Length - 1)] = signal;
        _count++;
    }

    internal bool TryDequeue([NotNullWhen(true)] out LoopSignal? signal)
    {
        if (_count == 0)
        {
            signal = null;
            return false;
        }
        signal = _ring[_head]!;
        _ring[_head] = null;
        _head = (_head + 1) & (_ring.Length - 1);
        _count--;
        return true;
    }

    private void Grow()
    {
        var larger = new LoopSignal?[_ring.Length * 2];
        var first = _ring.Length - _head;
        Array.Copy(_ring, _head, larger, 0, first);
        Array.Copy(_ring, 0, larger, first, _head);
        _ring = larger;
        _head = 0;
    }
}
