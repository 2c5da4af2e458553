using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.Transport;
using ShardProxy.Transport.Uring;

namespace ShardProxy.Tests.Transport;

/// <summary>Clients of .NET's own sockets do to a server on the loops whatever comes to their mind; seeded.</summary>
public abstract class ConnectionFuzzTests(LoopFixture fixture)
{
    /// <summary>How a client goes after it has sent its bytes and seen them again, or not.</summary>
    private enum Farewell
    {
        HalfClose,
        Close,
        Reset,
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Whatever_clients_do_the_bytes_are_right_and_nothing_is_left_behind(int seed)
    {
        const int Rounds = 12;
        const int Clients = 60;
        var ended = 0;
        var started = 0;
        var acceptor = new SocketAcceptor(
            fixture.Group,
            new IPEndPoint(IPAddress.Loopback, 0),
            connection => _ = EchoAsync(connection, new Random(Interlocked.Increment(ref started) + (seed * 1_000_003)), () => Interlocked.Increment(ref ended)),
            NullLogger.Instance);
        await acceptor.StartAsync();
        var before = await SettledDescriptorsAsync(int.MaxValue);
        for (var round = 0; round < Rounds; round++)
        {
            var clients = Enumerable.Range(0, Clients).Select(client => Task.Run(() => TalkAsync(acceptor.EndPoint, new Random((seed * 10_007) + (round * 101) + client))));
            await Task.WhenAll(clients).WaitAsync(TimeSpan.FromSeconds(120));
        }
        await UntilAsync(() => Task.FromResult(Volatile.Read(ref ended) == Volatile.Read(ref started) && Volatile.Read(ref started) >= Rounds * Clients));
        (await SettledDescriptorsAsync(before)).ShouldBeLessThanOrEqualTo(before);
        foreach (var index in (int[])[0, 1])
        {
            if (fixture.Group.Loop(index) is UringEventLoop loop)
                await UntilAsync(() => loop.RunAsync(() => Task.FromResult(loop.Buffers.Held == 0)));
        }
        await acceptor.StopAsync();
    }

    [Fact]
    public async Task A_user_that_does_not_receive_makes_the_peer_wait()
    {
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop);
        peer.Socket.Blocking = false;
        var sent = 0L;
        var chunk = new byte[64 * 1024];
        // Until nothing more is taken although time passes on the loop; and it must come to that.
        for (var idle = 0; idle < 20 && sent < 512L * 1024 * 1024;)
        {
            var count = peer.Socket.Send(chunk, SocketFlags.None, out _);
            sent += Math.Max(count, 0);
            idle = count > 0 ? 0 : idle + 1;
            await fixture.Loop.RunAsync(() => Task.CompletedTask);
            if (count <= 0)
                await Task.Delay(5);
        }
        sent.ShouldBeLessThan(64 * 1024 * 1024);
        if (fixture.Loop is UringEventLoop loop)
            (await loop.RunAsync(() => Task.FromResult(loop.Buffers.Held))).ShouldBeLessThan(UringBuffers.Count / 4);
        var received = await fixture.Loop.RunAsync(async () =>
        {
            peer.Connection.Watch();
            var buffer = new byte[100_000];
            var total = 0L;
            while (total < sent)
                total += await peer.Connection.ReceiveSomeAsync(buffer);
            peer.Connection.Unwatch();
            peer.Connection.Dispose();
            return total;
        });
        received.ShouldBe(sent);
    }

