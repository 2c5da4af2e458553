using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ShardProxy.Transport.Linux;

/// <summary>
/// The system calls that the loop and its sockets make. Receiving and sending skip the runtime's switch of GC mode: they
/// never block here (MSG_DONTWAIT), and the switch would cost more than the call on an empty socket. What may wait or take
/// long keeps it. Their error number is read only after a failure, with Marshal.GetLastSystemError: saving it after each
/// call, as SetLastError does, is a measurable part of a successful one. Both go through <c>syscall</c>, because glibc's
/// own recv and send are cancellation points, whose bookkeeping in a process with threads costs as much as a small call.
/// </summary>
internal static unsafe partial class LibC
{
    private const string Library = "libc";

    // Linux's numbers of the two calls (asm/unistd_64.h for x64, asm-generic/unistd.h for arm64).
    private static readonly nint SendTo = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 44 : 206;
    private static readonly nint ReceiveFrom = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 45 : 207;

    internal static nint Receive(int fd, byte* buffer, nuint length, int flags) =>
        SystemCall(ReceiveFrom, fd, buffer, length, flags, 0, 0);

    internal static nint Send(int fd, byte* buffer, nuint length, int flags) =>
        SystemCall(SendTo, fd, buffer, length, flags, 0, 0);

    [LibraryImport(Library, EntryPoint = "syscall")]
    [SuppressGCTransition]
    private static partial nint SystemCall(nint number, nint fd, byte* buffer, nuint length, nint flags, nint address, nint addressLength);

    [LibraryImport(Library, EntryPoint = "epoll_create1", SetLastError = true)]
    internal static partial int EpollCreate(int flags);

    [LibraryImport(Library, EntryPoint = "epoll_ctl", SetLastError = true)]
    internal static partial int EpollControl(int epoll, int operation, int fd, byte* epollEvent);

    [LibraryImport(Library, EntryPoint = "epoll_wait", SetLastError = true)]
    internal static partial int EpollWait(int epoll, byte* events, int maxEvents, int timeoutMilliseconds);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    internal static partial int EventFd(uint initial, int flags);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    internal static partial nint Write(SafeFileHandle fd, byte* data, nuint length);

    [LibraryImport(Library, EntryPoint = "socket", SetLastError = true)]
    internal static partial int Socket(int family, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "connect", SetLastError = true)]
    internal static partial int Connect(int fd, byte* address, uint length);

    [LibraryImport(Library, EntryPoint = "accept4", SetLastError = true)]
    internal static partial int Accept(int fd, byte* address, uint* length, int flags);

    [LibraryImport(Library, EntryPoint = "setsockopt", SetLastError = true)]
    internal static partial int SetSocketOption(int fd, int level, int option, int* value, uint length);

    [LibraryImport(Library, EntryPoint = "getsockopt", SetLastError = true)]
    internal static partial int GetSocketOption(int fd, int level, int option, int* value, uint* length);

    [LibraryImport(Library, EntryPoint = "socketpair", SetLastError = true)]
    internal static partial int SocketPair(int family, int type, int protocol, int* pair);

    [LibraryImport(Library, EntryPoint = "getpeername", SetLastError = true)]
    internal static partial int GetPeerName(int fd, byte* address, uint* length);

    // fcntl is variadic; an int goes where a fixed argument would on x64 and on arm64 Linux.
    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    internal static partial int FileControl(int fd, int command, int argument);

    [LibraryImport(Library, EntryPoint = "shutdown", SetLastError = true)]
    internal static partial int Shutdown(int fd, int how);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int fd);

    /// <summary>CPU time of the calling thread.</summary>
    internal static long ThreadCpuNanoseconds()
    {
        var time = stackalloc long[2];
        _ = GetTime(ThreadCpuClock, time);
        return (time[0] * 1_000_000_000) + time[1];
    }

    // CLOCK_THREAD_CPUTIME_ID of linux/time.h.
    private const int ThreadCpuClock = 3;

    [LibraryImport(Library, EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, long* time);
}
