using System.Runtime.InteropServices;

namespace ShardProxy.Transport.Linux;

/// <summary>A connection that owns a file descriptor of a stream socket.</summary>
internal abstract unsafe class NativeConnection : SocketConnection
{
    private protected const int Flags = SocketConstants.MessageDontWait | SocketConstants.MessageNoSignal;

    /// <summary>
    /// How often a failed call is made again. An interrupted one wants it; and a garbage collection between the call and
    /// the look at its error number may have left another number there, so no single look declares a connection broken.
    /// </summary>
    private protected const int MaxAttempts = 3;

    private protected NativeConnection(int fd, string remoteName)
    {
        Descriptor = fd;
        RemoteName = remoteName;
    }

    public override string RemoteName { get; }

    private protected int Descriptor { get; }

    /// <summary>SO_ERROR: 0, or why a connect in progress failed. Reading it clears it.</summary>
    internal int TakeError()
    {
        int value;
        uint length = sizeof(int);
        return LibC.GetSocketOption(Descriptor, SocketConstants.LevelSocket, SocketConstants.Error, &value, &length) == 0
            ? value
            : Marshal.GetLastPInvokeError();
    }

    /// <summary>A connect in progress has come to its good end.</summary>
    internal virtual void Connected()
    {
    }

    private protected static bool WouldBlock() => Marshal.GetLastSystemError() == Errno.Again;
}
