using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport.Epoll;

/// <summary>
/// Native memory for one batch of <c>struct epoll_event</c>: a 32-bit mask and 64 bits of the caller's. The kernel packs
/// the structure to 12 bytes on x64 only (EPOLL_PACKED in eventpoll.h); everywhere else the data stands at offset 8.
/// </summary>
internal sealed unsafe class EpollEvents : IDisposable
{
    internal const uint In = 0x1;
    internal const uint Out = 0x4;
    internal const uint Error = 0x8;
    internal const uint HangUp = 0x10;
    internal const uint PeerHangUp = 0x2000;
    internal const uint EdgeTriggered = 0x80000000;

    internal const int ControlAdd = 1;
    internal const int ControlDelete = 2;

    private static readonly int Size = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    private byte* _events;

    internal EpollEvents(int capacity)
    {
        Capacity = capacity;
        _events = (byte*)NativeMemory.AllocZeroed((nuint)capacity, (nuint)Size);
    }

    internal int Capacity { get; }

    internal byte* Pointer => _events;

    internal uint Mask(int index) => Unsafe.ReadUnaligned<uint>(_events + (index * Size));

    internal ulong Data(int index) => Unsafe.ReadUnaligned<ulong>(_events + (index * Size) + DataOffset);

    /// <summary>Adds <paramref name="fd"/> to an epoll set; returns 0 or the error number.</summary>
    internal static int Add(int epoll, int fd, uint mask, ulong data)
    {
        var buffer = stackalloc byte[16];
        Unsafe.WriteUnaligned(buffer, mask);
        Unsafe.WriteUnaligned(buffer + DataOffset, data);
        return LibC.EpollControl(epoll, ControlAdd, fd, buffer) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    internal static void Remove(int epoll, int fd)
    {
        var unused = stackalloc byte[16];
        _ = LibC.EpollControl(epoll, ControlDelete, fd, unused);
    }

    public void Dispose()
    {
        NativeMemory.Free(_events);
        _events = null;
    }
}
