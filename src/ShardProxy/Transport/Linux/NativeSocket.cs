using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ShardProxy.Transport.Linux;

/// <summary>Makes descriptors and sets their options. All are non-blocking at first and closed on exec.</summary>
internal static unsafe class NativeSocket
{
    /// <summary>Lets the kernel answer for the family number: .NET's differ from Linux's only for IPv6.</summary>
    private static int NativeFamily(int family) => family == (int)AddressFamily.InterNetworkV6 ? SocketConstants.FamilyInternet6 : family;

    internal static int Create(int family, string name)
    {
        const int Type = SocketConstants.Stream | SocketConstants.NonBlocking | SocketConstants.CloseOnExec;
        var fd = LibC.Socket(NativeFamily(family), Type, 0);
        return fd >= 0 ? fd : throw new ConnectFailedException(name, Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));
    }

    /// <summary>0 or the error number; EINPROGRESS when the answer comes as an event.</summary>
    internal static int Connect(int fd, SocketAddress address)
    {
        fixed (byte* pointer = address.Buffer.Span)
            return LibC.Connect(fd, pointer, (uint)address.Size) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>The peer's address and port; "?" when it has gone already.</summary>
    internal static string PeerName(int fd)
    {
        var buffer = stackalloc byte[SocketConstants.AddressStorageLength];
        uint length = SocketConstants.AddressStorageLength;
        return LibC.GetPeerName(fd, buffer, &length) == 0 ? Describe(new ReadOnlySpan<byte>(buffer, (int)length)) : "?";
    }

    /// <summary>Calls on the descriptor may wait from now on. io_uring wants it so: on one that must not wait, its operations end with EAGAIN.</summary>
    internal static void MakeBlocking(int fd) => _ = LibC.FileControl(fd, SocketConstants.SetStatusFlags, 0);

    /// <summary>A descriptor, or -1 and the error number. The name is the peer's address and port.</summary>
    internal static int Accept(int listener, out string name, out int error)
    {
        var buffer = stackalloc byte[SocketConstants.AddressStorageLength];
        uint length = SocketConstants.AddressStorageLength;
        var fd = LibC.Accept(listener, buffer, &length, SocketConstants.NonBlocking | SocketConstants.CloseOnExec);
        if (fd < 0)
        {
            error = Marshal.GetLastPInvokeError();
            name = "";
            return -1;
        }
        error = 0;
        name = Describe(new ReadOnlySpan<byte>(buffer, (int)length));
        return fd;
    }

    /// <summary>An IPv4 client of a dual-mode socket is named by its IPv4 address.</summary>
    private static string Describe(ReadOnlySpan<byte> address)
    {
        var family = BitConverter.ToUInt16(address) == SocketConstants.FamilyInternet6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        var native = new SocketAddress(family, address.Length);
        address.CopyTo(native.Buffer.Span);
        var template = new IPEndPoint(family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        var endPoint = (IPEndPoint)template.Create(native);
        if (endPoint.Address.IsIPv4MappedToIPv6)
            endPoint.Address = endPoint.Address.MapToIPv4();
        return endPoint.ToString();
    }

    /// <summary>No delay for small writes, since whole replies are written at once; probes that find a dead peer.</summary>
    internal static void Tune(int fd, AddressFamily family)
    {
        if (family == AddressFamily.Unix)
            return;
        SetOption(fd, SocketConstants.LevelTcp, SocketConstants.TcpNoDelay, 1);
        SetOption(fd, SocketConstants.LevelSocket, SocketConstants.KeepAlive, 1);
    }

    internal static void SetOption(int fd, int level, int option, int value) =>
        _ = LibC.SetSocketOption(fd, level, option, &value, sizeof(int));

    internal static void Close(int fd) => _ = LibC.Close(fd);
}
