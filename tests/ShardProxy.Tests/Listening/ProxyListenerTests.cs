using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.Configuration;
using ShardProxy.Listening;
using ShardProxy.Tests.Transport;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Listening;

public abstract class ProxyListenerTests(LoopFixture fixture)
{
    private readonly ConcurrentBag<Connection> _accepted = [];

    private Task<ProxyListener> BindAsync(string address) =>
        ProxyListener.BindAsync(fixture.Group, ListenAddress.TryParse(address)!, Greet, NullLogger.Instance);

    private void Greet(Connection connection)
    {
        connection.Loop.IsCurrent.ShouldBeTrue();
        _accepted.Add(connection);
        connection.TrySend("hello"u8).ShouldBe(5);
        connection.Dispose();
    }

    private static async Task<string> GreetingAsync(IPAddress address, int port)
    {
        using var client = new TcpClient(address.AddressFamily);
        await client.ConnectAsync(address, port);
        using var reader = new StreamReader(client.GetStream());
        return await reader.ReadToEndAsync().WaitAsync(Waiting.Limit);
    }

    [Fact]
    public async Task Spreads_clients_over_the_loops_and_stops()
    {
        var listener = await BindAsync("127.0.0.1:0");
        await listener.StartAsync();
        var port = listener.EndPoint.Port;
        port.ShouldBeGreaterThan(0);
        var greetings = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => GreetingAsync(IPAddress.Loopback, port)));
        greetings.ShouldAllBe(static greeting => greeting == "hello");
        _accepted.GroupBy(static connection => connection.Loop.Index).Select(static group => group.Count()).ShouldBe([100, 100]);
        _accepted.ShouldAllBe(static connection => connection.RemoteName.StartsWith("127.0.0.1:", StringComparison.Ordinal));
        await listener.StopAcceptingAsync();
        await listener.DisposeAsync();
        await Should.ThrowAsync<SocketException>(() => GreetingAsync(IPAddress.Loopback, port));
    }

    [Fact]
    public async Task A_star_is_every_address_of_both_families()
    {
        await using var listener = await BindAsync("*:0");
        await listener.StartAsync();
        (await GreetingAsync(IPAddress.Loopback, listener.EndPoint.Port)).ShouldBe("hello");
        _accepted.ShouldHaveSingleItem().RemoteName.ShouldStartWith("127.0.0.1:");
        if (Socket.OSSupportsIPv6)
            (await GreetingAsync(IPAddress.IPv6Loopback, listener.EndPoint.Port)).ShouldBe("hello");
    }

    [Fact]
    public async Task A_name_is_looked_up()
    {
        await using var listener = await BindAsync("localhost:0");
        await listener.StartAsync();
        (await GreetingAsync(IPAddress.Loopback, listener.EndPoint.Port)).ShouldBe("hello");
    }

    [Fact]
    public async Task A_port_in_use_is_a_clear_error()
    {
        await using var first = await BindAsync("127.0.0.1:0");
        var e = await Should.ThrowAsync<SocketException>(() => BindAsync($"127.0.0.1:{first.EndPoint.Port}"));
        e.SocketErrorCode.ShouldBe(SocketError.AddressAlreadyInUse);
    }
}

public sealed class EpollProxyListenerTests(EpollLoops loops) : ProxyListenerTests(loops), IClassFixture<EpollLoops>;

public sealed class UringProxyListenerTests(UringLoops loops) : ProxyListenerTests(loops), IClassFixture<UringLoops>;

public sealed class SocketsProxyListenerTests(SocketsLoops loops) : ProxyListenerTests(loops), IClassFixture<SocketsLoops>;
