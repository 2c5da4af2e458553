using System.Net.Sockets;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Transport;

public abstract class SocketConnectionTests(LoopFixture fixture)
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 4096)]
    [InlineData(4, 2048)]
    public async Task Echoes_random_chunks_unchanged(int seed, int bufferSize)
    {
        var loop = fixture.Loop;
        using var peer = await SocketPeer.ConnectAsync(loop, bufferSize);
        var random = new Random(seed);
        var sent = new byte[2_000_000];
        random.NextBytes(sent);

        var echo = loop.RunAsync(async () =>
        {
            var sizes = new Random(seed + 100);
            peer.Connection.Watch();
            var buffer = new byte[70_000];
            while (true)
            {
                var count = await peer.Connection.ReceiveSomeAsync(buffer.AsMemory(0, sizes.Next(1, buffer.Length)));
                if (count < 0)
                    break;
                await peer.Connection.SendAllAsync(buffer.AsMemory(0, count));
            }
            peer.Connection.Unwatch();
            peer.Connection.Dispose();
        });

        var received = new byte[sent.Length];
        var reading = Task.Run(async () =>
        {
            for (var at = 0; at < received.Length;)
            {
                var count = await peer.Socket.ReceiveAsync(received.AsMemory(at));
                count.ShouldBeGreaterThan(0);
                at += count;
            }
        });
        for (var at = 0; at < sent.Length;)
        {
            var count = Math.Min(random.Next(1, 30_000), sent.Length - at);
            await peer.Socket.SendAsync(sent.AsMemory(at, count));
            at += count;
        }
        await reading.WaitAsync(Waiting.Limit);
        peer.Socket.Shutdown(SocketShutdown.Send);
        await echo.WaitAsync(Waiting.Limit);
        received.AsSpan().SequenceEqual(sent).ShouldBeTrue();
    }

    [Fact]
    public async Task Takes_no_more_than_the_peer_reads()
    {
        var loop = fixture.Loop;
        using var peer = await SocketPeer.ConnectAsync(loop, 4096);
        var taken = await loop.RunAsync(() =>
        {
            var chunk = new byte[64 * 1024];
            var total = 0;
            while (true)
            {
                var count = peer.Connection.TrySend(chunk);
                count.ShouldBeGreaterThanOrEqualTo(0);
                if (count == 0)
                    break;
                total += count;
            }
            peer.Connection.Ready.HasFlag(Readiness.Writable).ShouldBeFalse();
            return Task.FromResult(total);
        });
        taken.ShouldBeGreaterThan(0);

        // Once the peer reads, the connection becomes writable again and the rest goes through.
        var rest = loop.RunAsync(async () =>
        {
            peer.Connection.Watch();
            await peer.Connection.SendAllAsync(new byte[100_000]);
            peer.Connection.Unwatch();
            peer.Connection.Dispose();
        });
        var read = 0;
        var buffer = new byte[32 * 1024];
        while (true)
        {
            var count = await peer.Socket.ReceiveAsync(buffer.AsMemory()).AsTask().WaitAsync(Waiting.Limit);
            if (count == 0)
                break;
            read += count;
        }
        await rest;
        read.ShouldBe(taken + 100_000);
    }

    [Fact]
    public async Task Delivers_what_stood_before_the_end_of_the_stream()
    {
        var loop = fixture.Loop;
        using var peer = await SocketPeer.ConnectAsync(loop);
        await peer.Socket.SendAsync(new byte[10_000].AsMemory());
        peer.Socket.Shutdown(SocketShutdown.Send);
        var total = await loop.RunAsync(async () =>
        {
            peer.Connection.Watch();
            var sum = 0;
            var buffer = new byte[777];
            for (int count; (count = await peer.Connection.ReceiveSomeAsync(buffer)) > 0;)
                sum += count;
            peer.Connection.PeerClosed.ShouldBeTrue();
            peer.Connection.TryReceive(buffer).ShouldBe(-1);
            peer.Connection.Unwatch();
            return sum;
        });
        total.ShouldBe(10_000);
    }

    [Fact]
    public async Task A_reset_is_the_end()
    {
        var loop = fixture.Loop;
        using var peer = await SocketPeer.ConnectAsync(loop);
        peer.Socket.LingerState = new LingerOption(true, 0);
        peer.Socket.Dispose();
        await loop.RunAsync(async () =>
        {
            peer.Connection.Watch();
            (await peer.Connection.ReceiveSomeAsync(new byte[10])).ShouldBe(-1);
            peer.Connection.TrySend(new byte[10]).ShouldBe(-1);
            peer.Connection.Unwatch();
            peer.Connection.Dispose();
        });
    }

    [Fact]
    public async Task Moves_between_loops_under_traffic()
    {
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop);
        const int Rounds = 2_000;
        var echo = Task.Run(async () =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                var loop = fixture.Group[i % 2];
                if (!ReferenceEquals(peer.Connection.Loop, loop))
                    peer.Connection.MoveTo(loop);
                await loop.RunAsync(async () =>
                {
                    peer.Connection.Watch();
                    var buffer = new byte[8];
                    var count = await peer.Connection.ReceiveSomeAsync(buffer);
                    await peer.Connection.SendAllAsync(buffer.AsMemory(0, count));
                    peer.Connection.Unwatch();
                });
            }
        });
        var buffer = new byte[8];
        for (var i = 0; i < Rounds; i++)
        {
            buffer[0] = (byte)i;
            await peer.Socket.SendAsync(buffer.AsMemory(0, 1));
            (await peer.Socket.ReceiveAsync(buffer.AsMemory()).AsTask().WaitAsync(Waiting.Limit)).ShouldBe(1);
            buffer[0].ShouldBe((byte)i);
        }
        await echo.WaitAsync(Waiting.Limit);
    }

    [Fact]
    public async Task A_watched_connection_does_not_move()
    {
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop);
        await fixture.Loop.RunAsync(() =>
        {
            peer.Connection.Watch();
            Should.Throw<InvalidOperationException>(() => peer.Connection.MoveTo(fixture.OtherLoop));
            peer.Connection.Unwatch();
            return Task.CompletedTask;
        });
    }

    [Fact]
    public async Task An_echo_allocates_nothing()
    {
        var loop = fixture.Loop;
        using var peer = await SocketPeer.ConnectAsync(loop);
        const int Warm = 2_000;
        const int Measured = 10_000;
        var echo = loop.RunAsync(async () =>
        {
            var signal = peer.Connection.Watch();
            var buffer = new byte[64];
            var before = 0L;
            for (var i = 0; i < Warm + Measured; i++)
            {
                if (i == Warm)
                    before = GC.GetAllocatedBytesForCurrentThread();
                int count;
                while ((count = peer.Connection.TryReceive(buffer)) == 0)
                {
                    peer.Connection.Interest = Readiness.Readable;
                    await signal.WaitAsync();
                }
                if (peer.Connection.TrySend(buffer.AsSpan(0, count)) != count)
                    throw new InvalidOperationException("A few bytes did not fit into the socket.");
            }
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            peer.Connection.Unwatch();
            return allocated;
        });
        await Task.Run(() =>
        {
            var buffer = new byte[64];
            for (var i = 0; i < Warm + Measured; i++)
            {
                peer.Socket.Send(buffer, 0, 5, SocketFlags.None);
                peer.Socket.Receive(buffer);
            }
        });
        (await echo).ShouldBeLessThan(Measured);
    }
}

public sealed class EpollSocketConnectionTests(EpollLoops loops) : SocketConnectionTests(loops), IClassFixture<EpollLoops>;

public sealed class UringSocketConnectionTests(UringLoops loops) : SocketConnectionTests(loops), IClassFixture<UringLoops>;

public sealed class SocketsSocketConnectionTests(SocketsLoops loops) : SocketConnectionTests(loops), IClassFixture<SocketsLoops>;