    [Fact]
    public async Task Bytes_taken_before_the_connection_is_disposed_arrive()
    {
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop, 4096);
        var taken = await fixture.Loop.RunAsync(() =>
        {
            var total = 0;
            for (int count; (count = peer.Connection.TrySend(new byte[3_000])) > 0;)
                total += count;
            peer.Connection.Dispose();
            return Task.FromResult(total);
        });
        var read = 0;
        var buffer = new byte[32 * 1024];
        for (int count; (count = await peer.Socket.ReceiveAsync(buffer.AsMemory()).AsTask().WaitAsync(Waiting.Limit)) > 0;)
            read += count;
        read.ShouldBe(taken);
    }

    [Fact]
    public async Task A_stream_without_end_lets_others_have_their_turn()
    {
        using var heavy = await SocketPeer.ConnectAsync(fixture.Loop);
        using var light = await SocketPeer.ConnectAsync(fixture.Loop);
        var stop = false;
        var feeding = Task.Run(() =>
        {
            var chunk = new byte[256 * 1024];
            while (!Volatile.Read(ref stop))
                heavy.Socket.Send(chunk, SocketFlags.None, out _);
        });
        var perTurn = new List<long>();
        var eating = fixture.Loop.RunAsync(async () =>
        {
            var loop = fixture.Group.Loop(0);
            heavy.Connection.Watch();
            var buffer = new byte[64 * 1024];
            var (turn, bytes) = (loop.Turn, 0L);
            while (!Volatile.Read(ref stop))
            {
                var count = await heavy.Connection.ReceiveSomeAsync(buffer);
                if (turn != loop.Turn)
                    perTurn.Add(bytes);
                bytes = turn == loop.Turn ? bytes + count : count;
                turn = loop.Turn;
            }
            heavy.Connection.Unwatch();
            heavy.Connection.Dispose();
        });
        var echoing = fixture.Loop.RunAsync(async () =>
        {
            light.Connection.Watch();
            var buffer = new byte[16];
            for (int count; (count = await light.Connection.ReceiveSomeAsync(buffer)) > 0;)
                await light.Connection.SendAllAsync(buffer.AsMemory(0, count));
            light.Connection.Unwatch();
            light.Connection.Dispose();
        });
        for (var i = 0; i < 200; i++)
        {
            await light.Socket.SendAsync(new byte[] { (byte)i }.AsMemory());
            (await light.Socket.ReceiveAsync(new byte[1].AsMemory()).AsTask().WaitAsync(Waiting.Limit)).ShouldBe(1);
        }
        Volatile.Write(ref stop, true);
        light.Socket.Shutdown(SocketShutdown.Send);
        await echoing.WaitAsync(Waiting.Limit);
        heavy.Socket.Shutdown(SocketShutdown.Send);
        await eating.WaitAsync(Waiting.Limit);
        await feeding.WaitAsync(Waiting.Limit);
        perTurn.ShouldAllBe(bytes => bytes <= SocketConnection.MaxBytesPerTurn + (64 * 1024));
    }

    private static async Task EchoAsync(Connection connection, Random random, Action ended)
    {
        try
        {
            connection.Watch();
            var buffer = new byte[random.Next(1, 90_000)];
            for (int count; (count = await connection.ReceiveSomeAsync(buffer)) > 0;)
            {
                await connection.SendAllAsync(buffer.AsMemory(0, count));
                if (random.Next(20) == 0)
                    await Task.Yield();
            }
            connection.Unwatch();
        }
        catch (PeerClosedException)
        {
            connection.Signal!.Deadline = 0;
        }
        connection.Dispose();
        ended();
    }

    private static async Task TalkAsync(EndPoint server, Random random)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (random.Next(3) == 0)
            socket.ReceiveBufferSize = 4096;
        await socket.ConnectAsync(server);
        var farewell = (Farewell)random.Next(3);
        var data = new byte[random.Next(4) == 0 ? random.Next(1, 400_000) : random.Next(1, 3_000)];
        random.NextBytes(data);
        var sending = Task.Run(async () =>
        {
            var sizes = new Random(data.Length);
            for (var at = 0; at < data.Length;)
            {
                var count = Math.Min(sizes.Next(1, sizes.Next(2, 50_000)), data.Length - at);
                await socket.SendAsync(data.AsMemory(at, count));
                at += count;
                if (sizes.Next(10) == 0)
                    await Task.Yield();
            }
            if (farewell == Farewell.HalfClose)
                socket.Shutdown(SocketShutdown.Send);
        });
        // Some go before they have seen everything.
        var wanted = farewell == Farewell.HalfClose ? data.Length : random.Next(0, data.Length + 1);
        var received = new byte[wanted];
        for (var at = 0; at < wanted;)
        {
            var count = await socket.ReceiveAsync(received.AsMemory(at)).AsTask().WaitAsync(Waiting.Limit);
            count.ShouldBeGreaterThan(0);
            at += count;
        }
        received.AsSpan().SequenceEqual(data.AsSpan(0, wanted)).ShouldBeTrue();
        if (farewell == Farewell.HalfClose)
            (await socket.ReceiveAsync(new byte[1].AsMemory()).AsTask().WaitAsync(Waiting.Limit)).ShouldBe(0);
        if (farewell == Farewell.Reset)
            socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
        try
        {
            await sending;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            farewell.ShouldNotBe(Farewell.HalfClose);
        }
    }

    /// <summary>Sockets that this process has open, once there are no more than <paramref name="expected"/> or it has been waited for long enough.</summary>
    private static async Task<int> SettledDescriptorsAsync(int expected)
    {
        var limit = Environment.TickCount64 + (long)Waiting.Limit.TotalMilliseconds;
        int count;
        while ((count = System.IO.Directory.GetFileSystemEntries("/proc/self/fd").Length) > expected && Environment.TickCount64 < limit)
            await Task.Delay(50);
        return count;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var limit = Environment.TickCount64 + (long)Waiting.Limit.TotalMilliseconds;
        while (!await condition())
        {
            if (Environment.TickCount64 > limit)
                throw new TimeoutException("It did not come to that.");
            await Task.Delay(10);
        }
    }
}

/// <summary>These count descriptors of the process, so nothing runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "transport alone";
}

[Collection(AloneCollection.Name)]
public sealed class EpollConnectionFuzzTests(EpollLoops loops) : ConnectionFuzzTests(loops), IClassFixture<EpollLoops>;

[Collection(AloneCollection.Name)]
public sealed class UringConnectionFuzzTests(UringLoops loops) : ConnectionFuzzTests(loops), IClassFixture<UringLoops>;

[Collection(AloneCollection.Name)]
public sealed class SocketsConnectionFuzzTests(SocketsLoops loops) : ConnectionFuzzTests(loops), IClassFixture<SocketsLoops>;
