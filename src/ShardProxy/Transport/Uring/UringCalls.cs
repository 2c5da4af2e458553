using System.Runtime.InteropServices;

namespace ShardProxy.Transport.Uring;

/// <summary>
/// io_uring's three system calls, which libc has no functions for, and the mapping of its memory. The numbers are the same
/// on all architectures (asm-generic/unistd.h; x64 took them over).
/// </summary>
internal static unsafe partial class UringCalls
{
    private const string Library = "libc";
    private const int SetupNumber = 425;
    private const int EnterNumber = 426;
    private const int RegisterNumber = 427;

    private const int ProtectReadWrite = 3;
    private const int MapShared = 1;
    private const int MapPrivateAnonymous = 0x22;
    private const int MapPopulate = 0x8000;

    internal static int Setup(uint entries, UringParameters* parameters) => (int)Syscall(SetupNumber, (nint)entries, (nint)parameters, 0, 0, 0, 0);

    internal static int Enter(int ring, uint submit, uint wait, uint flags, UringWaitArgument* argument) =>
        (int)Syscall(EnterNumber, ring, (nint)submit, (nint)wait, (nint)flags, (nint)argument, sizeof(UringWaitArgument));

    internal static int Register(int ring, uint operation, void* argument, uint count) =>
        (int)Syscall(RegisterNumber, ring, (nint)operation, (nint)argument, (nint)count, 0, 0);

    /// <summary>Null when it failed.</summary>
    internal static byte* MapRing(int ring, nuint length, long offset) =>
        Checked(Map(null, length, ProtectReadWrite, MapShared | MapPopulate, ring, (nint)offset));

    /// <summary>Zeroed pages; null when it failed.</summary>
    internal static byte* MapPages(nuint length) => Checked(Map(null, length, ProtectReadWrite, MapPrivateAnonymous, -1, 0));

    [LibraryImport(Library, EntryPoint = "munmap")]
    internal static partial int Unmap(byte* address, nuint length);

    private static byte* Checked(byte* address) => (nint)address == -1 ? null : address;

    [LibraryImport(Library, EntryPoint = "mmap", SetLastError = true)]
    private static partial byte* Map(void* address, nuint length, int protection, int flags, int fd, nint offset);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f);
}
