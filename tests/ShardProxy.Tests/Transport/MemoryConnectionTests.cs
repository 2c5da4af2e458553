using ShardProxy.Transport;

namespace ShardProxy.Tests.Transport;

public sealed class MemoryConnectionTests
{
    [Fact]
    public void Carries_bytes_with_bounded_room()
    {
        var loop = new ManualLoop();
        var (a, b) = MemoryConnection.CreatePair(loop, capacity: 100);
        a.MaxPerCall = 7;
        var data = new byte[1_000];
        new Random(5).NextBytes(data);
        a.Signal = new LoopSignal(loop);
        b.Signal = new LoopSignal(loop);
        var sending = loop.Start(async () =>
        {
            await a.SendAllAsync(data);
            a.Dispose();
            return true;
        });
        sending.IsCompleted.ShouldBeFalse();
        b.Pending.ShouldBe(100);
        var received = loop.Run(async ValueTask<byte[]> () =>
        {
            var all = new List<byte>();
            var buffer = new byte[33];
            for (int count; (count = await b.ReceiveSomeAsync(buffer)) > 0;)
                all.AddRange(buffer.AsSpan(0, count));
            return all.ToArray();
        });
        sending.IsCompletedSuccessfully.ShouldBeTrue();
        received.ShouldBe(data);
    }

    [Fact]
    public void A_frame_channel_reads_frame_by_frame()
    {
        var loop = new ManualLoop();
        var (a, b) = MemoryConnection.CreatePair(loop, capacity: 9);
        a.Signal = new LoopSignal(loop);
        b.Signal = new LoopSignal(loop);
        var left = new FrameChannel(a, 1024);
        var right = new FrameChannel(b, 1024);
        left.Output.Write("Q\0\0\0\u000bselect\0Z\0\0\0\u0005I"u8);
        var sent = loop.Start(async () =>
        {
            await left.FlushAsync();
            return true;
        });
        var first = loop.Run(() => right.PeekFrameAsync());
        first.ShouldBe(((byte)'Q', 12));
        right.Input.Consume(first.Length);
        loop.Run(() => right.PeekFrameAsync()).ShouldBe(((byte)'Z', 6));
        sent.IsCompletedSuccessfully.ShouldBeTrue();
        left.Output.Capacity.ShouldBe(0);
    }
}
