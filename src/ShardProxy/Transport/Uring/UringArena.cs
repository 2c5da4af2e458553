using System.Runtime.InteropServices;

namespace ShardProxy.Transport.Uring;

/// <summary>
/// Where bytes stand from the moment that a connection queues them until the kernel has copied them, which it does before
/// the next submission is over: memory of one turn, taken from the front and given back as a whole.
/// </summary>
internal sealed unsafe class UringArena : IDisposable
{
    private const int Capacity = 512 * 1024;

    private byte* _memory = (byte*)NativeMemory.Alloc(Capacity);
    private int _used;

    internal bool HasRoom(int length) => Capacity - _used >= length;

    /// <summary>Room behind what was taken before; ask <see cref="HasRoom"/> first.</summary>
    internal byte* Take(int length)
    {
        var start = _memory + _used;
        _used += length;
        return start;
    }

    /// <summary>Whether the next room taken begins here.</summary>
    internal bool EndsAt(byte* position) => position == _memory + _used;

    internal void Reset() => _used = 0;

    public void Dispose()
    {
        NativeMemory.Free(_memory);
        _memory = null;
    }
}
