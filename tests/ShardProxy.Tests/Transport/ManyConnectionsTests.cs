using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.Configuration;
using ShardProxy.Listening;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Transport;

/// <summary>Many sockets on few loops, each waiting for the other: one lost wake-up and the test does not end.</summary>
public abstract class ManyConnectionsTests(LoopFixture fixture)
{
    [Fact]
    public async Task Hundreds_of_conversations_all_come_to_their_end()
    {
        const int Clients = 400;
        const int Rounds = 60;
        var failures = new ConcurrentQueue<Exception>();
        await using var listener = await ProxyListener.BindAsync(
            fixture.Group, new ListenAddress("127.0.0.1", 0), connection => _ = EchoAsync(connection, failures), NullLogger.Instance);
        await listener.StartAsync();
        var port = listener.EndPoint.Port;
        var clients = Enumerable.Range(0, Clients).Select(i =>
        {
            var loop = fixture.Group[i % 2];
            return loop.RunAsync(() => TalkAsync(loop, port, Rounds, new Random(i)));
        });
        (await Task.WhenAll(clients).WaitAsync(TimeSpan.FromSeconds(90))).Sum().ShouldBe(Clients * Rounds);
        failures.ShouldBeEmpty();
    }

    private static async Task EchoAsync(Connection connection, ConcurrentQueue<Exception> failures)
    {
        try
        {
            connection.Watch();
            var buffer = new byte[3_000];
            for (int count; (count = await connection.ReceiveSomeAsync(buffer)) > 0;)
                await connection.SendAllAsync(buffer.AsMemory(0, count));
            connection.Unwatch();
            connection.Dispose();
        }
        catch (Exception e)
        {
            failures.Enqueue(e);
        }
    }

    private static async Task<int> TalkAsync(EventLoop loop, int port, int rounds, Random random)
    {
        var connection = await SocketConnector.ConnectAsync(loop, "127.0.0.1", port, Waiting.Limit);
        connection.Watch();
        var buffer = new byte[8_000];
        for (var round = 0; round < rounds; round++)
        {
            var size = random.Next(1, random.Next(2, buffer.Length));
            await connection.SendAllAsync(buffer.AsMemory(0, size));
            for (var left = size; left > 0;)
            {
                var count = await connection.ReceiveSomeAsync(buffer.AsMemory(0, random.Next(1, buffer.Length)));
                count.ShouldBeGreaterThan(0);
                left -= count;
            }
        }
        connection.Unwatch();
        connection.Dispose();
        return rounds;
    }
}

public sealed class EpollManyConnectionsTests(EpollLoops loops) : ManyConnectionsTests(loops), IClassFixture<EpollLoops>;

public sealed class UringManyConnectionsTests(UringLoops loops) : ManyConnectionsTests(loops), IClassFixture<UringLoops>;

public sealed class SocketsManyConnectionsTests(SocketsLoops loops) : ManyConnectionsTests(loops), IClassFixture<SocketsLoops>;
