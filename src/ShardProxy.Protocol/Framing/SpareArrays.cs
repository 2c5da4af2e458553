using System.Buffers;

namespace ShardProxy.Protocol.Framing;

/// <summary>
/// The arrays of <see cref="ByteBuffer"/>. A statement takes one for each of its two sockets and gives it back when it waits,
/// so those of the smallest size go round within their thread: the last one used is still in the processor's cache, and
/// the shared pool, which keeps but one for a thread and locks for more, is not asked.
/// </summary>
internal static class SpareArrays
{
    /// <summary>Arrays that one thread keeps at most.</summary>
    private const int Capacity = 32;

    [ThreadStatic]
    private static Stack? _own;

    /// <param name="size">Bytes wanted, at least <see cref="ByteBuffer.MinimumCapacity"/>.</param>
    internal static byte[] Rent(int size)
    {
        if (size == ByteBuffer.MinimumCapacity && _own is { Count: > 0 } own)
            return own.Arrays[--own.Count];
        return ArrayPool<byte>.Shared.Rent(size);
    }

    internal static void Return(byte[] array)
    {
        if (array.Length == ByteBuffer.MinimumCapacity)
        {
            var own = _own ??= new Stack();
            if (own.Count < Capacity)
            {
                own.Arrays[own.Count++] = array;
                return;
            }
        }
        ArrayPool<byte>.Shared.Return(array);
    }

    private sealed class Stack
    {
        public readonly byte[][] Arrays = new byte[Capacity][];
        public int Count;
    }
}
