using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace ShardProxy.Transport.Linux;

/// <summary>A loop whose connections own file descriptors.</summary>
public abstract class NativeLoop : ThreadLoop
{
    private protected NativeLoop(int index, ILogger logger)
        : base(index, logger)
    {
    }

    /// <summary>Binds a connected or connecting socket to the loop; throws without closing it.</summary>
    /// <param name="isConnecting">The first event will be that it is writable; else both directions are worth a try now.</param>
    private protected abstract NativeConnection Bind(int fd, string name, bool isConnecting);

    internal sealed override async ValueTask<Connection> ConnectAsync(EndPoint endPoint, string name, long deadline) =>
        await NativeConnector.ConnectAsync(this, endPoint, name, deadline);

    internal sealed override Connection Adopt(in AcceptedSocket accepted)
    {
        NativeSocket.Tune(accepted.Descriptor, AddressFamily.InterNetwork);
        return AdoptDescriptor(accepted.Descriptor, accepted.Name, isConnecting: false);
    }

    /// <summary>Makes a connection of a descriptor, which is closed when that fails.</summary>
    internal NativeConnection AdoptDescriptor(int fd, string name, bool isConnecting)
    {
        try
        {
            return Bind(fd, name, isConnecting);
        }
        catch
        {
            NativeSocket.Close(fd);
            throw;
        }
    }
}
