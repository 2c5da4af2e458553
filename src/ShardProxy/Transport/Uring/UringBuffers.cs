using System.Runtime.InteropServices;

namespace ShardProxy.Transport.Uring;

/// <summary>
/// The buffers of a ring that the kernel takes for what arrives: pinned, of one size, bounded in number, in use only from the arrival of
/// bytes until they were taken. A connection chains those that it holds by their numbers.
/// </summary>
internal sealed unsafe class UringBuffers : IDisposable
{
    /// <summary>A power of two, at most 32768. Together with the size: 2 MB for each loop.</summary>
    internal const int Count = 512;

    /// <summary>
    /// Most messages and most of their batches fit into one. Large results are not received through these. Not a power of two,
    /// so that the first bytes of all buffers do not compete for the same lines of the processor's cache.
    /// </summary>
    internal const int Size = 4096 + 64;

    internal const int None = -1;

    private const int RingBytes = Count * 16;

    private readonly byte* _ring;
    private readonly byte* _memory;
    private readonly short[] _next = new short[Count];
    private readonly ushort[] _length = new ushort[Count];
    private ushort _tail;

    /// <exception cref="UringUnavailableException">There are no pages for them.</exception>
    internal UringBuffers()
    {
        _ring = UringCalls.MapPages(RingBytes);
        _memory = UringCalls.MapPages((nuint)Count * Size);
        if (_ring is null || _memory is null)
        {
            Dispose();
            throw new UringUnavailableException("there is no memory for its buffers");
        }
        for (var id = 0; id < Count; id++)
            GiveBack(id);
        Held = 0;
    }

    /// <summary>Buffers that connections hold now.</summary>
    internal int Held { get; private set; }

    /// <summary>Who receives much had better do without.</summary>
    internal bool AreScarce => Held > Count / 4 * 3;

    /// <summary>Makes them group 0 of the ring: 0 or the error number.</summary>
    internal int Register(int ring)
    {
        var registration = new UringBufferRegistration { RingAddress = (ulong)_ring, Entries = Count };
        return UringCalls.Register(ring, UringConstants.RegisterBufferRing, &registration, 1) < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>The kernel has filled one.</summary>
    internal void Take(int id, int length)
    {
        _length[id] = (ushort)length;
        _next[id] = None;
        Held++;
    }

    internal ReadOnlySpan<byte> Bytes(int id) => new(_memory + ((nint)id * Size), _length[id]);

    internal int Next(int id) => _next[id];

    internal void Link(int id, int next) => _next[id] = (short)next;

    /// <summary>The kernel may fill it again.</summary>
    internal void GiveBack(int id)
    {
        var entry = (UringBuffer*)_ring + (_tail & (Count - 1));
        entry->Address = (ulong)(_memory + ((nint)id * Size));
        entry->Length = Size;
        entry->Id = (ushort)id;
        _tail++;
        Volatile.Write(ref ((UringBuffer*)_ring)->Tail, _tail);
        Held--;
    }

    public void Dispose()
    {
        if (_ring is not null)
            _ = UringCalls.Unmap(_ring, RingBytes);
        if (_memory is not null)
            _ = UringCalls.Unmap(_memory, (nuint)Count * Size);
    }
}
