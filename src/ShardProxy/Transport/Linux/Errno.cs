namespace ShardProxy.Transport.Linux;

/// <summary>Linux error numbers (asm-generic/errno-base.h, asm-generic/errno.h), the same on x64 and arm64.</summary>
internal static class Errno
{
    internal const int NotPermitted = 1;
    internal const int Interrupted = 4;
    internal const int Again = 11;
    internal const int OutOfMemory = 12;
    internal const int Busy = 16;
    internal const int Invalid = 22;
    internal const int FilesInSystem = 23;
    internal const int FilesInProcess = 24;
    internal const int NotImplemented = 38;
    internal const int TimedOut = 62;
    internal const int NoBuffers = 105;
    internal const int InProgress = 115;
    internal const int Cancelled = 125;
}
