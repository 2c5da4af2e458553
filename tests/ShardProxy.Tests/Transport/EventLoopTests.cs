using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Transport;

public abstract class EventLoopTests(LoopFixture fixture)
{
    [Fact]
    public async Task No_wake_up_from_another_thread_is_lost()
    {
        const int Count = 200_000;
        var loop = fixture.Loop;
        var signal = new LoopSignal(loop);
        var produced = 0;
        var consumed = 0;
        var waiter = loop.RunAsync(async () =>
        {
            while (consumed < Count)
            {
                await signal.WaitAsync();
                consumed = Volatile.Read(ref produced);
            }
        });
        for (var i = 0; i < Count; i++)
        {
            Volatile.Write(ref produced, i + 1);
            signal.SetFromAnyThread();
        }
        await waiter.WaitAsync(Waiting.Limit);
        consumed.ShouldBe(Count);
    }

    [Fact]
    public async Task Signals_between_two_loops_ping_and_pong()
    {
        const int Count = 20_000;
        var ping = new LoopSignal(fixture.Loop);
        var pong = new LoopSignal(fixture.OtherLoop);
        var first = fixture.Loop.RunAsync(async () =>
        {
            for (var i = 0; i < Count; i++)
            {
                pong.SetFromAnyThread();
                await ping.WaitAsync();
            }
        });
        var second = fixture.OtherLoop.RunAsync(async () =>
        {
            for (var i = 0; i < Count; i++)
            {
                await pong.WaitAsync();
                ping.SetFromAnyThread();
            }
        });
        await Task.WhenAll(first, second).WaitAsync(Waiting.Limit);
    }

    [Fact]
    public async Task A_signal_set_before_the_wait_completes_it_at_once()
    {
        await fixture.Loop.RunAsync(async () =>
        {
            var signal = new LoopSignal(fixture.Loop);
            signal.Set();
            signal.Set();
            var remembered = signal.WaitAsync().AsTask();
            remembered.IsCompleted.ShouldBeTrue();
            var wait = signal.WaitAsync().AsTask();
            wait.IsCompleted.ShouldBeFalse();
            signal.Set();
            wait.IsCompleted.ShouldBeFalse();
            await wait;
        });
    }

    [Fact]
    public async Task Continuations_never_nest()
    {
        await fixture.Loop.RunAsync(async () =>
        {
            var a = new LoopSignal(fixture.Loop);
            var b = new LoopSignal(fixture.Loop);
            var inside = false;
            async Task Bounce(LoopSignal mine, LoopSignal other)
            {
                for (var i = 0; i < 1_000; i++)
                {
                    await mine.WaitAsync();
                    inside.ShouldBeFalse();
                    inside = true;
                    other.Set();
                    inside = false;
                }
            }
            var first = Bounce(a, b);
            var second = Bounce(b, a);
            a.Set();
            await Task.WhenAll(first, second);
        }).WaitAsync(Waiting.Limit);
    }

    [Fact]
    public async Task A_deadline_wakes_its_waiter()
    {
        await fixture.Loop.RunAsync(async () =>
        {
            var others = Enumerable.Range(0, 200)
                .Select(i => new LoopSignal(fixture.Loop) { Deadline = Environment.TickCount64 + 60_000 + i })
                .ToArray();
            var signal = new LoopSignal(fixture.Loop) { Deadline = Environment.TickCount64 + 30 };
            while (!signal.DeadlinePassed)
                await signal.WaitAsync();
            signal.Deadline = 0;
            foreach (var other in others)
                other.Deadline = 0;
            signal.DeadlinePassed.ShouldBeFalse();
        }).WaitAsync(Waiting.Limit);
    }

    [Fact]
    public async Task An_await_on_a_task_comes_back_to_the_loop()
    {
        await fixture.Loop.RunAsync(async () =>
        {
            for (var i = 0; i < 50; i++)
            {
                await Task.Run(() => fixture.Loop.IsCurrent.ShouldBeFalse());
                fixture.Loop.IsCurrent.ShouldBeTrue();
                await Task.Yield();
                fixture.Loop.IsCurrent.ShouldBeTrue();
            }
        }).WaitAsync(Waiting.Limit);
    }

    [Fact]
    public async Task An_exception_in_posted_work_is_logged_and_the_loop_goes_on()
    {
        var logger = new RecordingLogger();
        await using var group = fixture.OneMore(logger);
        await group.StartAsync();
        group[0].Post(static _ => throw new InvalidOperationException("boom"), null);
        async void Fail()
        {
            await Task.Yield();
            throw new InvalidOperationException("bang");
        }
        group[0].Post(_ => Fail(), null);
        await group[0].RunAsync(async () =>
        {
            while (logger.Exceptions.Count < 2)
                await Task.Yield();
        }).WaitAsync(Waiting.Limit);
        logger.Exceptions.Select(e => e.Message).ShouldBe(["boom", "bang"]);
    }

    [Fact]
    public async Task Work_that_never_rests_does_not_starve_sockets()
    {
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop);
        var stop = false;
        var busy = fixture.Loop.RunAsync(async () =>
        {
            var signal = new LoopSignal(fixture.Loop);
            while (!stop)
            {
                var wait = signal.WaitAsync();
                signal.Set();
                await wait;
            }
        });
        var received = fixture.Loop.RunAsync(async () =>
        {
            peer.Connection.Watch();
            var count = await peer.Connection.ReceiveSomeAsync(new byte[16]);
            peer.Connection.Unwatch();
            stop = true;
            return count;
        });
        await peer.Socket.SendAsync(new byte[] { 1, 2, 3 }.AsMemory());
        (await received.WaitAsync(Waiting.Limit)).ShouldBe(3);
        await busy.WaitAsync(Waiting.Limit);
    }

    [Fact]
    public async Task Stopping_closes_what_is_left()
    {
        var group = fixture.OneMore();
        await group.StartAsync();
        using var peer = await SocketPeer.ConnectAsync(group[0]);
        await group.DisposeAsync();
        // Neither posting nor moving to a loop that has ended touches a descriptor that may be somebody else's by now.
        group[0].Post(static _ => { }, null);
        using var other = await SocketPeer.ConnectAsync(fixture.Loop);
        Should.Throw<IOException>(() => other.Connection.MoveTo(group[0]));
        (await peer.Socket.ReceiveAsync(new byte[1].AsMemory()).AsTask().WaitAsync(Waiting.Limit)).ShouldBe(0);
    }

    private sealed class RecordingLogger : ILogger
    {
        public List<Exception> Exceptions { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (exception is not null)
                Exceptions.Add(exception);
        }
    }
}

public sealed class EpollEventLoopTests(EpollLoops loops) : EventLoopTests(loops), IClassFixture<EpollLoops>;

public sealed class UringEventLoopTests(UringLoops loops) : EventLoopTests(loops), IClassFixture<UringLoops>;

public sealed class SocketsEventLoopTests(SocketsLoops loops) : EventLoopTests(loops), IClassFixture<SocketsLoops>;
