using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using ShardProxy.Transport.Epoll;

namespace ShardProxy.Transport;

/// <summary>Opens connections to servers, without blocking the loop.</summary>
public static class SocketConnector
{
    /// <summary>Pause before a Unix-domain socket whose backlog is full is tried again; the kernel gives no event for it.</summary>
    private static readonly TimeSpan BacklogPause = TimeSpan.FromMilliseconds(20);

    /// <summary>
    /// Connects on <paramref name="loop"/>, whose thread calls this. A host that starts with '/' is a directory with the
    /// Unix-domain socket ".s.PGSQL.port". Of several addresses of a name each is tried in turn, with an equal share of
    /// the time that is left.
    /// </summary>
    /// <param name="timeout">For everything, looking up the name included; zero or less is no limit. Exact to about 100 ms.</param>
    /// <exception cref="ConnectFailedException">No address answered; describes the last failure.</exception>
    public static async ValueTask<Connection> ConnectAsync(EventLoop loop, string host, int port, TimeSpan timeout)
    {
        if (!loop.IsCurrent)
            throw new InvalidOperationException("Connecting is for the loop's own thread.");
        var epollLoop = loop as EpollEventLoop ?? throw new PlatformNotSupportedException("Sockets need an epoll loop.");
        var deadline = timeout > TimeSpan.Zero ? Environment.TickCount64 + (long)timeout.TotalMilliseconds : long.MaxValue;
        var endPoints = await ResolveAsync(host, port, deadline);
        ConnectFailedException? failure = null;
        for (var i = 0; i < endPoints.Length; i++)
        {
            var now = Environment.TickCount64;
            var share = deadline == long.MaxValue ? deadline : now + Math.Max(1, (deadline - now) / (endPoints.Length - i));
            var name = Describe(endPoints[i], host, port);
            try
            {
                return await ConnectAsync(epollLoop, endPoints[i], name, share);
            }
            catch (ConnectFailedException e)
            {
                failure = e;
            }
        }
        throw failure ?? new ConnectFailedException($"{host}:{port}", "the name has no address");
    }

    private static async ValueTask<EndPoint[]> ResolveAsync(string host, int port, long deadline)
    {
        if (host.StartsWith('/'))
            return [new UnixDomainSocketEndPoint(Path.Combine(host, $".s.PGSQL.{port}"))];
        if (IPAddress.TryParse(host, out var literal))
            return [new IPEndPoint(literal, port)];
        try
        {
            var lookUp = Dns.GetHostAddressesAsync(host);
            var addresses = deadline == long.MaxValue
                ? await lookUp
                : await lookUp.WaitAsync(TimeSpan.FromMilliseconds(Math.Max(1, deadline - Environment.TickCount64)));
            return Array.ConvertAll<IPAddress, EndPoint>(addresses, address => new IPEndPoint(address, port));
        }
        catch (SocketException e)
        {
            throw new ConnectFailedException($"{host}:{port}", $"the name was not found ({e.Message})", e);
        }
        catch (TimeoutException e)
        {
            throw new ConnectFailedException($"{host}:{port}", "looking up the name took too long", e);
        }
    }

    private static async ValueTask<Connection> ConnectAsync(EpollEventLoop loop, EndPoint endPoint, string name, long deadline)
    {
        var address = endPoint.Serialize();
        var fd = NativeSocket.Create((int)endPoint.AddressFamily, name);
        var error = NativeSocket.Connect(fd, address);
        while (error == Errno.Again && Environment.TickCount64 < deadline)
        {
            await Task.Delay(BacklogPause);
            error = NativeSocket.Connect(fd, address);
        }
        if (error is not (0 or Errno.InProgress or Errno.Interrupted))
        {
            NativeSocket.Close(fd);
            throw Failed(name, error);
        }
        NativeSocket.Tune(fd, endPoint.AddressFamily);
        var ready = error == 0 ? Readiness.Readable | Readiness.Writable : Readiness.None;
        var connection = NativeSocket.Adopt(loop, fd, name, ready);
        if (error == 0)
            return connection;
        try
        {
            await FinishAsync(loop, connection, deadline);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static async ValueTask FinishAsync(EpollEventLoop loop, SocketConnection connection, long deadline)
    {
        var signal = new LoopSignal(loop);
        connection.Signal = signal;
        connection.Interest = Readiness.Writable;
        if (deadline != long.MaxValue)
            signal.Deadline = deadline;
        try
        {
            while ((connection.Ready & Readiness.Writable) == 0)
            {
                await signal.WaitAsync();
                if ((connection.Ready & Readiness.Writable) == 0 && signal.DeadlinePassed)
                    throw new ConnectFailedException(connection.RemoteName, "no answer in time");
            }
        }
        finally
        {
            signal.Deadline = 0;
            connection.Signal = null;
            connection.Interest = Readiness.None;
        }
        var error = connection.TakeError();
        if (error != 0)
            throw Failed(connection.RemoteName, error);
    }

    private static ConnectFailedException Failed(string name, int error) =>
        new(name, error == Errno.Again ? "the server's queue of new connections is full" : Marshal.GetPInvokeErrorMessage(error));

    private static string Describe(EndPoint endPoint, string host, int port) => endPoint switch
    {
        IPEndPoint ip when ip.Address.ToString() != host => $"{host}:{port} ({ip})",
        IPEndPoint ip => ip.ToString(),
        _ => endPoint.ToString()!,
    };
}
