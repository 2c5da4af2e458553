using System.Net;
using System.Net.Sockets;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Transport;

public abstract class SocketConnectorTests(LoopFixture fixture)
{
    private Task<Connection> ConnectAsync(string host, int port, double seconds = 10) =>
        fixture.Loop.RunAsync(() => SocketConnector.ConnectAsync(fixture.Loop, host, port, TimeSpan.FromSeconds(seconds)).AsTask());

    [Fact]
    public async Task A_refused_connection_says_where_and_why()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        var e = await Should.ThrowAsync<ConnectFailedException>(() => ConnectAsync("127.0.0.1", port));
        e.Message.ShouldBe($"could not connect to 127.0.0.1:{port}: Connection refused");
    }

    [Fact]
    public async Task A_name_is_looked_up_and_its_addresses_are_tried()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        var connection = await ConnectAsync("localhost", port);
        connection.RemoteName.ShouldBe($"localhost:{port} (127.0.0.1:{port})");
        await fixture.Loop.RunAsync(() =>
        {
            connection.Dispose();
            return Task.CompletedTask;
        });
    }

    [Fact]
    public async Task An_unknown_name_is_a_clear_error()
    {
        var e = await Should.ThrowAsync<ConnectFailedException>(() => ConnectAsync("no-such-host.invalid", 5432));
        e.Address.ShouldBe("no-such-host.invalid:5432");
        e.Reason.ShouldStartWith("the name was not found");
    }

    [Fact]
    public async Task Ipv6_works()
    {
        using var listener = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        listener.Listen(1);
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        var connection = await ConnectAsync("::1", port);
        connection.RemoteName.ShouldBe($"[::1]:{port}");
        await fixture.Loop.RunAsync(() =>
        {
            connection.Dispose();
            return Task.CompletedTask;
        });
    }

    [Fact]
    public async Task A_unix_socket_is_found_in_its_directory()
    {
        var directory = System.IO.Directory.CreateTempSubdirectory("sp").FullName;
        try
        {
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(directory, ".s.PGSQL.5433")));
            listener.Listen(1);
            var connection = await ConnectAsync(directory, 5433);
            using var accepted = await listener.AcceptAsync();
            await accepted.SendAsync("hello"u8.ToArray().AsMemory());
            await fixture.Loop.RunAsync(async () =>
            {
                connection.Watch();
                (await connection.ReceiveSomeAsync(new byte[10])).ShouldBe(5);
                connection.Unwatch();
                connection.Dispose();
            });
            var e = await Should.ThrowAsync<ConnectFailedException>(() => ConnectAsync(directory, 5434));
            e.Reason.ShouldBe("No such file or directory");
        }
        finally
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task A_server_that_does_not_answer_ends_at_the_deadline()
    {
        // A listener whose backlog is full drops further connection requests on the floor.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        var fillers = new List<Socket>();
        try
        {
            for (var i = 0; i < 4; i++)
            {
                var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                fillers.Add(filler);
                try
                {
                    filler.Connect(IPAddress.Loopback, port);
                }
                catch (SocketException)
                {
                    // In progress, as meant.
                }
            }
            var e = await Should.ThrowAsync<ConnectFailedException>(() => ConnectAsync("127.0.0.1", port, 0.3));
            e.Reason.ShouldBe("no answer in time");
        }
        finally
        {
            fillers.ForEach(static filler => filler.Dispose());
        }
    }
}

public sealed class EpollSocketConnectorTests(EpollLoops loops) : SocketConnectorTests(loops), IClassFixture<EpollLoops>;

public sealed class UringSocketConnectorTests(UringLoops loops) : SocketConnectorTests(loops), IClassFixture<UringLoops>;

public sealed class SocketsSocketConnectorTests(SocketsLoops loops) : SocketConnectorTests(loops), IClassFixture<SocketsLoops>;
