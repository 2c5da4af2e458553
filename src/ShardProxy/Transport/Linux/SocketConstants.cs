namespace ShardProxy.Transport.Linux;

/// <summary>Linux's numbers for socket calls (asm-generic/socket.h, linux/tcp.h), the same on x64 and arm64.</summary>
internal static class SocketConstants
{
    internal const int FamilyUnix = 1;
    internal const int FamilyInternet6 = 10;

    internal const int Stream = 1;
    internal const int NonBlocking = 0x800;
    internal const int CloseOnExec = 0x80000;

    internal const int MessageDontWait = 0x40;
    internal const int MessageNoSignal = 0x4000;

    internal const int LevelSocket = 1;
    internal const int ReuseAddress = 2;
    internal const int Error = 4;
    internal const int KeepAlive = 9;

    internal const int LevelTcp = 6;
    internal const int TcpNoDelay = 1;

    internal const int ShutdownWrite = 1;

    /// <summary>F_SETFL.</summary>
    internal const int SetStatusFlags = 4;

    /// <summary>sizeof(struct sockaddr_storage), in bytes.</summary>
    internal const int AddressStorageLength = 128;
}
